"""One REST call as a handler sees it, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from bot.demo.forge.model import App, Issue, Pull, Repository, Token, User
from bot.demo.forge.refusal import Refused, forbidden, invalid, not_found
from bot.demo.forge.wire.site import Json, Site
from bot.demo.forge.world import World

if TYPE_CHECKING:
    from bot.demo.forge.hooks import Hooks

_T = TypeVar("_T")
_DEFAULT_PAGE, _LARGEST_PAGE = 30, 100
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an app with its JWT, a token of an installation or a person, or nobody (all None)."""

    app: App | None = None
    token: Token | None = None

    @property
    def name(self) -> str | None:
        """For the request log."""
        if self.app:
            return f"app:{self.app.slug}"
        return self.token.user.login if self.token else None

    @property
    def key(self) -> str:
        """Callers with one key share a rate limit."""
        if self.token and self.token.installation:
            return f"installation:{self.token.installation.id}"
        return self.name or "nobody"


@dataclass(slots=True)
class Answer:
    """Status, JSON (or text) and extra headers."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


NO_CONTENT = 204
CREATED = 201


@dataclass(slots=True)
class Call:
    """The parsed request of a handler."""

    world: World
    site: Site
    hooks: Hooks
    caller: Caller
    path: dict[str, str]
    query: dict[str, str]
    body: Json
    accept: str
    url: str

    @property
    def repo(self) -> Repository:
        """The repository of the path (the gate has checked that the caller may see it)."""
        return self.world.repo(f"{self.path['owner']}/{self.path['repo']}")

    @property
    def actor(self) -> User:
        """The user that acts; 401 for nobody, 403 for an app with only its JWT."""
        if self.caller.token:
            return self.caller.token.user
        raise forbidden() if self.caller.app else Refused(401, "Requires authentication")

    @property
    def app(self) -> App:
        """The app behind a JWT."""
        if self.caller.app is None:
            raise Refused(401, "A JSON web token could not be decoded")
        return self.caller.app

    @property
    def acting_app(self) -> App:
        """The app behind an installation token (only apps write check runs)."""
        token = self.caller.token
        if token is None or token.installation is None:
            raise forbidden("You must authenticate via a GitHub App.")
        return token.installation.app

    @property
    def issue(self) -> Issue:
        """The issue or pull request of the path."""
        found = self.world.issue(self.repo, self.number("number"))
        if found.pull is None and not found.repo.has_issues:
            raise Refused(410, "Issues has been disabled in this repository.")
        return found

    @property
    def pull(self) -> Pull:
        """The pull request of the path."""
        return self.world.pull(self.repo, self.number("number"))

    def number(self, name: str) -> int:
        """A numeric part of the path; 404 for anything else."""
        if not self.path[name].isdigit():
            raise not_found()
        return int(self.path[name])

    def text(self, name: str, resource: str) -> str:
        """A required string of the body."""
        value = self.maybe_text(name, resource)
        if value is None:
            raise invalid(resource, name, "missing_field")
        return value

    def maybe_text(self, name: str, resource: str = "Request") -> str | None:
        """A string of the body that may be missing or null."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(resource, name)
        return value

    def flag(self, name: str) -> bool:
        """A boolean of the body, false when missing."""
        value = self.body.get(name, False)
        return _FLAGS.get(value.lower(), False) if isinstance(value, str) else bool(value)

    def names(self, name: str) -> list[str]:
        """A list of strings of the body."""
        value = self.body.get(name, [])
        rows = [value] if isinstance(value, str) else value
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise Refused(422, f"Invalid request.\n\nFor '{name}', expected an array of strings.")
        return rows

    def since(self) -> datetime | None:
        """The `since` of the query."""
        text = self.query.get("since")
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise invalid("Request", "since") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def page(self, rows: Sequence[_T], build: Callable[[_T], Any], key: str | None = None) -> Answer:
        """One page of rows with its `Link` header; with `key` inside an object with `total_count`."""
        per_page = min(_positive(self.query.get("per_page"), _DEFAULT_PAGE), _LARGEST_PAGE)
        page = _positive(self.query.get("page"), 1)
        part = [build(row) for row in rows[(page - 1) * per_page : page * per_page]]
        body: Any = part if key is None else {"total_count": len(rows), key: part}
        last = max(1, -(-len(rows) // per_page))
        link = ", ".join(f'<{self._page_url(at)}>; rel="{rel}"' for rel, at in _neighbours(page, last))
        return Answer(body, headers={"link": link} if link else {})

    def _page_url(self, page: int) -> str:
        return f"{self.url}?{urlencode({**self.query, 'page': str(page)})}"


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"[1-9]\d{0,8}", text) else default


def _neighbours(page: int, last: int) -> list[tuple[str, int]]:
    links = []
    if page > 1:
        links += [("prev", min(page - 1, last)), ("first", 1)]
    if page < last:
        links += [("next", page + 1), ("last", last)]
    return links
