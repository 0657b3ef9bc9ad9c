"""How a turn of an agent ended."""

from dataclasses import dataclass

from bot.task.results import TurnOutcome


@dataclass(frozen=True, slots=True)
class Turn:
    """How a turn ended, and the session to resume it by, if the agent has one."""

    outcome: TurnOutcome
    session: str | None
