"""What an agent would send to the socket of its turn, without a sandbox around it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from bot.sandbox.egress import turn
from bot.sandbox.egress.box import SOCKET
from bot.sandbox.egress.listening import Bounds
from bot.sandbox.egress.turn import Egress
from bot.sandbox.egress.values import MODEL_URL, Route, TurnLimits

KEY = "sk-real-Secret/Key+42"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def route(url: str, **more: Any) -> Route:
    return Route(**{"name": "mine", "wire": "anthropic", "url": url, "key": KEY, **more})


class Client:
    """On the socket of an open way out."""

    def __init__(self, egress: Egress) -> None:
        self.egress = egress
        self.path = str(egress.folder / SOCKET)

    async def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        transport = httpx.AsyncHTTPTransport(uds=self.path)
        async with httpx.AsyncClient(transport=transport, base_url=MODEL_URL, timeout=30) as http:
            return await http.request(method, path, **how)

    async def post(self, path: str, body: Any, **how: Any) -> httpx.Response:
        return await self.send("POST", path, json=body, **how)

    async def raw(self, data: bytes, more: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None) -> bytes:
        """Bytes as they are; all that comes back."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            writer.write(data)
            if more is not None:
                await more(writer)
            return await asyncio.wait_for(reader.read(), 30)
        except ConnectionError:
            return b""
        finally:
            writer.close()


def ask(script: str, **more: Any) -> dict[str, Any]:
    """A request on the Anthropic wire."""
    return {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": f"MODEL[{script}]"}], **more}


def said(answer: httpx.Response) -> str:
    """The refusal in an answer."""
    return str(json.loads(answer.text)["error"]["message"])


@asynccontextmanager
async def opened(made: Route, limits: TurnLimits | None = None, bounds: Bounds | None = None) -> AsyncIterator[Client]:
    """A client of an open way out."""
    async with turn.opened(made, limits or TurnLimits(), clock, bounds=bounds) as egress:
        yield Client(egress)
