"""What the doctor found, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.words.plain import count


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """It works, but someone should know."""
    BAD = "bad"
    """Something that `serve` needs does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is what to do about it; empty when there is nothing to do."""

    level: Level
    what: str
    mend: str = ""


def ok(what: str) -> Finding:
    return Finding(Level.OK, what)


def warn(what: str, mend: str = "") -> Finding:
    return Finding(Level.WARN, what, mend)


def bad(what: str, mend: str = "") -> Finding:
    return Finding(Level.BAD, what, mend)


def report(findings: Sequence[Finding]) -> str:
    """One line per finding, its mend below it, and the sum of it all."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level.upper():4}  {finding.what}")
        if finding.mend:
            lines.append(f"      → {finding.mend}")
    levels = [finding.level for finding in findings]
    broken, odd = levels.count(Level.BAD), levels.count(Level.WARN)
    told = [count(broken, "thing") + " to mend"] if broken else []
    told += [count(odd, "thing") + " to know"] if odd else []
    return "\n".join([*lines, "", (", ".join(told) or "All is well") + "."])


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is bad."""
    return int(any(finding.level is Level.BAD for finding in findings))
