"""Runs first inside a box: listens on fixed ports of 127.0.0.1, hands what comes to sockets, becomes the command.

Run as `python3 -IS relay.py 8080=/run/egress/model.sock… -- ARGV…` and never imported: it is a program of its own and
uses the standard library alone. The ports are bound before the command starts, so that there is no race. The relay is
a child; the command keeps this process, so that its end is the end of the sandbox and with it of the relay. The child
lets go of stdin, stdout and stderr, or whoever reads them would never see their end.
"""

import os
import socket
import sys
from typing import NoReturn

CHUNK = 1 << 16
MOST = 256
"""Connections at once."""
FAILED = 125


def relay(listening: list[tuple[socket.socket, str]]) -> None:
    """Serve until killed. asyncio is imported here: the command need not wait for it."""
    import asyncio
    import contextlib

    room = asyncio.Semaphore(MOST)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def join(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with room:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_unix_connection(path)
                forth = asyncio.ensure_future(pump(reader, far_writer))
                await pump(far_reader, writer)
                forth.cancel()
                far_writer.close()
            writer.close()

    async def listen(ear: socket.socket, path: str) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await join(path, reader, writer)

        await asyncio.start_server(serve, sock=ear)

    async def everything() -> None:
        for ear, path in listening:
            await listen(ear, path)
        await asyncio.Event().wait()

    asyncio.run(everything())


def main(words: list[str]) -> NoReturn:
    """Bind, fork, become the command."""
    end = words.index("--")
    pairs = [word.partition("=") for word in words[:end]]
    command = words[end + 1 :]
    listening = [(socket.create_server(("127.0.0.1", int(port)), backlog=128), path) for port, _, path in pairs]
    if os.fork() == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.setsid()
        relay(listening)
        os._exit(0)
    for ear, _ in listening:
        ear.close()
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127 if isinstance(error, FileNotFoundError) else FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
