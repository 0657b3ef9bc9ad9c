"""Installation tokens: how far each one reaches, and how long it is kept."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from bot.github.limits import Clock
from bot.task.ids import InstallationId

SPARE = timedelta(minutes=5)
"""A token that ends sooner is not handed out any more: what is done with it takes its time."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its end."""

    value: str = field(repr=False)
    ends: datetime


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What a token may do; with `repo_id`, in this one repository alone, whatever has its name by now.

    `git`: read and write its contents, and no more.
    """

    installation: InstallationId
    repo_id: int | None = None
    git: bool = False

    def body(self) -> dict[str, object]:
        """The request for such a token: https://docs.github.com/rest/apps/apps (create an installation access token)"""
        if self.repo_id is None:
            return {}
        return {"repository_ids": [self.repo_id], **({"permissions": {"contents": "write"}} if self.git else {})}


class TokenGranted(BaseModel):
    """GitHub's answer to a request for a token."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    token: str
    expires_at: AwareDatetime


class TokenCache:
    """Tokens in memory, never on disk."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[TokenScope, Token] = {}

    def get(self, scope: TokenScope) -> Token | None:
        token = self._tokens.get(scope)
        if token is not None and token.ends - SPARE > self._clock():
            return token
        self._tokens.pop(scope, None)
        return None

    def put(self, scope: TokenScope, token: Token) -> Token:
        self._tokens[scope] = token
        return token

    def drop(self, scope: TokenScope) -> None:
        """Forget a token that GitHub no longer accepts."""
        self._tokens.pop(scope, None)
