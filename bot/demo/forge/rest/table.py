"""The table of routes: method, path, and what a caller needs to be allowed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bot.demo.forge.model import Role
from bot.demo.forge.rest.call import Answer, Call

Handler = Callable[[Call], Answer]
Level = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Needs:
    """One of `scopes` at `level` for an installation; `role` in the repository for a person."""

    scopes: tuple[str, ...]
    level: Level
    role: Role


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One endpoint."""

    method: str
    path: str
    needs: Needs | None
    handler: Handler


@dataclass(slots=True)
class Table:
    """Collects the endpoints of a module."""

    rows: list[RouteRow] = field(default_factory=list)

    def route(
        self, method: str, path: str, needs: str | None = None, *, role: Role | None = None
    ) -> Callable[[Handler], Handler]:
        """Register a handler. `needs` is `scope:level`, alternatives joined by `|`: `issues|pull_requests:write`."""

        def register(handler: Handler) -> Handler:
            self.rows.append(RouteRow(method, path, _needs(needs, role), handler))
            return handler

        return register


def _needs(text: str | None, role: Role | None) -> Needs | None:
    if text is None:
        return None
    scopes, _, level = text.partition(":")
    wanted: Level = "write" if level == "write" else "read"
    return Needs(tuple(scopes.split("|")), wanted, role or wanted)
