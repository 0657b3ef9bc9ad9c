"""What to do with an effect that failed: a pure function of the error and the attempt."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.flow.fence import LeaseLost
from bot.flow.steps.way_out import ModelBusy
from bot.github.errors import BadCredentials, Elsewhere, NotInstalled, RateLimited, Refused, Unavailable, Unreadable
from bot.github.payloads import PayloadError
from bot.sandbox.databases.service import DatabaseUnavailable
from bot.store.errors import StoreUnavailable
from bot.workspace.errors import RemoteUnavailable

ATTEMPTS = 6
"""How often an effect is tried before it is given up."""
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
OUTAGE_ATTEMPTS = 15
"""The same for an outage of GitHub: with growing pauses more than half an hour."""
SUSPENDED_PAUSE = timedelta(minutes=10)
"""An installation that is suspended may come back; what is to be said there waits for it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Try again at `until`. `counted`: it was an attempt."""

    until: datetime
    fault: str
    counted: bool
    ours: bool
    """A fault of the bot, to be logged with its traceback, and not of the world."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will never work."""

    fault: str
    ours: bool


def decide(error: Exception, attempt: int, now: datetime) -> Later | GiveUp:
    """`attempt` counts from 1."""
    fault = str(error) or type(error).__name__
    match error:
        case RateLimited() | ModelBusy():
            return Later(error.until, fault, counted=False, ours=False)
        case StoreUnavailable() | LeaseLost():
            return Later(now + FIRST_PAUSE, fault, counted=False, ours=False)
        case NotInstalled(suspended=True):
            return Later(now + SUSPENDED_PAUSE, fault, counted=False, ours=False)
        case Refused() | PayloadError() | Unreadable() | Elsewhere():
            return GiveUp(fault, ours=False)
        case Unavailable() | RemoteUnavailable() | DatabaseUnavailable() | NotInstalled() | BadCredentials():
            if attempt >= OUTAGE_ATTEMPTS:
                return GiveUp(fault, ours=False)
            return Later(now + pause(attempt), fault, counted=True, ours=False)
        case _:
            named = f"{type(error).__name__}: {fault}"
            if attempt >= ATTEMPTS:
                return GiveUp(named, ours=True)
            return Later(now + pause(attempt), named, counted=True, ours=True)


def pause(attempt: int) -> timedelta:
    """2 s, 4 s, 8 s … up to five minutes."""
    doublings: int = min(attempt - 1, 20)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
