"""An application that is built when it is first asked for: deliveries need not wait for the pages' framework."""

import asyncio
from collections.abc import Callable

from bot.web.asgi import ASGIApp, Receive, Scope, Send


class Lazily:
    """Builds on a thread, once; answers lifespan events itself, since nothing is up yet that could start or stop."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._built: ASGIApp | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if self._built is None:
            async with self._building:
                if self._built is None:
                    self._built = await asyncio.to_thread(self._build)
        await self._built(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
