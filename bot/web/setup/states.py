"""The `state` that goes to GitHub and comes back: made here, good for one hour and one use."""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.web.setup.choice import Choice

LIFE = timedelta(hours=1)
"""GitHub's own bound for the whole way."""
MOST = 50
"""So many at once; then the oldest is forgotten."""


class States:
    """In memory: after a restart the way begins anew."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[Choice, datetime]] = {}

    def issue(self, choice: Choice) -> str:
        """A state that nobody can guess."""
        while len(self._issued) >= MOST:
            del self._issued[next(iter(self._issued))]
        state = secrets.token_urlsafe(32)
        self._issued[state] = (choice, self._clock() + LIFE)
        return state

    def take(self, given: str) -> Choice | None:
        """What it was made for; from then on it is worth nothing. None: not ours, used, or too old."""
        ours = [state for state in self._issued if hmac.compare_digest(state.encode(), given.encode())]
        if not ours:
            return None
        choice, ends = self._issued.pop(ours[0])
        return choice if self._clock() < ends else None

    def give_back(self, state: str, choice: Choice) -> None:
        """GitHub could not be asked: the same way may be tried again, while its code is good."""
        self._issued[state] = (choice, self._clock() + LIFE)
