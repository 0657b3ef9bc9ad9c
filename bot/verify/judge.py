"""What a check says about a head next to its base: pure, from the runs of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.task.certificate import CertifiedCheck, CertifiedTests, CheckVerdict
from bot.task.evidence import ChangedFile, Comparison, Finding, FindingKind, TestId, TestReport
from bot.verify.command import Command
from bot.verify.harness import is_test
from bot.verify.outcomes import compare
from bot.verify.run import CheckRun

NAMED = 20
"""Tests that findings name one by one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One check with its tests, where a report names them."""

    check: CertifiedCheck
    tests: Comparison | None = None
    findings: tuple[Finding, ...] = ()
    known: frozenset[TestId] = frozenset()
    """Tests that the base has, too."""

    @property
    def failed(self) -> bool:
        return self.check.required and self.check.verdict in (CheckVerdict.FAILED, CheckVerdict.NOT_RUN)


def judge(command: Command, base: CheckRun | None, head: CheckRun | None, changed: Sequence[ChangedFile]) -> Judged:
    """One check."""
    tests = _compared(base, head)
    verdict = _verdict(base, head, tests)
    check = CertifiedCheck(
        name=command.name,
        command=command.command,
        required=command.required,
        base=base.end if base is not None else None,
        head=head.end if head is not None else None,
        told_by="exit code" if tests is None else "tests",
        verdict=verdict,
    )
    findings = tuple(_findings(command, base, head, tests, changed)) if head is not None else ()
    known = base.report.outcomes if base is not None and base.report is not None else ()
    return Judged(check, tests, findings, frozenset(outcome.id for outcome in known))


def together(judged: Sequence[Judged]) -> CertifiedTests:
    """The tests of all checks. One that several checks run counts as broken if it is in one of them."""
    every = [(one.check.name, one.tests) for one in judged if one.tests is not None]
    prefixed = len(every) > 1

    def named(field: str) -> tuple[str, ...]:
        found = {
            f"{check}: {test}" if prefixed else str(test) for check, tests in every for test in getattr(tests, field)
        }
        return tuple(sorted(found))

    return CertifiedTests(
        fixed=named("fixed"),
        broken=named("broken"),
        new=named("new"),
        removed=named("removed"),
        preexisting=named("preexisting"),
        skipped=named("skipped"),
        flaky=named("flaky"),
        total=sum(tests.total for _, tests in every),
    )


def touched(test: TestId, changed: Sequence[ChangedFile]) -> bool:
    """Does the test stand in a changed file, for all that its name tells?"""
    suite = _dotted(test.suite)
    return any(_matches(suite, file.path) for file in changed if is_test(file.path))


def _matches(suite: str, path: str) -> bool:
    stem = _dotted(path.rpartition(".")[0])
    folder = _dotted(path.rpartition("/")[0])
    in_file = suite == stem or suite.startswith(f"{stem}.") or stem.endswith(f".{suite}") or suite == _dotted(path)
    below = any(stem.endswith(f".{part}") for part in _prefixes(suite))
    return in_file or below or bool(folder and suite.endswith(folder))


def _prefixes(suite: str) -> Iterator[str]:
    parts = suite.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _compared(base: CheckRun | None, head: CheckRun | None) -> Comparison | None:
    """None where the reports do not tell what the change did."""
    if head is None or head.report is None:
        return None
    if base is not None and base.report is None and not base.passed:
        return None
    before = base.report if base is not None and base.report is not None else TestReport(())
    again = [base.report_again] if base is not None and base.report_again is not None else []
    head_again = [head.report_again] if head.report_again is not None else []
    return compare(before, head.report, again, head_again)


def _verdict(base: CheckRun | None, head: CheckRun | None, tests: Comparison | None) -> CheckVerdict:
    if head is None or head.end.ending == "not run":
        return CheckVerdict.NOT_RUN
    if tests is not None and tests.broken:
        return CheckVerdict.FAILED
    if head.passed:
        return CheckVerdict.PASSED
    if head.again is not None and head.again.exit_code == 0:
        return CheckVerdict.FLAKY
    if tests is not None and tests.preexisting:
        return CheckVerdict.PREEXISTING
    if tests is not None and tests.flaky:
        return CheckVerdict.FLAKY
    return CheckVerdict.FAILED if base is None or base.held_once else CheckVerdict.PREEXISTING


def _findings(
    command: Command,
    base: CheckRun | None,
    head: CheckRun,
    tests: Comparison | None,
    changed: Sequence[ChangedFile],
) -> Iterator[Finding]:
    if base is None or not base.doubts:
        for doubt in head.doubts:
            detail = f"Check `{command.name}`: {doubt}; only its exit code counts."
            yield Finding("", 0, FindingKind.REPORT_DISAGREES, detail)
    told = base is not None and base.report is not None and bool(base.report.outcomes)
    if told and head.passed and (head.report is None or not head.report.outcomes) and not head.doubts:
        detail = f"Check `{command.name}` names its tests on the base; on the head it succeeds and names none."
        yield Finding("", 0, FindingKind.REPORT_MISSING, detail)
    elif tests is not None and head.report is not None:
        yield from _vanished(tests, head.report, changed)


def _vanished(tests: Comparison, head: TestReport, changed: Sequence[ChangedFile]) -> Iterator[Finding]:
    """Tests that no changed file accounts for. Other parameters of a test that is still there are no loss."""
    there = {(outcome.id.suite, _plain(outcome.id.name)) for outcome in head.outcomes}
    gone = [
        test for test in tests.removed if (test.suite, _plain(test.name)) not in there and not touched(test, changed)
    ]
    for test in gone[:NAMED]:
        detail = f"`{test}` is run on the base and not on the head, and its file is unchanged."
        yield Finding("", 0, FindingKind.TEST_VANISHED, detail)
    if len(gone) > NAMED:
        yield Finding("", 0, FindingKind.TEST_VANISHED, f"{len(gone) - NAMED} more tests are not run any more.")
    for test in [test for test in tests.newly_skipped if not touched(test, changed)][:NAMED]:
        detail = f"`{test}` is run on the base and skipped on the head, and its file is unchanged."
        yield Finding("", 0, FindingKind.TEST_SKIPPED, detail)


def _plain(name: str) -> str:
    return name.partition("[")[0]
