"""Clients of the face: deliveries as GitHub signs them, and requests told message by message."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import httpx

from bot.web.asgi import ASGIApp, Message
from bot.web.webhooks import PATH
from tests.web.worlds import SECRET

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def sign(body: bytes, secret: bytes = SECRET) -> str:
    """As docs.github.com, validating webhook deliveries, says; by hashlib, not by the code under test."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def head(body: bytes, event: str = "issues", guid: str = GUID, **changed: str | None) -> dict[str, str]:
    """The headers of a good delivery; `x_github_event=None` leaves one out."""
    headers: dict[str, str | None] = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": guid,
        "x-hub-signature-256": sign(body),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return {name: value for name, value in headers.items() if value is not None}


def client(app: ASGIApp, address: str = "127.0.0.1", host: str = "http://localhost:8000") -> httpx.AsyncClient:
    """Somebody at `address` who asks for `host`."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 5000)), base_url=host)


async def deliver(app: ASGIApp, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """One delivery in one piece."""
    async with client(app, "140.82.115.1", "https://bot.example") as github:
        return await github.post(PATH, content=body, headers=headers)


@dataclass
class Conversation:
    """One delivery told message by message. The app waits until the next message is put."""

    headers: Mapping[str, str]
    sent: list[Message] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.is_asked_again = asyncio.Event()
        """The app took the first message and waits for the next."""
        self._put, self._get = anyio.create_memory_object_stream[Message](100)

    def puts(self, chunk: bytes, more: bool) -> None:
        self._put.send_nowait({"type": "http.request", "body": chunk, "more_body": more})

    def leaves(self) -> None:
        self._put.send_nowait({"type": "http.disconnect"})

    async def held_with(self, app: ASGIApp) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "headers": [(name.encode(), value.encode()) for name, value in self.headers.items()],
        }
        with self._put, self._get:
            await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        self.asked += 1
        if self.asked > 1:
            self.is_asked_again.set()
        return await self._get.receive()

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def content(self) -> dict[str, str]:
        content: dict[str, str] = json.loads(self.sent[1]["body"])
        return content
