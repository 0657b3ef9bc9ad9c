"""The assertions of one test before and after: removed, loosened, or expecting something else."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.task.evidence import Finding, FindingKind
from bot.verify.plain import one_line
from bot.verify.tested.model import EXACT, Case, Check

_NAME = re.compile(r"[A-Za-z_]\w+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_MOST = 500
"""Assertions of one test that are paired one by one."""


def compare_checks(path: str, old: Case, new: Case, vanished: frozenset[str]) -> Iterator[Finding]:
    """`vanished` are names that the change removed from the product: what asserted them may go."""
    name = one_line(new.name)
    if old.checks and new.hollow:
        yield _finding(
            path, new.line, FindingKind.ASSERTION_EMPTY, f"The test `{name}` is emptied: it asserts nothing."
        )
        return
    lost, gained = _only(old.checks, new.checks), _only(new.checks, old.checks)
    for check in gained:
        if check.empty:
            detail = f"An assertion of `{name}` cannot fail: {check.empty}."
            yield _finding(path, check.line, FindingKind.ASSERTION_EMPTY, detail)
    lost = [check for check in lost if not check.empty]
    gained = [check for check in gained if not check.empty]
    pairs, alone, spare = _pairs(lost[:_MOST], gained[:_MOST])
    for before, after in pairs:
        yield from _changed(path, name, before, after, gained)
    yield from _less(path, new, alone, spare, vanished)


def _only(these: Sequence[Check], those: Sequence[Check]) -> list[Check]:
    """Those of `these` that are not among `those`, each as often as it is missing; also when it became empty."""
    there = Counter((check.form, check.empty) for check in those)
    left = []
    for check in these:
        if there[check.form, check.empty] > 0:
            there[check.form, check.empty] -= 1
        else:
            left.append(check)
    return left


def _pairs(lost: list[Check], gained: list[Check]) -> tuple[list[tuple[Check, Check]], list[Check], list[Check]]:
    """Which new assertion stands for which old one: first the same subject, then the same expectation."""
    pairs: list[tuple[Check, Check]] = []
    for key in ("subject", "expected"):
        free: dict[str, list[Check]] = {}
        for check in gained:
            free.setdefault(getattr(check, key), []).append(check)
        rest = []
        for check in lost:
            candidates = free.get(getattr(check, key)) if getattr(check, key) else None
            if candidates:
                pairs.append((check, candidates.pop(0)))
            else:
                rest.append(check)
        lost, gained = rest, [check for checks in free.values() for check in checks]
    return pairs, lost, sorted(gained, key=lambda check: check.line)


def _changed(path: str, name: str, before: Check, after: Check, gained: Sequence[Check]) -> Iterator[Finding]:
    """One assertion that became another."""
    if after.strictness < before.strictness and _split(before, gained):
        detail = f"An assertion of `{name}` is taken apart: `{_shown(before)}` became `{_shown(after)}` and others."
        yield _finding(path, after.line, FindingKind.EXPECTATION_CHANGED, detail)
    elif after.strictness < before.strictness or _wider(before, after):
        detail = f"An assertion of `{name}` is looser: `{_shown(before)}` became `{_shown(after)}`."
        yield _finding(path, after.line, FindingKind.ASSERTION_LOOSENED, detail)
    elif after.strictness == before.strictness and not _wider(after, before) and after.subject == before.subject:
        detail = f"`{name}` expects something else: `{_shown(before)}` became `{_shown(after)}`."
        yield _finding(path, after.line, FindingKind.EXPECTATION_CHANGED, detail)


def _split(before: Check, gained: Sequence[Check]) -> bool:
    """A part of the same thing is now compared as strictly."""
    parts = (f"{before.subject}.", f"{before.subject}[")
    return any(one.subject.startswith(parts) and one.strictness >= before.strictness for one in gained)


def _akin(before: Check, after: Check) -> bool:
    """They speak of the same names."""
    return bool(set(_NAME.findall(before.subject)) & set(_NAME.findall(after.subject)))


def _wider(before: Check, after: Check) -> bool:
    """The same approximate or ordered comparison with more room."""
    if before.relation != after.relation or before.strictness != after.strictness or before.strictness == EXACT:
        return False
    if before.relation == "raises":
        return False
    old, new = ([float(number) for number in _NUMBER.findall(check.expected)] for check in (before, after))
    if before.relation in ("approx", "almostequal", "indelta", "tobecloseto", "inepsilon", "closeto"):
        digits = "places" in before.expected or before.relation in ("tobecloseto", "almostequal")
        return old[:1] == new[:1] and (new[1:] < old[1:] if digits and _whole(new[1:]) else new[1:] > old[1:])
    return False


def _whole(numbers: Sequence[float]) -> bool:
    return bool(numbers) and all(number.is_integer() and number > 0 for number in numbers)


def _less(path: str, new: Case, alone: list[Check], spare: list[Check], vanished: frozenset[str]) -> Iterator[Finding]:
    """What is left of both sides: rewritten assertions, or fewer of them."""
    alone = [check for check in alone if not (set(re.findall(r"\w+", check.subject)) & vanished)]
    for before, after in zip(alone, spare, strict=False):
        name = one_line(new.name)
        if after.strictness < before.strictness and _akin(before, after):
            detail = f"An assertion of `{name}` is looser: `{_shown(before)}` became `{_shown(after)}`."
            yield _finding(path, after.line, FindingKind.ASSERTION_LOOSENED, detail)
        else:
            detail = f"An assertion of `{name}` is rewritten: `{_shown(before)}` became `{_shown(after)}`."
            yield _finding(path, after.line, FindingKind.EXPECTATION_CHANGED, detail)
    for before in alone[len(spare) :]:
        detail = f"`{one_line(new.name)}` no longer asserts `{_shown(before)}` (line {before.line} of the base)."
        yield _finding(path, new.line, FindingKind.ASSERTION_REMOVED, detail)


def _shown(check: Check) -> str:
    match check.relation:
        case "raises":
            text = f"raises {check.expected}"
        case "true" | "not" | "or":
            text = f"{'not ' if check.relation == 'not' else ''}{check.expected or check.subject}"
        case relation if check.expected:
            text = f"{check.subject} {relation} {check.expected}"
        case relation:
            text = f"{relation} {check.subject}"
    return one_line(text, 100)


def _finding(path: str, line: int, kind: FindingKind, detail: str) -> Finding:
    return Finding(path, line, kind, detail)
