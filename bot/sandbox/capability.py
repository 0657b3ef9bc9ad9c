"""What this machine can do to contain a process, and what a person can do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.task.results import SandboxLevel

Mode = Literal["auto", "external", "none"]
"""What the operator asks for: bubblewrap or nothing, `this container is the boundary`, or no boundary at all."""


CONTROLLERS = ("memory", "pids", "cpu")


@dataclass(frozen=True, slots=True)
class Groups:
    """Where control groups can be made: a folder of the kernel for each controller; version 2 has one for all."""

    version: int = 0
    folders: Mapping[str, Path] = field(default_factory=dict)

    @property
    def controllers(self) -> tuple[str, ...]:
        """What groups limit here."""
        return tuple(name for name in CONTROLLERS if name in self.folders)


@dataclass(frozen=True, slots=True)
class Capability:
    """What the probe found. `reason` and `mend` are sentences for the operator; `mend` is empty when all is well."""

    level: SandboxLevel
    reason: str
    mend: str = ""
    insisted: bool = False
    """The operator accepts that programs of strangers run without bubblewrap."""
    groups: Groups = field(default=Groups())
    """What the kernel itself can limit."""

    @property
    def contains(self) -> bool:
        """Is a process kept apart by bubblewrap?"""
        return self.level in (SandboxLevel.OVERLAY, SandboxLevel.CHECKOUT)

    @property
    def admits_strangers(self) -> bool:
        """May programs run that we did not write?"""
        return self.contains or self.insisted


def limits_told(capability: Capability) -> str:
    """How the limits of a process tree are kept, in one sentence for the operator."""
    groups = capability.groups
    by_kernel = [_LIMITED[name] for name in groups.controllers]
    if capability.contains and "pids" not in groups.controllers:
        by_kernel.append(_LIMITED["pids"])
    watched = ["disk space"] if "memory" in groups.controllers else ["memory", "disk space"]
    nobody = [_LIMITED[name] for name in CONTROLLERS[1:] if _LIMITED[name] not in by_kernel]
    told = [f"{_and(by_kernel)} by the kernel"] if by_kernel else []
    told += [f"{_and(watched)} by looking every half second or less often"]
    told += [f"{_and(nobody)} by nothing"] if nobody else []
    return f"Limited: {'; '.join(told)}."


_LIMITED = {"memory": "memory", "pids": "processes", "cpu": "processors"}


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


class SandboxRefused(Exception):
    """The program may not run here: there is no boundary, and it is not one of ours. The text says how to mend it."""


class SandboxFailed(Exception):
    """bubblewrap itself failed on a machine where the probe had succeeded."""
