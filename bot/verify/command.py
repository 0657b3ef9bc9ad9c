"""A check to run, and a check that ran."""

from dataclasses import dataclass
from typing import Literal

RunLimit = Literal["check_minutes", "memory_gb", "disk_gb"]
"""Named as in `bot.task.limits.RunLimits`."""


@dataclass(frozen=True, slots=True)
class Command:
    """A check to run."""

    name: str
    command: str
    required: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """A check that ran, with the end of its output."""

    command: Command
    exit_code: int | None
    seconds: float
    note: str
    output: bytes
    limit: RunLimit | None = None
    """It was ended because of this limit of the run."""

    @property
    def timed_out(self) -> bool:
        return self.limit == "check_minutes"
