"""Run a set-up over a template, once, and see what it made."""

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.sandbox.box import Bind, Box, Overlay
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending, Finished
from bot.task.ids import CommitSha
from bot.workspace.errors import GitFailed
from bot.workspace.folders import remove
from bot.workspace.inside import GIT_INSIDE, HOME, LEFT, TASK
from bot.workspace.sealed import TREE, seal
from bot.workspace.template import run
from bot.workspace.values import Access, SetUp

TRACES, FACTS = "traces", "facts.json"
MOST_TRACES = 1 << 20
"""Bytes of the list of files that a set-up changes and git does not ignore."""
MOST_BYTES = 8 << 30
_SHELL = 'if command -v bash >/dev/null; then exec bash -c "$0"; fi; exec sh -c "$0"'
_HOME = 'cd "$1" && ls -A | grep -vx -e .cache -e .npm -e .config | head -n 1'


@dataclass(frozen=True, slots=True)
class Facts:
    """What a layer is good for."""

    commit: str
    roots: tuple[str, ...]
    """New files, and new folders with a slash at their end."""
    changes_files: bool
    """It changed files of the commit: it is good for this commit alone."""
    in_home: bool
    """The set-up left something in HOME that no layer holds."""

    def fits(self, base: CommitSha, files: Collection[str]) -> bool:
        """May it lie under a tree of these files, above the template of `base`?"""
        if self.in_home or (self.changes_files and base != self.commit):
            return False
        whole = {root for root in self.roots if not root.endswith("/")}
        folders = tuple(root for root in self.roots if root.endswith("/"))
        return not any(path in whole or path.startswith(folders) for path in files)

    @classmethod
    def read(cls, entry: Path) -> "Facts":
        told = json.loads((entry / FACTS).read_text())
        return cls(told["commit"], tuple(told["roots"]), told["changes_files"], told["in_home"])


@dataclass(frozen=True, slots=True)
class Failure:
    exit_code: int | None = None
    note: str = ""
    output: bytes = b""
    seconds: float = 0.0


@dataclass(slots=True)
class Workshop:
    """One attempt to make a layer. Afterwards either `failure` or `output` tells about it."""

    sandbox: Sandbox
    access: Access
    tenant: int
    setup: SetUp
    commit: CommitSha
    failure: Failure = field(default=Failure(), init=False)
    output: bytes = field(default=b"", init=False)
    seconds: float = field(default=0.0, init=False)

    async def build(self, entry: Path, template: Path, stores: tuple[Bind, ...]) -> bool:
        """Fill a new entry; False: `failure` says why not."""
        overlay = Overlay((template,), self.sandbox.make_room(entry / "room", self.tenant), TASK)
        home = Bind(self.sandbox.make_folder(entry / "home", self.tenant), HOME, writable=True)
        box = Box((home, *stores), TASK, tenant=self.tenant, overlay=overlay)
        finished = await self._run(box)
        if finished.exit_code != 0:
            return self._fail(finished, _note(finished, self.setup))
        self.output, self.seconds = finished.output, finished.seconds
        try:
            await self._look(entry, template, box)
            await remove(self.sandbox, overlay.upper / ".git", self.tenant)
            await asyncio.to_thread(overlay.upper.rename, entry / TREE)
            for rest in (overlay.room, home.source):
                await remove(self.sandbox, rest, self.tenant)
            await asyncio.to_thread(seal, entry)
        except (RecursionError, OSError, GitFailed, ValueError) as error:
            return self._fail(finished, f"what it made cannot be kept: {error}")
        if int((entry / "size").read_text()) > MOST_BYTES:
            return self._fail(finished, f"it made more than {MOST_BYTES >> 30} GiB")
        return True

    async def _run(self, box: Box) -> Finished:
        async with self.access() as furnish:
            argv = ["/bin/sh", "-c", _SHELL, self.setup.command]
            return await self.sandbox.run(furnish(box), argv, self.setup.limits)

    async def _look(self, entry: Path, template: Path, box: Box) -> None:
        """Note what it made: told by git inside, and bounded."""
        if box.overlay is None:
            raise ValueError("a layer needs an overlay")
        index = Bind(template / ".git" / "index", "/index")
        still = replace(box, overlay=replace(box.overlay, writable=False), env=GIT_INSIDE).with_binds(index)
        targets = [bind.target for bind in box.binds if not bind.writable]
        told = await run(self.sandbox, still, LEFT, TASK, "/tmp/git", self.commit, "/index", *targets)  # noqa: S108
        names, traces = left(told)
        at_home = await self.sandbox.run(still, ["/bin/sh", "-c", _HOME, "home", HOME], self.setup.limits, trusted=True)
        if len(traces) > MOST_TRACES:
            raise ValueError("it leaves too many files that git does not ignore")
        facts = {
            "commit": self.commit,
            "roots": [name.decode(errors="replace") for name in names],
            "changes_files": any(not row.startswith(b":000000") for row in traces.split(b"\0")[::2] if row),
            "in_home": at_home.output != b"",
        }
        (entry / FACTS).write_text(json.dumps(facts))
        (entry / TRACES).write_bytes(traces)

    def _fail(self, finished: Finished, note: str) -> bool:
        self.failure = Failure(finished.exit_code, note, finished.output[-(16 << 10) :], finished.seconds)
        return False


def _note(finished: Finished, setup: SetUp) -> str:
    """Why there is no exit code."""
    match finished.ending:
        case Ending.EXITED:
            return ""
        case Ending.TIMED_OUT:
            return f"timed out after {setup.limits.seconds:.0f} s"
        case ending:
            return f"stopped: {ending}"


def left(told: bytes) -> tuple[list[bytes], bytes]:
    """The output of LEFT: new files and folders, and the differences as git tells them."""
    names, _, traces = (b"\0" + told).partition(b"\0\0")
    return [name for name in names.split(b"\0") if name], traces
