"""The tests of base and head side by side. Pure and total; the same reports give the same answer."""

from collections.abc import Iterable, Sequence

from bot.task.evidence import Comparison, FailureKind, TestId, TestOutcome, TestReport, TestStatus

_IDLE = (TestStatus.SKIPPED, TestStatus.XFAILED)
_UNLOADED = (FailureKind.MISSING_NAME, FailureKind.NOT_COLLECTED)


def compare(
    base: TestReport,
    head: TestReport,
    base_reruns: Sequence[TestReport] = (),
    head_reruns: Sequence[TestReport] = (),
) -> Comparison:
    """What the change did to the tests. Reruns are further runs on the same commit; they need not hold every test."""
    before, after = _by_id(base), _by_id(head)
    flaky = _flaky(base, base_reruns) | _flaky(head, head_reruns)
    steady = {test: outcome for test, outcome in after.items() if test not in flaky}
    failing = {test for test, outcome in steady.items() if outcome.failed}
    passing = {test for test, outcome in steady.items() if outcome.status is TestStatus.PASSED}
    idle = {test for test, outcome in steady.items() if outcome.status in _IDLE}
    unloaded = {_dotted(test.name): test for test, outcome in before.items() if outcome.failure in _UNLOADED}
    loaded = {test: at for test in steady if (at := _file_of(test, unloaded)) and test not in before}
    failed_before = {test for test, outcome in before.items() if outcome.failed} | loaded.keys()
    ran_before = {test for test, outcome in before.items() if outcome.status not in _IDLE}
    return Comparison(
        fixed=_sorted(passing & failed_before),
        broken=_sorted(failing - failed_before),
        new=_sorted(passing - before.keys() - loaded.keys()),
        removed=_sorted(before.keys() - after.keys() - flaky - set(loaded.values())),
        preexisting=_sorted(failing & failed_before),
        skipped=_sorted(idle),
        newly_skipped=_sorted(idle & ran_before),
        flaky=_sorted(flaky),
        passed=len(passing),
        total=len(after),
    )


def flaky(report: TestReport, reruns: Sequence[TestReport]) -> tuple[TestId, ...]:
    """Tests that passed in one run and failed in another of the same commit, or that the runner itself ran again."""
    return _sorted(_flaky(report, reruns))


def told_of(report: TestReport, test: TestId) -> TestOutcome | None:
    """What a report says of a test: its own outcome, or that the file it stands in could not be loaded."""
    known = _by_id(report)
    unloaded = {_dotted(found.name): found for found, outcome in known.items() if outcome.failure in _UNLOADED}
    at = test if test in known else _file_of(test, unloaded)
    return known[at] if at is not None else None


def _file_of(test: TestId, unloaded: dict[str, TestId]) -> TestId | None:
    """The failure to load that stands for this test; pytest tells it as a test with the name of the module."""
    parts = _dotted(test.suite).split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((unloaded[name] for name in names if name in unloaded), None)


def _dotted(path: str) -> str:
    """`tests/test_a.py` and `tests.test_a` alike."""
    return path.removesuffix(".py").replace("/", ".")


def _flaky(report: TestReport, reruns: Sequence[TestReport]) -> set[TestId]:
    runs = (report, *reruns)
    passed = {outcome.id for run in runs for outcome in run.outcomes if outcome.status is TestStatus.PASSED}
    failed = {outcome.id for run in runs for outcome in run.outcomes if outcome.failed}
    return (passed & failed).union(*(run.retried for run in runs))


def _by_id(report: TestReport) -> dict[TestId, TestOutcome]:
    """A report holds each id once; should it not, a failure counts."""
    found: dict[TestId, TestOutcome] = {}
    for outcome in report.outcomes:
        if outcome.id not in found or outcome.failed:
            found[outcome.id] = outcome
    return found


def _sorted(tests: Iterable[TestId]) -> tuple[TestId, ...]:
    return tuple(sorted(tests))
