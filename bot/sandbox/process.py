"""Every process of the bot starts here, except git on its own repositories: contained, limited, killed as a tree."""

import asyncio
import contextlib
import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.sandbox import contained, direct
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import Capability, SandboxFailed, SandboxRefused
from bot.sandbox.child import Child
from bot.sandbox.guard import Guard, in_memory, written
from bot.sandbox.namespace import Namespace
from bot.sandbox.output import HeadAndTail
from bot.sandbox.room import alone
from bot.sandbox.running import Ending, Finished, Running, surely
from bot.sandbox.view import Furniture, Uids
from bot.task.results import SandboxLevel

_PIPE, _NULL, _STDOUT = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL, asyncio.subprocess.STDOUT


class Sandbox:
    """Starts processes as well contained as this machine allows, and none that it may not start.

    `toolchains` are read-only folders shown at their own path, `path` their entries for the PATH. When the bot is the
    superuser, each tenant runs under a uid of its own. The source of a bind is followed by the superuser: it must lie
    in a folder that no process inside can write.
    """

    def __init__(self, capability: Capability, *, toolchains: Sequence[Path] = (), path: Sequence[str] = ()) -> None:
        self.capability = capability
        uids = Uids.here() if capability.contains else None
        self._place = contained.Place(Furniture.of(toolchains, path), uids)

    @property
    def level(self) -> SandboxLevel:
        return self.capability.level

    def path(self, box: Box, inside: str) -> str:
        """The path that a process in this box must use for `inside`: the same, unless nothing contains it."""
        return inside if self.capability.contains else direct.host_path(box, inside)

    @property
    def identity(self) -> str:
        """What a program inside may find different elsewhere: the furniture."""
        return repr(self._place.furniture)

    def make_folder(self, folder: Path, tenant: int = 0) -> Path:
        """A folder that processes of this tenant may write when it is bound; it may exist already."""
        folder.mkdir(mode=0o700, exist_ok=True)
        uid = self._place.uid(tenant)
        if uid is not None:
            os.chown(folder, uid, uid, follow_symlinks=False)
        return folder

    def make_room(self, room: Path, tenant: int) -> Path:
        """The room of an overlay, see `Overlay`; it may exist already."""
        room.mkdir(mode=0o711, exist_ok=True)
        for name in ("up", "work"):
            self.make_folder(room / name, tenant)
        (room / "lock").touch(mode=0o600)
        return room

    async def run(  # one verb, and what may be said about it
        self,
        box: Box,
        argv: Sequence[str],
        limits: Limits,
        *,
        stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
        trusted: bool = False,
    ) -> Finished:
        """Run to the end; stdout and stderr together are the output. Cancelling kills the tree before it is raised.

        `on_output` sees every byte up to the limit as it comes. `trusted` marks a program that we wrote ourselves: it
        may run where nothing contains it. Raises SandboxRefused, and SandboxFailed when bubblewrap fails.
        """
        running = await self._spawn(box, argv, limits, trusted, stdin=_PIPE if stdin else _NULL, stderr=_STDOUT)
        async with running:
            feeding = asyncio.ensure_future(_feed(running.stdin, stdin)) if stdin else None
            kept = HeadAndTail()
            try:
                while data := await running.stdout.read(1 << 16):
                    room = limits.output_bytes - kept.total
                    kept.add(data[: max(room, 0)])
                    if on_output and room > 0:
                        on_output(data[:room])
                    if len(data) > room:
                        running.kill(Ending.OUTPUT_LIMIT)
                finished = await running.wait()
            except SandboxFailed as error:
                raise SandboxFailed(f"{error}: {kept.text().decode(errors='replace').strip()}") from error
            finally:
                if feeding:
                    feeding.cancel()
        return dataclasses.replace(finished, output=kept.text())

    async def start(self, box: Box, argv: Sequence[str], limits: Limits, *, trusted: bool = False) -> Running:
        """Start an interactive process: stdin and stdout are the caller's, stderr is kept. Use it in `async with`."""
        return await self._spawn(box, argv, limits, trusted, stdin=_PIPE, stderr=_PIPE)

    async def _spawn(
        self, box: Box, argv: Sequence[str], limits: Limits, trusted: bool, *, stdin: int, stderr: int
    ) -> Running:
        if not (trusted or self.capability.admits_strangers):
            raise SandboxRefused(f"{self.capability.reason} {self.capability.mend}".strip())
        if threading.current_thread() is not threading.main_thread():
            # Death with the parent follows the thread that forked: a thread that ends would take the process along.
            raise RuntimeError("sandboxed processes are started from the main thread only")
        # A cancellation between fork and Running would leave a process that nobody holds.
        spawn = self._contained if self.capability.contains else self._direct
        starting = asyncio.ensure_future(spawn(box, argv, limits, stdin, stderr))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await surely(_undo(starting))
            raise

    async def _contained(self, box: Box, argv: Sequence[str], limits: Limits, stdin: int, stderr: int) -> Running:
        lock = await alone(box.overlay) if box.overlay else None
        try:
            guard = Guard.of(self.capability.groups, limits)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        plan = contained.plan(dataclasses.replace(self._place, bounds=guard.bounds), box, argv, limits, lock=lock)
        try:
            child = await Child.start(
                plan.argv, env={}, cwd="/", pass_fds=plan.descriptors, stdin=stdin, stdout=_PIPE, stderr=stderr
            )
        except BaseException:
            plan.wires.close_ours()
            guard.drop()
            raise
        finally:
            plan.close()
        tree = Namespace(child, plan.wires)
        watches = guard.watches(tree, written(box), lambda: tree.seen_from_outside(in_memory(box)))
        return Running(child, tree, limits, watches)

    async def _direct(self, box: Box, argv: Sequence[str], limits: Limits, stdin: int, stderr: int) -> Running:
        if box.before:
            raise SandboxRefused("Nothing contains this process, so it has no ports of its own for a way out.")
        if box.overlay is not None:
            raise SandboxFailed("an overlay needs bubblewrap")
        guard = Guard.of(self.capability.groups, limits)
        around = direct.Surroundings.of(box, self._place.furniture)
        command = ["/usr/bin/env", *argv]  # finds the program on the PATH of the box
        try:
            launched = contained.launch(guard.bounds, command)
            child = await Child.start(
                launched, env=around.env, cwd=around.cwd, stdin=stdin, stdout=_PIPE, stderr=stderr
            )
        except BaseException:
            around.drop()
            guard.drop()
            raise
        tree = direct.Marked(child, around)
        watches = guard.watches(tree, [*written(box), around.scratch], list)
        return Running(child, tree, limits, watches)


async def _feed(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def _undo(starting: asyncio.Future[Running]) -> None:
    with contextlib.suppress(Exception):
        async with await starting:
            pass
