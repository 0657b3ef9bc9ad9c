"""The few types of ASGI, and an answer that needs no framework."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response, made once and sent many times."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    async def send(self, send: Send) -> None:
        """Send it as the response of one request."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def answer(status: int, content: dict[str, str], *headers: tuple[bytes, bytes]) -> Answer:
    """A small JSON answer."""
    body = json.dumps(content).encode()
    length = (b"content-length", str(len(body)).encode())
    return Answer(status, body, ((b"content-type", b"application/json"), length, *headers))


def refusal(status: int, sentence: str, *headers: tuple[bytes, bytes]) -> Answer:
    """One clear sentence. Ends the connection: what is still to come of the body will not be read."""
    return answer(status, {"error": sentence}, (b"connection", b"close"), *headers)
