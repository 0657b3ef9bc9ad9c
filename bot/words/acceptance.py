"""The acceptance list of an issue in words: what speaks for each checkbox, and what is not verified."""

from collections.abc import Sequence

from bot.task.evidence import Acceptance, AcceptancePoint
from bot.words.plain import harmless, one_line

SHOWN = 3
"""Checkboxes that the first screen names."""
_FIRST_SCREEN = (
    (Acceptance.NOT_MET, "Not met"),
    (Acceptance.NOT_VERIFIED, "Not verified"),
    (Acceptance.LIKELY, "Likely"),
)


def in_title(points: Sequence[AcceptancePoint]) -> str:
    """`Acceptance 2 of 3`; empty where the issue has no checkbox."""
    met = sum(point.verdict is Acceptance.MET for point in points)
    return f"Acceptance {met} of {len(points)}" if points else ""


def open_points(points: Sequence[AcceptancePoint]) -> str:
    """For the first screen, all that is not known to be met: `**Not verified:** "x" (criterion 3 of 3)`."""
    return "\n".join(line for verdict, words in _FIRST_SCREEN if (line := _line(points, verdict, words)))


def rows(points: Sequence[AcceptancePoint]) -> str:
    """One line for each checkbox, with what was looked at."""
    return "\n".join(_row(point) for point in points)


def _line(points: Sequence[AcceptancePoint], verdict: Acceptance, words: str) -> str:
    found = [
        f'"{_text(point.text, 120)}" (criterion {number} of {len(points)})'
        for number, point in enumerate(points, 1)
        if point.verdict is verdict
    ]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"**{words}:** {', '.join(found[:SHOWN])}{more}" if found else ""


def _row(point: AcceptancePoint) -> str:
    named = ", ".join(f"`{_text(name, 200)}`" for name in point.evidence)
    guess = " (a guess: a passing test has nearly its words)" if point.verdict is Acceptance.LIKELY else ""
    return f"- **{point.verdict}**{guess}: {_text(point.text, 300)}{f': {named}' if named else ''}"


def _text(text: str, limit: int) -> str:
    return harmless(one_line(text.replace("`", "'"), limit))
