"""Start a command under bubblewrap and know when its process namespace is empty."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import view
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import SandboxFailed

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_COUNT_PROCESSES = 'ulimit -p "$0" 2>/dev/null || ulimit -u "$0"; exec "$@"'
"""The limit is set inside: there it counts this sandbox only (Linux 5.14 and later). dash says -p, bash says -u."""


def launch(host_uid: int | None, limits: Limits, sources: Sequence[str], command: Sequence[str]) -> list[str]:
    """The launcher's argv, see launcher.py. `host_uid` None: stay who we are, and stage nothing."""
    numbers = [str(os.getpid()), str(limits.file_bytes), str(host_uid or 0)]
    return [sys.executable, "-IS", _LAUNCHER, *numbers, view.STAGE, str(len(sources)), *sources, *command]


@dataclass(frozen=True, slots=True)
class Plan:
    """An argv, and the open descriptors that it names; the caller closes them after the start."""

    argv: list[str]
    descriptors: tuple[int, ...]

    def close(self) -> None:
        for fd in self.descriptors:
            os.close(fd)


def plan(  # the parts of one command line
    box: Box,
    argv: Sequence[str],
    limits: Limits,
    furniture: view.Furniture,
    host_uid: int | None,
    extra: Sequence[str] = (),
) -> Plan:
    """How `argv` is started in this box; `extra` are further arguments for bubblewrap."""
    binds = view.binds(box, furniture)
    site, bwrap = view.program()
    if host_uid is None:
        sources, program, shown = [], str(site / bwrap), [(bind, str(bind.source)) for bind in binds]
    else:
        sources = [str(site), *(str(bind.source) for bind in binds)]
        program = f"{view.staged(0)}/{bwrap}"
        shown = [(bind, view.staged(position)) for position, bind in enumerate(binds, start=1)]
    data = view.etc_files()
    env = {**view.environment(furniture), **box.env}
    words = view.arguments(box, shown, env, data)
    args = view.in_memory(b"\0".join(word.encode() for word in [*extra, *words]))
    counted = ["/bin/sh", "-c", _COUNT_PROCESSES, str(limits.processes), *argv]
    command = [program, "--args", str(args), "--", *counted]
    return Plan(launch(host_uid, limits, sources, command), (*data.values(), args))


class Namespace:
    """The process namespace of one bubblewrap: dead as a whole when its first process is.

    bubblewrap reports the pid of that first process and, once the command was really started, its exit code. The kernel
    lets go of the first process only after every other one in the namespace is gone, however it hid.
    """

    def __init__(self, process: asyncio.subprocess.Process, report: int) -> None:
        self._process = process
        self._report = report
        self._buffer = b""
        self._first: int | None = None
        self._exit_code: int | None = None
        self._reported = asyncio.Event()
        self._killed = False
        os.set_blocking(report, False)
        asyncio.get_running_loop().add_reader(report, self._read)

    def kill(self) -> None:
        """bubblewrap dies; the death signal takes the first process along, and that one everything else."""
        self._killed = True
        if self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> int | None:
        await self._reported.wait()
        if self._first is not None:
            await _readable(self._first)
            os.close(self._first)
            self._first = None
        code = await self._process.wait()
        if self._exit_code is None and not self._killed and code >= 0:
            raise SandboxFailed(f"bubblewrap did not start the command (exit code {code})")
        return self._exit_code

    def _read(self) -> None:
        data = os.read(self._report, 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(self._report)
            os.close(self._report)
            self._reported.set()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, news: dict[str, int]) -> None:
        self._exit_code = news.get("exit-code", self._exit_code)
        if "child-pid" in news:
            try:
                self._first = os.pidfd_open(news["child-pid"])
            except ProcessLookupError:
                self._first = None


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(fd, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(fd)
