"""How much a run may do: the operator's limits, narrowed by what the repository asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from bot.task.model import DEFAULT_ATTEMPTS
from bot.task.repo_config import PATH, LimitsConfig
from bot.task.results import FileChange

OPERATOR_FILE = "issuewright.toml"
UNLIMITED = float("inf")


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that holds, and the setting that it comes from, as a person finds it."""

    value: float
    setting: str

    def __str__(self) -> str:
        return number(self.value)


def number(value: float) -> str:
    """`2,000`, `0.5`."""
    return f"{value:,.10g}"


def operators(name: str, value: float = UNLIMITED) -> Bound:
    """A bound of the operator's file."""
    return Bound(value, f"`{name}` in the operator's {OPERATOR_FILE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """Bounds of one run; the defaults hold where the operator says nothing."""

    minutes: Bound = field(default=operators("limits.minutes", 60))
    """Longest turn of the agent."""
    check_minutes: Bound = field(default=operators("limits.check_minutes", 30))
    """Longest single check."""
    attempts: Bound = field(default=operators("limits.attempts", DEFAULT_ATTEMPTS))
    """Agent turns before work whose checks fail is published as a draft."""
    files: Bound = field(default=operators("limits.files", 2000))
    """Changed files of the whole pull request."""
    lines: Bound = field(default=operators("limits.lines"))
    """Added and removed lines of the whole pull request; binary files count none."""
    memory_gb: Bound = field(default=operators("limits.memory_gb", 4))
    """Memory of the agent, or of one check, with all that it starts; a GB is 10^9 bytes."""
    disk_gb: Bound = field(default=operators("limits.disk_gb", 10))
    """Disk space of the folders that it may write, together."""
    cpus: Bound = field(default=operators("limits.cpus"))
    """How many processors' time it may use."""
    turn_calls: Bound = field(default=operators("limits.turn_calls"))
    """Calls of the model in one turn of the agent."""
    turn_tokens: Bound = field(default=operators("limits.turn_tokens"))
    """Tokens, in and out, of one turn."""
    usd: Bound = field(default=operators("budget.task_usd"))
    """US dollars that one task may use for models in all its runs."""


def narrowed(limits: RunLimits, wishes: LimitsConfig) -> tuple[RunLimits, tuple[str, ...]]:
    """The limits that hold, and a sentence for each wish that is above what the operator allows."""
    notes = []
    for name in [one.name for one in fields(RunLimits)]:
        wished, most = getattr(wishes, name), getattr(limits, name)
        if wished is None:
            continue
        if wished > most.value:
            notes.append(
                f"`limits.{name}: {number(wished)}` in `{PATH}` is more than this server allows; "
                f"{most} holds ({most.setting})."
            )
        else:
            limits = replace(limits, **{name: Bound(wished, f"`limits.{name}` in `{PATH}`")})
    return limits, tuple(notes)


def too_large(files: Sequence[FileChange], limits: RunLimits) -> tuple[str, ...]:
    """One sentence for each limit on the size of a change that these files are above."""
    lines = sum((change.added or 0) + (change.removed or 0) for change in files)
    seen = ((len(files), "files are changed", limits.files), (lines, "lines are added or removed", limits.lines))
    return tuple(
        f"{number(value)} {what}; at most {most} may be ({most.setting})."
        for value, what, most in seen
        if value > most.value
    )
