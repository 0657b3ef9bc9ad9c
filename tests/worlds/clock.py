"""Time that stands still until someone moves it."""

from datetime import UTC, datetime, timedelta


class StillClock:
    """Begins on a Monday morning; ticks only when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)
