"""Two versions of tests side by side: what is gone, idle, looser, or can no longer fail.

Tests are matched by file and name, then by name in another file, then by what they assert: moving, renaming and joining
tests is no offence. A test that is gone together with what it tested is told as such.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.task.evidence import Finding, FindingKind
from bot.verify.plain import one_line
from bot.verify.tested.checks_compared import compare_checks
from bot.verify.tested.model import Case, Source

_MOST = 200


@dataclass(frozen=True, slots=True)
class Placed:
    """A test in its file."""

    file: str
    case: Case


@dataclass(frozen=True, slots=True)
class Vanished:
    """Names that product code defined on the base and no changed file defines on the head, renamed ones left out."""

    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Heads:
    """The head's tests, found by the ways in which a test of the base may live on."""

    exact: dict[tuple[str, str], Case] = field(default_factory=dict)
    by_name: dict[str, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    by_form: dict[tuple[str, str, str], list[Placed]] = field(default_factory=lambda: defaultdict(list))
    tables: list[Placed] = field(default_factory=list)
    before: dict[tuple[str, str], Counter[tuple[str, str, str]]] = field(default_factory=dict)
    """What the tests of the base assert: a test that was there already takes nobody's place with what it had."""
    taken: set[tuple[str, str]] = field(default_factory=set)


def compare_tests(old: Mapping[str, Source], new: Mapping[str, Source], vanished: Vanished) -> Iterator[Finding]:
    """`old` and `new` are the changed test files by path."""
    heads = _heads(old, new)
    kept: set[tuple[str, str]] = set()
    for path, source in old.items():
        for case in source.cases:
            match = _match(path, case, heads)
            if match is None:
                yield _gone(path, case, vanished)
            else:
                kept.add((match.file, match.case.name))
                yield from _same(case, match, vanished)
    for path, source in new.items():
        yield from _hidden(path, source, old.get(path, Source()))
        for line in source.only:
            if len(source.only) > len(old.get(path, Source()).only):
                detail = f"Line {line} lets only some of the tests of `{one_line(path)}` run."
                yield Finding(path, line, FindingKind.SELECTION_NARROWED, detail)
        for case in source.cases:
            if (path, case.name) not in kept:
                yield from _born(path, case)


def _heads(old: Mapping[str, Source], new: Mapping[str, Source]) -> _Heads:
    heads = _Heads()
    for path, source in old.items():
        for case in source.cases:
            heads.before[path, case.name] = _forms(case)
    for path, source in new.items():
        for case in source.cases:
            placed = Placed(path, case)
            heads.exact[path, case.name] = case
            heads.by_name[case.own_name].append(placed)
            if case.rows:
                heads.tables.append(placed)
            for check in case.checks[:_MOST]:
                heads.by_form[check.form].append(placed)
    return heads


def _match(path: str, case: Case, heads: _Heads) -> Placed | None:
    """The test of the head that this one became."""
    if (path, case.name) in heads.exact:
        return Placed(path, heads.exact[path, case.name])
    fresh = [placed for placed in heads.by_name.get(case.own_name, ())[:_MOST] if _is_fresh(placed, heads)]
    for placed in sorted(fresh, key=lambda placed: (placed.case.name != case.name, placed.file != path)):
        heads.taken.add((placed.file, placed.case.name))
        return placed
    return _by_checks(case, heads) or _by_rows(case, heads)


def _is_fresh(placed: Placed, heads: _Heads) -> bool:
    """Neither was there on the base nor has taken another's place."""
    at = (placed.file, placed.case.name)
    return at not in heads.before and at not in heads.taken


def _by_checks(case: Case, heads: _Heads) -> Placed | None:
    """Renamed or joined: another test gained every assertion and every value of this one."""
    wanted = _forms(case)
    if not wanted:
        return None
    for placed in heads.by_form.get(next(iter(wanted)), ())[:_MOST]:
        gained = _forms(placed.case) - heads.before.get((placed.file, placed.case.name), Counter())
        if case.literals <= placed.case.literals and all(gained[form] >= count for form, count in wanted.items()):
            return placed
    return None


def _forms(case: Case) -> Counter[tuple[str, str, str]]:
    return Counter(check.form for check in case.checks)


def _by_rows(case: Case, heads: _Heads) -> Placed | None:
    """Made a row of a table: the values it used stand in the rows of a test that uses the same names."""
    for placed in heads.tables[:_MOST]:
        if case.literals and case.literals <= placed.case.literals and len(case.names & placed.case.names) > 0:
            return Placed(placed.file, case)
    return None


def _gone(path: str, case: Case, vanished: Vanished) -> Finding:
    name, lost = one_line(case.name), sorted(case.names & vanished.names)
    if lost:
        detail = f"The test `{name}` is gone with what it tested: `{one_line(lost[0])}` is removed, too."
        return Finding(path, 0, FindingKind.TEST_REMOVED_WITH_CODE, detail)
    detail = f"The test `{name}` is removed (line {case.line} of the base), and what it tested is still there."
    return Finding(path, 0, FindingKind.TEST_REMOVED, detail)


def _same(old: Case, match: Placed, vanished: Vanished) -> Iterator[Finding]:
    path, new = match.file, match.case
    name = one_line(new.name)
    if new.idle and (not old.idle or (old.sometimes and not new.sometimes)):
        how = "may be kept from counting" if new.sometimes else "no longer counts"
        yield Finding(path, new.line, FindingKind.TEST_SKIPPED, f"The test `{name}` {how}: {one_line(new.idle, 80)}.")
        if not new.sometimes:
            return
    yield from compare_checks(path, old, new, vanished.names)
    yield from _rows(path, old, new)


def _rows(path: str, old: Case, new: Case) -> Iterator[Finding]:
    before, after = Counter(old.rows), Counter(new.rows)
    lost, gained = (before - after).total(), (after - before).total()
    if not old.rows or not lost:
        return
    name = one_line(new.name)
    if not new.rows and new.checks:
        return
    if gained < lost:
        detail = f"The test `{name}` has {lost - gained} of its {len(old.rows)} rows of parameters less."
        yield Finding(path, new.line, FindingKind.ASSERTION_REMOVED, detail)
    else:
        detail = f"The test `{name}` has other rows of parameters: {lost} of {len(old.rows)} are changed."
        yield Finding(path, new.line, FindingKind.EXPECTATION_CHANGED, detail)


def _hidden(path: str, source: Source, old: Source) -> Iterator[Finding]:
    """Two tests of one name in one scope: the second takes the place of the first."""
    if not path.endswith(".py"):
        return
    before = Counter(case.name for case in old.cases)
    counts = Counter(case.name for case in source.cases)
    seen: set[str] = set()
    for case in source.cases:
        if counts[case.name] > max(1, before[case.name]) and case.name in seen:
            detail = f"A second test `{one_line(case.name)}` takes the place of the first, which is never run."
            yield Finding(path, case.line, FindingKind.TEST_REMOVED, detail)
        seen.add(case.name)


def _born(path: str, case: Case) -> Iterator[Finding]:
    name = one_line(case.name)
    if case.idle and not case.sometimes:
        detail = f"The new test `{name}` does not count: {one_line(case.idle, 80)}."
        yield Finding(path, case.line, FindingKind.TEST_SKIPPED, detail)
    elif case.hollow:
        detail = f"The new test `{name}` asserts nothing and calls nothing."
        yield Finding(path, case.line, FindingKind.ASSERTION_EMPTY, detail)
    elif case.checks and all(check.empty for check in case.checks):
        detail = f"The new test `{name}` cannot fail: {case.checks[0].empty}."
        yield Finding(path, case.checks[0].line, FindingKind.ASSERTION_EMPTY, detail)
