"""A child process whose end is known at once, also while nobody reads what it wrote."""

import asyncio
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Sequence
from typing import Any

LINE_BYTES = 32 << 20
"""The longest line that a reader may ask for."""


class _Protocol(SubprocessStreamProtocol):
    """Tells of the exit by itself.

    `Process.wait` waits for the ends of all pipes as well, and a pipe that nobody reads has no end: it would wait for
    ever (asyncio wakes it in `connection_lost`, not in `process_exited`).
    """

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


class Child:
    """A process in a session of its own."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        self._transport = transport
        self._exited = protocol.exited
        self.process = Process(transport, protocol, asyncio.get_running_loop())

    @classmethod
    async def start(cls, argv: Sequence[str], **how: Any) -> "Child":
        """As `asyncio.create_subprocess_exec`."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(LINE_BYTES, loop), *argv, start_new_session=True, **how
        )
        return cls(transport, protocol)

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()

    async def exited(self) -> int:
        """Its exit code, negative for a signal."""
        await self._exited.wait()
        code = self.process.returncode
        if code is None:
            raise RuntimeError("a process that exited has no exit code")
        return code

    async def close(self) -> None:
        """Let a reader have what is left in the pipe, for half a second; then close our ends of all pipes."""
        pipe = self._transport.get_pipe_transport(1)
        for _ in range(100):
            if pipe is None or pipe.is_closing():
                break
            await asyncio.sleep(0.005)
        self._transport.close()
