"""Red-first evidence: the added and changed tests on the code of the base. A test that passes there proves nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.task.certificate import CheckVerdict, RedFirst, RedFirstVerdict, RedTest, RedTestVerdict
from bot.task.evidence import ChangedFile, FailureKind, TestOutcome, TestReport, TestStatus
from bot.task.ids import CommitSha
from bot.verify.harness import changed_tests
from bot.verify.judge import Judged, touched
from bot.verify.outcomes import told_of
from bot.verify.run import CheckRun, Measured, Rig, measure

NAMED = 200
"""Tests that are named at most."""

_KINDS = {
    FailureKind.ASSERTION: RedTestVerdict.ASSERTION,
    FailureKind.MISSING_NAME: RedTestVerdict.MISSING_NAME,
    FailureKind.NOT_COLLECTED: RedTestVerdict.NOT_RUN,
    FailureKind.ERROR: RedTestVerdict.ERROR,
}
_NO_FIXTURE = re.compile(r"fixture '[^'\n]{1,200}' not found")
_RAISED = re.compile(rb"^(?:E {1,8})?([A-Za-z_][\w.]{0,100}(?:Error|Exception|Exit))\b", re.MULTILINE)
_MISSING = frozenset({b"NameError", b"ImportError", b"ModuleNotFoundError", b"AttributeError", b"ReferenceError"})


@dataclass(frozen=True, slots=True)
class Ground:
    """The two commits and what is known of them so far."""

    base: CommitSha
    head: CommitSha
    changed: tuple[ChangedFile, ...]
    judged: tuple[Judged, ...]
    heads: tuple[CheckRun, ...]
    laid: Mapping[str, bytes | CommitSha]
    """Harness of the base that lies over the head."""


async def red_first(rig: Rig, ground: Ground) -> tuple[RedFirst, tuple[Measured, ...]]:
    """First with the harness of the base; with the head's where the tests do not run without it."""
    paths = changed_tests(ground.changed)
    if not paths:
        return RedFirst(RedFirstVerdict.NO_TESTS), ()
    if any(one.failed for one in ground.judged):
        return RedFirst(RedFirstVerdict.COULD_NOT_RUN, reason="The required checks do not hold on the head."), ()
    checks = _asked(ground)
    if not checks:
        return RedFirst(RedFirstVerdict.COULD_NOT_RUN, reason="No check that could tell passes on the head."), ()
    tests: dict[str, bytes | CommitSha] = dict.fromkeys(paths, ground.head)
    found, measured = await _tried(rig, ground, tests, checks)
    if found.verdict is RedFirstVerdict.COULD_NOT_RUN and ground.laid:
        with_harness = {**tests, **dict.fromkeys(ground.laid, ground.head)}
        found, measured = await _tried(rig, ground, with_harness, checks)
        found = replace(found, reason=found.reason or "They run only with the changed harness.")
    return found, measured


def _asked(ground: Ground) -> frozenset[str]:
    """Checks whose reports name tests; where there are none, required ones that pass on both."""
    telling = {one.check.name for one in ground.judged if one.tests is not None and one.tests.total}
    passing = {
        one.check.name
        for one in ground.judged
        if one.check.required
        and one.check.verdict is CheckVerdict.PASSED
        and one.check.base is not None
        and one.check.base.exit_code == 0
    }
    return frozenset(telling or passing)


async def _tried(
    rig: Rig, ground: Ground, laid: Mapping[str, bytes | CommitSha], checks: frozenset[str]
) -> tuple[RedFirst, tuple[Measured, ...]]:
    commit = await rig.trees.compose(ground.base, laid)
    measured = await measure(rig, commit, None, checks)
    runs = {one.run.name: one for one in measured}
    tests: list[RedTest] = []
    for one in ground.judged:
        red = runs.get(one.check.name)
        if red is None or one.check.name not in checks:
            continue
        if one.tests is None or red.run.report is None:
            tests.append(RedTest(f"check {one.check.name}", _of_exit(red, one)))
        else:
            tests += _of_tests(ground, one, red.run.report)
    return _summed_up(tests), measured


def _of_exit(red: Measured, judged: Judged) -> RedTestVerdict:
    """Where only the exit code is known. Names of exceptions in the output may still say that nothing else is wrong."""
    if red.run.end.exit_code is None or judged.check.base is None or judged.check.base.exit_code != 0:
        return RedTestVerdict.NOT_RUN
    if red.run.passed:
        return RedTestVerdict.PASSES
    raised = {name.rpartition(b".")[2] for name in _RAISED.findall(red.ran.output)}
    return RedTestVerdict.MISSING_NAME if raised and raised <= _MISSING else RedTestVerdict.FAILS


def _of_tests(ground: Ground, judged: Judged, red: TestReport) -> Iterator[RedTest]:
    """New and mended tests; then those of changed files that now fail there; failing that, what else they hold."""
    tests = judged.tests
    head = next((run.report for run in ground.heads if run.name == judged.check.name), None)
    if tests is None or head is None:
        return
    passing = {outcome.id for outcome in head.outcomes if outcome.status is TestStatus.PASSED} - set(tests.flaky)
    there = [test for test in sorted(passing) if touched(test, ground.changed)]
    added = {*tests.new, *tests.fixed} & passing
    wanted = sorted({*added, *(test for test in there if _fails(told_of(red, test)))}) or there
    for test in wanted[:NAMED]:
        yield RedTest(str(test), _of_outcome(told_of(red, test)))


def _fails(outcome: TestOutcome | None) -> bool:
    return outcome is not None and outcome.failed


def _of_outcome(outcome: TestOutcome | None) -> RedTestVerdict:
    if outcome is None:
        return RedTestVerdict.NOT_RUN
    if outcome.failure is not None:
        if _NO_FIXTURE.search(outcome.message):
            return RedTestVerdict.NOT_RUN
        return _KINDS[outcome.failure]
    return RedTestVerdict.PASSES if outcome.status is TestStatus.PASSED else RedTestVerdict.NOT_RUN


def _summed_up(tests: Sequence[RedTest]) -> RedFirst:
    found = RedFirst(RedFirstVerdict.COULD_NOT_RUN, tuple(sorted(tests, key=lambda test: test.name)))
    verdicts = {test.verdict for test in tests}
    if found.proving:
        return replace(found, verdict=RedFirstVerdict.PROVEN)
    if RedTestVerdict.MISSING_NAME in verdicts:
        return replace(found, verdict=RedFirstVerdict.NAMES_ONLY)
    if RedTestVerdict.PASSES in verdicts:
        return replace(found, verdict=RedFirstVerdict.PROVES_NOTHING)
    return replace(found, reason="They do not run on the code of the base.")
