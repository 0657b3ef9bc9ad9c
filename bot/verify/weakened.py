"""What a change does to the proof: weakened tests, narrowed runs, code that reaches for the test runner.

Everything is read, nothing run. What cannot be decided by reading (special-cased inputs, a test that repeats the code's
own mistake) is not guessed at; docs/certificate.md lists it.
"""

from collections.abc import Collection, Iterator, Sequence

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.verify.changed import is_binary, text_of, too_large
from bot.verify.harness import is_harness, is_test
from bot.verify.intrusion import harness_findings, product_findings
from bot.verify.places import place_findings
from bot.verify.plain import one_line
from bot.verify.selection import selection_findings
from bot.verify.tested.compared import Vanished, compare_tests
from bot.verify.tested.reading import read, readable

_MOST_BYTES = 16 << 20
"""Of both sides of all files that a reader reads."""
_MOST_OF_A_KIND = 50


def weakened_findings(changes: Sequence[ChangedFile], scripts: Collection[str] = ()) -> tuple[Finding, ...]:
    """Everything found, sorted. `scripts` are paths that the check commands name."""
    changes, left = _affordable(changes)
    found = [*_unread(changes), *_tests(changes)]
    for change in changes:
        found += place_findings(change, scripts)
        found += selection_findings(change)
        on_side_of_tests = is_test(change.path) or is_harness(change.path)
        found += harness_findings(change) if on_side_of_tests else product_findings(change)
    if left:
        detail = f"{left} of the changed files were not looked at: together they are more than {_MOST_BYTES >> 20} MiB."
        found.append(Finding("", 0, FindingKind.NOT_ANALYSED, detail))
    return _bounded(found)


def _affordable(changes: Sequence[ChangedFile]) -> tuple[list[ChangedFile], int]:
    """As many files as there is time for, those around the tests first; and how many are left."""
    spent, taken = 0, []
    for change in sorted(changes, key=lambda one: (not (is_test(one.path) or is_harness(one.path)), one.path)):
        size = len(change.old or b"") + len(change.new or b"") if _fit(change) else 0
        if spent + size <= _MOST_BYTES:
            spent += size
            taken.append(change)
    return sorted(taken, key=lambda one: one.path), len(changes) - len(taken)


def _tests(changes: Sequence[ChangedFile]) -> Iterator[Finding]:
    tests = [change for change in changes if is_test(change.path) and _fit(change)]
    old = {change.path: source for change in tests if (source := read(change.path, text_of(change.old)))}
    new = {change.path: source for change in tests if (source := read(change.path, text_of(change.new)))}
    yield from compare_tests(old, new, _vanished(changes) if old else Vanished())


def _vanished(changes: Sequence[ChangedFile]) -> Vanished:
    """What product code no longer defines under any name."""
    product = [c for c in changes if not is_test(c.path) and not is_harness(c.path) and _fit(c)]
    before = [source for c in product if c.old is not None and (source := read(c.path, text_of(c.old)))]
    after = [source for c in product if c.new is not None and (source := read(c.path, text_of(c.new)))]
    bodies = frozenset().union(*(source.bodies for source in after))
    renamed = {name for source in before for name, body in source.body_of if body in bodies}
    names = frozenset().union(*(source.defined for source in before))
    modules = {c.path.rpartition("/")[2].partition(".")[0] for c in product if c.new is None}
    kept = frozenset().union(*(source.defined for source in after))
    return Vanished((names | modules) - kept - renamed)


def _fit(change: ChangedFile) -> bool:
    return readable(change.path) and not too_large(change) and not is_binary(change.new) and not is_binary(change.old)


def _unread(changes: Sequence[ChangedFile]) -> Iterator[Finding]:
    for change in changes:
        if readable(change.path) and not _fit(change):
            detail = f"`{one_line(change.path)}` is too large, or not text: it was not looked into."
            yield Finding(change.path, 0, FindingKind.NOT_ANALYSED, detail)


def _bounded(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each finding once, the gravest kept when there are too many."""
    kinds: dict[FindingKind, int] = {}
    kept = []
    for finding in sorted(set(found)):
        kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
        if kinds[finding.kind] <= _MOST_OF_A_KIND:
            kept.append(finding)
    for kind, count in sorted(kinds.items()):
        if count > _MOST_OF_A_KIND:
            kept.append(Finding("", 0, kind, f"And {count - _MOST_OF_A_KIND} more of this kind."))
    return tuple(sorted(kept))
