"""The whole door: every verb towards GitHub in one object."""

import re
from dataclasses import dataclass, field

import httpx

from bot.github.api import Api, Patience
from bot.github.checks import CheckRuns
from bot.github.comments import Comments
from bot.github.errors import Elsewhere
from bot.github.identity import Identity
from bot.github.labels import Labels
from bot.github.limits import Clock, WriteLimits
from bot.github.lists import Lists
from bot.github.marker import Marks
from bot.github.pulls import Pulls
from bot.github.reads import Reads
from bot.github.reviews import Reviews
from bot.github.tokens import TokenScope
from bot.github.transport import AppKey, Transport
from bot.task.observed import Repository


class Door(Reads, Lists, Comments, Labels, Pulls, Reviews, CheckRuns):
    """Implements `GitHub` of `bot.flow.doors`. Every verb raises the errors of `bot.github.errors`."""

    async def credential(self, repo: Repository) -> str:
        """Reads and writes the contents of this repository and nothing else, for five minutes at least.

        Raises Elsewhere when the repository is said to lie on another server: it would get the token.
        """
        ours = self._api.web
        if not _is_at(repo.clone_url, ours):
            raise Elsewhere(repo.ref.full_name, _server(repo.clone_url), _server(str(ours)))
        return (await self._api.token(TokenScope(repo.ref.installation, repo.ref.id, git=True))).value

    async def aclose(self) -> None:
        """Close the connections; the door is of no use afterwards."""
        await self._api.aclose()


def _is_at(url: str, server: httpx.URL) -> bool:
    """Is it an address of this very server, read in one way only?"""
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    odd = any(char in url for char in "@\\ \t")
    return not odd and (asked.scheme, asked.host, asked.port) == (server.scheme, server.host, server.port)


def _server(url: str) -> str:
    """Scheme, host and port, for a sentence."""
    return re.sub(r"^([a-z]*://[^/?#]*).*", r"\1", url, flags=re.DOTALL)[:200] or "no address"


@dataclass(frozen=True, slots=True)
class Server:
    """The GitHub that we talk to, and as whom."""

    app: AppKey
    secret: bytes = field(repr=False)
    """Signs the markers of our comments; it must stay the same, or comments are not found again after a crash."""
    url: str = "https://api.github.com"
    """`https://host/api/v3` for GitHub Enterprise Server."""


def open_door(
    server: Server,
    clock: Clock,
    http: httpx.AsyncBaseTransport | None = None,
    limits: WriteLimits = WriteLimits(),  # noqa: B008 - frozen
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> Door:
    """A door that connects when it is first used. `http` carries the requests: a proxy, or a test's server."""
    api = Api(Transport(server.app, server.url, clock, http), clock, limits, patience)
    return Door(api, Identity(api), Marks(server.secret))
