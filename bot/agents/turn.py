"""How a turn of an agent ended."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.task.results import TurnOutcome, Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """How a turn ended, and the session to resume it by, if the agent has one."""

    outcome: TurnOutcome
    session: str | None
    usage: Usage | None = None
    """What the agent says that it used; None: it says nothing that can be counted."""
    agent: str = ""
    """Name and version, as the agent tells them or as it was installed."""


LastCall = Callable[[], object]
"""When the agent called its model last, as whoever knows that tells it: a new value means a new call."""


def never() -> object:
    """Nothing is known of model calls."""
    return None
