"""The process namespace of one bubblewrap: let it begin, kill it as a whole, know when it is empty."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

from bot.sandbox import tree
from bot.sandbox.capability import SandboxFailed
from bot.sandbox.child import Child
from bot.sandbox.contained import Wires


class Namespace:
    """Implements `Tree`: dead as a whole when its first process is.

    bubblewrap reports the pid of that first process before it lets it do anything and, once the command was really
    started, its exit code. The kernel lets go of the first process only after every other one in the namespace is gone,
    however it hid.
    """

    def __init__(self, child: Child, wires: Wires) -> None:
        self._child = child
        self._wires = wires
        self._buffer = b""
        self._first: int | None = None
        self._first_pid: int | None = None
        self._exit_code: int | None = None
        self._reported = asyncio.Event()
        self._killed = False
        self._loop = asyncio.get_running_loop()
        os.set_blocking(wires.report, False)
        wires.question.setblocking(False)
        self._loop.add_reader(wires.report, self._read)
        self._loop.add_reader(wires.question, self._answer)

    def kill(self) -> None:
        """Kill the first process, which takes everything along, and bubblewrap itself.

        Before the first process is known, bubblewrap is left alone: killed between its fork and its report it would
        leave a child that waits for ever. The report comes within milliseconds, and the command cannot start before it.
        """
        self._killed = True
        self._hang_up()
        if self._first is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            if self._child.returncode is None:
                self._child.kill()

    def pids(self) -> list[int]:
        """Nobody before the first process is known."""
        return [] if self._first_pid is None else tree.descendants(self._first_pid)

    def seen_from_outside(self, folders: Sequence[str]) -> list[str]:
        """Paths of folders of the inside that nobody inside can replace."""
        return [] if self._first_pid is None else [f"/proc/{self._first_pid}/root{folder}" for folder in folders]

    async def gone(self) -> int | None:
        """Wait until the namespace is empty. Raises SandboxFailed when the command was never started."""
        await self._reported.wait()
        self._hang_up()
        if self._first is not None:
            await self._readable(self._first)
            os.close(self._first)
            self._first = self._first_pid = None
        code = await self._child.exited()
        await self._readable(self._wires.life.fileno())  # who watched over the start is gone, too
        self._wires.life.close()
        if self._exit_code is None and not self._killed and code >= 0:
            raise SandboxFailed(f"bubblewrap did not start the command (exit code {code})")
        return self._exit_code

    def _answer(self) -> None:
        """The first program inside asks whether to go on; our answer is the last word on this wire."""
        with suppress(OSError):
            if self._wires.question.recv(16):
                self._wires.question.send(b"\n")
        self._hang_up()

    def _hang_up(self) -> None:
        if self._wires.question.fileno() >= 0:
            self._loop.remove_reader(self._wires.question)
            self._wires.question.close()

    def _read(self) -> None:
        data = os.read(self._wires.report, 4096)
        if not data:
            self._loop.remove_reader(self._wires.report)
            os.close(self._wires.report)
            self._reported.set()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, news: dict[str, int]) -> None:
        self._exit_code = news.get("exit-code", self._exit_code)
        if "child-pid" in news:
            with suppress(ProcessLookupError):
                self._first = os.pidfd_open(news["child-pid"])
                self._first_pid = news["child-pid"]
            if self._killed:
                self.kill()

    async def _readable(self, fd: int) -> None:
        event = asyncio.Event()
        self._loop.add_reader(fd, event.set)
        try:
            await event.wait()
        finally:
            self._loop.remove_reader(fd)
