"""A proxy before PostgreSQL that can cut the line when it matters most: after a COMMIT, before its answer."""

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
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._open |= {writer, server_writer}
        lost = asyncio.Event()
        answers = asyncio.create_task(self._answer(server_reader, writer, lost))
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
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
    server = await asyncio.start_server(cutter.take, "127.0.0.1", 0)
    try:
        yield cutter, f"{head}127.0.0.1:{server.sockets[0].getsockname()[1]}/{name}"
    finally:
        server.close()
        cutter.close()
        await asyncio.sleep(0.05)
