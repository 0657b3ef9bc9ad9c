"""A proxy before PostgreSQL: cuts the line after a COMMIT and before its answer, or holds answers back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

COMMIT = b"COMMIT\0"
"""As it stands in a message; `READ COMMITTED` goes on."""


@dataclass
class Cutter:
    """Passes bytes on. `cuts`: how many COMMITs from now on are carried out, and their answers lost."""

    port: int
    cuts: int = 0
    done: int = 0
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, the server's answers are held back."""
    hold_at: bytes | None = None
    """Hold them back from the first request on that has these bytes."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._open |= {writer, server_writer}
        lost = asyncio.Event()
        answers = asyncio.create_task(self._answer(server_reader, writer, lost))
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self.hold_at is not None and self.hold_at in data:
                    self.flows.clear()
                    self.hold_at = None
                if self.cuts and COMMIT in data:
                    self.cuts -= 1
                    lost.set()
                server_writer.write(data)
        server_writer.close()
        await answers

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if lost.is_set():
                    self.done += 1
                    break
                await self.flows.wait()
                writer.write(data)
        writer.close()

    def close(self) -> None:
        """Hang up on everybody."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def cutting(url: str) -> AsyncIterator[tuple[Cutter, str]]:
    """A cutter before the server of `url`, and the URL that leads through it."""
    head, _, rest = url.partition("127.0.0.1:")
    port, _, name = rest.partition("/")
    cutter = Cutter(int(port))
    cutter.flows.set()
    server = await asyncio.start_server(cutter.take, "127.0.0.1", 0)
    try:
        yield cutter, f"{head}127.0.0.1:{server.sockets[0].getsockname()[1]}/{name}"
    finally:
        server.close()
        cutter.close()
        await asyncio.sleep(0.05)
