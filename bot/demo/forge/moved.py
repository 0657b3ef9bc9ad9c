"""Repositories that were renamed or moved: REST answers under their old names with redirects to their numbers."""

import json
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.demo.forge.wire.site import Site
from bot.demo.forge.world import World

_BY_NAME = re.compile(r"/api/v3/repos/([^/]+/[^/]+)(/.*)?")
_BY_ID = re.compile(r"/api/v3/repositories/(\d+)(/.+)")


class MovedLayer:
    """Sits before the routes. https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api"""

    def __init__(self, app: ASGIApp, world: World, site: Site) -> None:
        self._app = app
        self._world = world
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. What lies below a number is served as if it had been asked for by name."""
        if scope["type"] == "http" and (found := _BY_NAME.fullmatch(scope["path"])):
            moved = self._world.moved.get(found[1].lower())
            if moved is not None:
                await self._redirect(scope, send, f"{self._site.api}/repositories/{moved.id}{found[2] or ''}")
                return
        elif scope["type"] == "http" and (found := _BY_ID.fullmatch(scope["path"])):
            repo = next((one for one in self._world.repos.values() if one.id == int(found[1])), None)
            if repo is not None:
                scope = {**scope, "path": f"/api/v3/repos/{repo.full_name}{found[2]}"}
        await self._app(scope, receive, send)

    @staticmethod
    async def _redirect(scope: Scope, send: Send, url: str) -> None:
        query = scope["query_string"].decode()
        target = f"{url}?{query}" if query else url
        body = json.dumps({"message": "Moved Permanently", "url": target}).encode()
        status = 301 if scope["method"] in ("GET", "HEAD") else 307
        headers = [(b"location", target.encode()), (b"content-type", b"application/json; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
