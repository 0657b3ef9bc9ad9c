"""A transport that asks before it writes: the last thing before the bytes of a request leave this process."""

from collections.abc import Awaitable, Callable

import httpx

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKENS = "/access_tokens"


class Fenced(httpx.AsyncBaseTransport):
    """`fence` raises when nothing may be written any more; its error goes through to the caller."""

    def __init__(self, fence: Callable[[], Awaitable[None]], inner: httpx.AsyncBaseTransport | None = None) -> None:
        """`inner` sends the requests; without one, a transport of its own is made when it is first used."""
        self._fence = fence
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            self._inner = httpx.AsyncHTTPTransport(retries=1)
        if request.method not in _READS and not request.url.path.endswith(_TOKENS):
            await self._fence()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()
