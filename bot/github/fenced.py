"""A transport that asks before it writes: the last thing before the bytes of a request leave this process."""

from collections.abc import Awaitable, Callable

import httpx

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKENS = "/access_tokens"


class Fenced(httpx.AsyncBaseTransport):
    """`fence` raises when nothing may be written any more; its error goes through to the caller."""

    def __init__(
        self,
        fence: Callable[[], Awaitable[None]],
        inner: httpx.AsyncBaseTransport | None = None,
        redacted: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """`inner` sends the requests; without one, a transport of its own is made when it is first used.

        `redacted` takes known secrets out of what is written.
        """
        self._fence = fence
        self._inner = inner
        self._redacted = redacted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            self._inner = httpx.AsyncHTTPTransport(retries=1)
        if request.method not in _READS and not request.url.path.endswith(_TOKENS):
            await self._fence()
            request = await self._without_secrets(request)
        return await self._inner.handle_async_request(request)

    async def _without_secrets(self, request: httpx.Request) -> httpx.Request:
        body = await request.aread()
        clean = self._redacted(body)
        if clean == body:
            return request
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
        return httpx.Request(request.method, request.url, headers=headers, content=clean, extensions=request.extensions)

    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()
