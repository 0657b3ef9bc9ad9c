"""What this machine can do to contain a process, and what a person can do about it."""

from dataclasses import dataclass
from typing import Literal

from bot.task.results import SandboxLevel

Mode = Literal["auto", "external", "none"]
"""What the operator asks for: bubblewrap or nothing, `this container is the boundary`, or no boundary at all."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What the probe found. `reason` and `mend` are sentences for the operator; `mend` is empty when all is well."""

    level: SandboxLevel
    reason: str
    mend: str = ""
    insisted: bool = False
    """The operator accepts that programs of strangers run without bubblewrap."""

    @property
    def contains(self) -> bool:
        """Is a process kept apart by bubblewrap?"""
        return self.level in (SandboxLevel.OVERLAY, SandboxLevel.CHECKOUT)

    @property
    def admits_strangers(self) -> bool:
        """May programs run that we did not write?"""
        return self.contains or self.insisted


class SandboxRefused(Exception):
    """The program may not run here: there is no boundary, and it is not one of ours. The text says how to mend it."""


class SandboxFailed(Exception):
    """bubblewrap itself failed on a machine where the probe had succeeded."""
