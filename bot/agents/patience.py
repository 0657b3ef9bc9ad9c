"""How long to wait for an agent: until it has stalled, and until it should be asked to wrap up."""

import time
from enum import Enum, auto
from typing import Final

from bot.agents.turn import LastCall, never

WRAP_UP_SECONDS: Final = 90.0
"""At most so long before its deadline an agent is asked to wrap up, and a fifth of its time at most."""


class Due(Enum):
    """What the time has come for."""

    WRAP_UP = auto()
    """The turn is nearly over."""
    STALLED = auto()
    """Nothing was heard for too long."""


class Patience:
    """Of one turn. A call of the model is a sign of life, too, but nobody tells when there is one: we look."""

    def __init__(self, seconds: float, stall_seconds: float, last_call: LastCall = never) -> None:
        self._began = self._heard = time.monotonic()
        self._notice_at = self._began + seconds - min(WRAP_UP_SECONDS, seconds / 5)
        self._stall_seconds = stall_seconds
        self._last_call, self._seen_call = last_call, last_call()
        self._noticed = False

    def heard(self) -> None:
        """The agent gave a sign of life."""
        self._heard = time.monotonic()

    def seconds(self) -> float:
        """Until something may be due; look again then. A stall is found up to twice its time after the last call."""
        ends = [self._heard + self._stall_seconds]
        if not self._noticed:
            ends.append(self._notice_at)
        return max(0.0, min(ends) - time.monotonic())

    def due(self) -> Due | None:
        """Each wrap-up is due once."""
        if (call := self._last_call()) != self._seen_call:
            self._seen_call = call
            self.heard()
        now = time.monotonic()
        if now >= self._heard + self._stall_seconds:
            return Due.STALLED
        if not self._noticed and now >= self._notice_at:
            self._noticed = True
            return Due.WRAP_UP
        return None
