"""Listen on a Unix socket of a box: one strict HTTP request for each connection, bounded in bytes and time.

Whoever is on the other side is hostile. h11 parses; what it forgives and others read differently (two lengths, a length
beside chunks, other transfer codings) is refused, and so is everything that is no plain request for a path: CONNECT,
absolute URIs, upgrades. Nothing of what came in is passed on as bytes.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h11

CHUNK = 1 << 16
HINT = "There is no network in this sandbox; only the addresses that it was told are there."


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection and one socket may take."""

    header_bytes: int = 64 << 10
    body_bytes: int = 20 << 20
    held_bytes: int = 64 << 20
    """Of all bodies at once."""
    request_seconds: float = 60.0
    """For the whole request, from the first byte to the last."""
    write_seconds: float = 120.0
    """How long the other side may leave a part of the answer unread."""
    connections: int = 64
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    """As sent, without the query; it begins with one slash."""
    query: str
    headers: Mapping[str, str]
    """Names in lower case. Of a name that came twice, the values joined by a comma."""
    body: bytes


class BadRequest(Exception):
    """The request is not answered but refused."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Gone(Exception):
    """The other side went away, or reads nothing any more."""


@dataclass(slots=True)
class Held:
    """Bytes of bodies in memory, of all connections of a socket."""

    bytes: int = 0


class Connection:
    """One connection: `read` the request, then `head`, `send`… and `end`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bounds: Bounds, held: "Held"
    ) -> None:
        self._reader, self._writer, self._bounds, self._held = reader, writer, bounds, held
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=bounds.header_bytes)
        self._bodiless = False
        self._mine = 0

    async def read(self) -> Request | None:
        """The request; None when there is none. Raises BadRequest and Gone."""
        try:
            async with asyncio.timeout(self._bounds.request_seconds):
                return await self._request()
        except TimeoutError:
            raise BadRequest(408, f"a request must be complete after {self._bounds.request_seconds:g} s") from None
        except h11.RemoteProtocolError as error:
            raise BadRequest(error.error_status_hint, f"this is no HTTP request: {error}") from error
        except OSError as error:
            raise Gone from error

    async def _request(self) -> Request | None:
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        headers = _judged(event, self._bounds)
        self._bodiless = event.method == b"HEAD"
        body = bytearray()
        while not isinstance(part := await self._next(), h11.EndOfMessage):
            if not isinstance(part, h11.Data):
                raise Gone
            body += part.data
            self._held.bytes += len(part.data)
            self._mine += len(part.data)
            if self._held.bytes > self._bounds.held_bytes:
                raise BadRequest(503, f"all requests together have more than {self._bounds.held_bytes:,} bytes")
            if len(body) > self._bounds.body_bytes:
                raise BadRequest(413, f"the body has more than {self._bounds.body_bytes:,} bytes")
        path, _, query = event.target.decode("ascii").partition("?")
        return Request(event.method.decode("ascii"), path, query, headers, bytes(body))

    async def _next(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._http.receive_data(await self._reader.read(CHUNK))
        return event

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin the answer; without a content-length it is sent in chunks."""
        lines = [*headers.items(), ("connection", "close")]
        await self._write(self._http.send(h11.Response(status_code=status, headers=lines)))

    async def send(self, data: bytes) -> None:
        """A part of the body, at once."""
        if not self._bodiless:
            await self._write(self._http.send(h11.Data(data=data)))

    async def end(self) -> None:
        """The answer is complete."""
        await self._write(self._http.send(h11.EndOfMessage()))

    async def whole(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        await self.head(status, {"content-type": kind, "content-length": str(len(body)), **(headers or {})})
        await self.send(body)
        await self.end()

    async def json(self, status: int, body: Mapping[str, Any]) -> None:
        await self.whole(status, json.dumps(body).encode(), "application/json")

    async def gone(self) -> None:
        """Returns when the other side has hung up; what else it sends is thrown away."""
        with contextlib.suppress(OSError):
            while await self._reader.read(CHUNK):
                pass

    async def refuse(self, refusal: BadRequest) -> None:
        """Say no, as far as the other side listens."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            text = f"{refusal}. {HINT}\n".encode()
            await self.whole(refusal.status, text, "text/plain; charset=utf-8")

    def close(self) -> None:
        """Give back what it held."""
        self._held.bytes -= self._mine
        self._mine = 0
        self._writer.close()

    async def _write(self, data: bytes | None) -> None:
        try:
            async with asyncio.timeout(self._bounds.write_seconds):
                self._writer.write(data or b"")
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise Gone from error


def _judged(request: h11.Request, bounds: Bounds) -> dict[str, str]:
    """The headers of a request that is plain and means one thing only. Raises BadRequest."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        word, text = name.decode("ascii"), value.decode("latin-1")
        if word in ("content-length", "transfer-encoding", "host") and word in headers:
            raise BadRequest(400, f"the header {word} comes twice")
        headers[word] = f"{headers[word]}, {text}" if word in headers else text
    if "transfer-encoding" in headers and "content-length" in headers:
        raise BadRequest(400, "the request has a content-length beside a transfer-encoding")
    if "upgrade" in headers:
        raise BadRequest(400, "nothing is upgraded here")
    if request.method == b"CONNECT" or not request.target.startswith(b"/") or request.target.startswith(b"//"):
        target = request.target[:100].decode("ascii", "replace")
        raise BadRequest(403, f"this is no way to {target}")
    if request.method.decode("ascii") not in bounds.methods:
        raise BadRequest(405, f"only {', '.join(bounds.methods)} are answered here")
    return headers


Answer = Callable[[Request, Connection], Awaitable[None]]


class Listener:
    """A socket at `path` for whoever may reach its folder. Closing it ends every connection."""

    def __init__(self, path: Path, answer: Answer, bounds: Bounds) -> None:
        self._path, self._answer, self._bounds = path, answer, bounds
        self._open: set[asyncio.Task[None]] = set()
        self._held = Held()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=CHUNK)
        # Whoever runs inside is another user. The folder around keeps everybody else on this machine away.
        self._path.chmod(0o666)
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= self._bounds.connections:
            writer.close()
            return
        self._open.add(task)
        connection = Connection(reader, writer, self._bounds, self._held)
        try:
            with contextlib.suppress(Gone, OSError, h11.LocalProtocolError):
                await self._serve(connection)
        except asyncio.CancelledError:
            pass  # we close; asyncio would log it as an error
        finally:
            self._open.discard(task)
            connection.close()

    async def _serve(self, connection: Connection) -> None:
        try:
            request = await connection.read()
            if request is not None:
                await self._answer(request, connection)
        except BadRequest as refusal:
            await connection.refuse(refusal)
