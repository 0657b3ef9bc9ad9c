"""The limits of a run, as its sandbox takes them, and what a person can change when one was met."""

from bot.sandbox.box import Limits
from bot.task.limits import UNLIMITED, Bound, RunLimits
from bot.task.results import FaultKind, TurnFailed
from bot.verify.command import Ran

_GB = 10**9


def boxed(limits: RunLimits, minutes: float) -> Limits:
    """For one turn of an agent, or one check."""
    cpus = None if limits.cpus.value == UNLIMITED else limits.cpus.value
    return Limits(
        seconds=minutes * 60,
        memory_bytes=int(limits.memory_gb.value * _GB),
        disk_bytes=int(limits.disk_gb.value * _GB),
        cpus=cpus,
    )


def met_by_a_turn(limits: RunLimits, failed: TurnFailed) -> Bound | None:
    """The bound on memory or disk space that ended the turn."""
    return {FaultKind.MEMORY_LIMIT: limits.memory_gb, FaultKind.DISK_LIMIT: limits.disk_gb}.get(failed.kind)


def met_by_a_check(limits: RunLimits, ran: Ran) -> Bound | None:
    """The bound that ended the check."""
    match ran.limit:
        case "check_minutes":
            return limits.check_minutes
        case "memory_gb":
            return limits.memory_gb
        case "disk_gb":
            return limits.disk_gb
        case None:
            return None
