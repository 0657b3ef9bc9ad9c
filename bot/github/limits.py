"""How much we may ask of GitHub: a budget of writes per installation, and the pauses that GitHub told us to make.

Both are memories of one process. Several workers share one limit at GitHub without sharing this memory; then the
pauses that GitHub tells each of them are what keeps them in bounds.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, TypeVar

from bot.github.errors import RateLimited
from bot.task.ids import InstallationId

Clock = Callable[[], datetime]
By = TypeVar("By")


class Urgency(Enum):
    """How much of the budget a write may use."""

    NORMAL = 1.0
    """Pull requests, replies, check runs, labels: all of it."""
    CAN_WAIT = 0.8
    """Edits of a status and reactions: the rest is kept for what people wait for."""


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """Writes of one installation. GitHub's own limits for creating content are 80 a minute and 500 an hour:
    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
    """

    per_minute: int = 80
    per_hour: int = 500


class WriteBudget:
    """Counts writes in two sliding windows per installation."""

    def __init__(self, limits: WriteLimits, clock: Clock) -> None:
        self._windows = ((timedelta(minutes=1), limits.per_minute), (timedelta(hours=1), limits.per_hour))
        self._clock = clock
        self._writes: dict[InstallationId, deque[datetime]] = defaultdict(deque)

    def take(self, installation: InstallationId, urgency: Urgency) -> None:
        """Count one write now. Raises `RateLimited`, and counts nothing, when the budget does not allow it."""
        now, writes = self._clock(), self._writes[installation]
        while writes and writes[0] <= now - self._windows[-1][0]:
            writes.popleft()
        for window, limit in self._windows:
            allowed = max(1, int(limit * urgency.value))
            within = sum(1 for at in writes if at > now - window)
            if within >= allowed:
                raise RateLimited(writes[-allowed] + window, f"The budget of {allowed} writes is used up")
        writes.append(now)


class Pauses(Generic[By]):
    """Until when GitHub wants to hear nothing from whom."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[By, datetime] = {}

    def note(self, by: By, limited: RateLimited) -> None:
        self._until[by] = limited.until

    def check(self, by: By) -> None:
        """Raises `RateLimited` without asking GitHub while a pause lasts."""
        until = self._until.get(by)
        if until is None:
            return
        if self._clock() < until:
            raise RateLimited(until, "GitHub's rate limit is reached")
        del self._until[by]
