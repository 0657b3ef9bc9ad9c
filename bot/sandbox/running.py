"""A process that runs: its streams, its deadline, its end. When `wait` returns, its whole tree is dead."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self, TypeVar

from bot.sandbox.box import Limits
from bot.sandbox.capability import SandboxFailed
from bot.sandbox.child import Child
from bot.sandbox.output import HeadAndTail

T = TypeVar("T")


class Ending(StrEnum):
    """How a process came to its end."""

    EXITED = "exited"
    """By itself; there is an exit code (128 + signal when a signal of the inside ended it)."""
    TIMED_OUT = "timed out"
    """It used up its seconds."""
    OUTPUT_LIMIT = "output limit"
    """It wrote more than it may."""
    MEMORY_LIMIT = "memory limit"
    """It used more memory than it may."""
    DISK_LIMIT = "disk limit"
    """It filled more disk space than it may."""
    KILLED = "killed"
    """We ended it, or something outside did."""


LOOK_SECONDS = 0.5
"""How often a watch looks, if looking is cheap."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that was exceeded. `detail` says what was seen and allowed: `it used …; at most … may be used`."""

    ending: Ending
    detail: str


class Watch(Protocol):
    """Looks after one limit of one process tree."""

    async def exceeded(self) -> Excess:
        """Return when the limit is exceeded, which need not happen; cancelled when the tree is dead."""
        ...

    async def last_look(self) -> Excess | None:
        """When the tree is dead: was it exceeded after all? It takes its own things away."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A process and all its children are gone. `exit_code` is None unless it exited by itself."""

    exit_code: int | None
    output: bytes
    """Beginning and end of what it wrote (of stderr, when the caller read stdout himself)."""
    ending: Ending
    seconds: float
    detail: str = ""
    """Of an ending by a limit on memory or disk space: what was seen, and what is allowed."""


class Tree(Protocol):
    """A process with everything it started."""

    def kill(self) -> None:
        """Kill all of it; may be called again."""
        ...

    def pids(self) -> list[int]:
        """Every process of it, as far as can be seen now."""
        ...

    async def gone(self) -> int | None:
        """Wait until nothing of it lives. The exit code of the first process; None if it had none of its own."""
        ...


async def surely(work: Coroutine[Any, Any, T]) -> T:
    """Finish `work` even when we are cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


class Running:
    """A started process. As an async context manager it is killed at the end of the block, with its whole tree."""

    def __init__(self, child: Child, tree: Tree, limits: Limits, watches: Sequence[Watch] = ()) -> None:
        self._child, self._process = child, child.process
        self._tree = tree
        self._limits = limits
        self._watches = watches
        self._excess: Excess | None = None
        self._started = time.monotonic()
        self._cut: Ending | None = None
        self._errors = HeadAndTail()
        self._draining = asyncio.ensure_future(self._drain(child.process.stderr)) if child.process.stderr else None
        self._ended = asyncio.ensure_future(self._end())

    @property
    def pid(self) -> int:
        """Pid of the outermost process: bubblewrap, or the program itself where nothing contains it."""
        return self._process.pid

    @property
    def stdin(self) -> asyncio.StreamWriter:
        if self._process.stdin is None:
            raise ValueError("the process was started without stdin")
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """Lines of up to 32 MiB. Counting it against a limit is the reader's part."""
        if self._process.stdout is None:
            raise ValueError("the process was started without stdout")
        return self._process.stdout

    @property
    def stderr_tail(self) -> bytes:
        """Beginning and end of stderr so far."""
        return self._errors.text()

    def kill(self, ending: Ending = Ending.KILLED) -> None:
        """End the whole tree; `wait` tells when it is gone."""
        if not self._ended.done():
            self._cut = self._cut or ending
            self._tree.kill()

    async def wait(self) -> Finished:
        """Until the whole tree is dead. Cancelling this call does not end the process."""
        return await asyncio.shield(self._ended)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        self.kill()
        with suppress(*((SandboxFailed,) if kind else ())):  # the first error is the one to tell
            await surely(self.wait())

    async def _end(self) -> Finished:
        timer = asyncio.get_running_loop().call_later(self._limits.seconds, self.kill, Ending.TIMED_OUT)
        watching = [asyncio.ensure_future(self._watch(watch)) for watch in self._watches]
        failure = code = None
        try:
            code = await self._tree.gone()
        except SandboxFailed as error:
            failure = error
        timer.cancel()
        await self._look_back(watching)
        seconds = time.monotonic() - self._started
        if self._draining:
            await self._draining
        await self._child.close()
        said = self._errors.text()
        if failure:
            raise SandboxFailed(f"{failure} {said.decode(errors='replace')}".strip()) from failure
        if self._excess and self._cut is self._excess.ending:
            return Finished(None, said, self._cut, seconds, self._excess.detail)
        if self._cut is None and code is not None:
            return Finished(code, said, Ending.EXITED, seconds)
        return Finished(None, said, self._cut or Ending.KILLED, seconds)

    async def _watch(self, watch: Watch) -> None:
        excess = await watch.exceeded()
        if self._excess is None:
            self._excess = excess
            self.kill(excess.ending)

    async def _look_back(self, watching: Sequence[asyncio.Future[None]]) -> None:
        """Nobody watches the dead; but what killed them may have been a limit."""
        for one in watching:
            one.cancel()
        failures = await asyncio.gather(*watching, return_exceptions=True)
        for watch in self._watches:
            if (excess := await watch.last_look()) and self._cut is None:
                self._excess, self._cut = excess, excess.ending
        for failure in failures:
            if isinstance(failure, Exception):
                raise failure

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(1 << 16):
            self._errors.add(data)
            if self._errors.total > self._limits.output_bytes:
                self.kill(Ending.OUTPUT_LIMIT)
