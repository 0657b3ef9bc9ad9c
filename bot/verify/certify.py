"""Certify one head against one base: run what has to be run, in order, and write down what came out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.task.certificate import Certificate, RedFirst, RedFirstVerdict, Subject, Tool
from bot.task.evidence import AcceptancePoint, ChangedFile, Finding, FindingKind, TestReport
from bot.task.ids import CommitSha
from bot.task.results import CheckResult
from bot.verify.acceptance import acceptance_points
from bot.verify.baseline import Baseline, Shelf, baseline
from bot.verify.command import Command
from bot.verify.harness import changed_tests, from_base
from bot.verify.judge import NAMED, Judged, judge, together
from bot.verify.red_first import Ground, red_first
from bot.verify.run import CheckRun, Measured, Rig, measure

Analysis = Callable[[Sequence[ChangedFile]], Sequence[Finding]]
"""Findings from the contents of a change alone."""


def nothing(changed: Sequence[ChangedFile]) -> Sequence[Finding]:
    """The analysis of who wants none."""
    return ()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be certified, and on what terms."""

    base: CommitSha
    head: CommitSha
    origin: str
    """Where the commands come from: `configured`, `guessed`, `given`, `none`."""
    sandbox: str
    tools: tuple[Tool, ...] = ()
    weakened: Analysis = nothing
    scope: Analysis = nothing
    asked: str = ""
    """Body of the issue, whose checkboxes are what is accepted; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate, and beside it what is no claim: the runs with their times and output."""

    certificate: Certificate
    baseline: Baseline
    head: tuple[Measured, ...]
    red: tuple[Measured, ...]
    changed: tuple[ChangedFile, ...]


@dataclass(frozen=True, slots=True)
class _Looked:
    """The head as it was run."""

    commit: CommitSha
    harness: tuple[str, ...]
    measured: tuple[Measured, ...]
    judged: tuple[Judged, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        return any(one.failed for one in self.judged)


async def certify(rig: Rig, order: Order, shelf: Shelf) -> Certified:
    """Repeatable: the same order on the same machine gives the same digest, as long as no test is flaky."""
    base = await rig.trees.fork(order.base, order.head)
    changed = await rig.trees.contents(base, order.head)
    surroundings = "\n".join((order.sandbox, *(f"{tool.name} {tool.version}" for tool in order.tools)))
    before = await baseline(rig, base, shelf, surroundings) if rig.commands else Baseline(())
    laid = from_base(changed, base, rig.commands)
    looked = await _look(rig, before, order.head, changed, laid)
    ground = Ground(base, order.head, changed, looked.judged, tuple(one.run for one in looked.measured), laid)
    red, red_measured = await red_first(rig, ground) if rig.commands else (_unasked(changed), ())
    subject = Subject(
        base=base,
        head=order.head,
        base_tree=await rig.trees.tree(base),
        head_tree=await rig.trees.tree(looked.commit),
        harness=looked.harness,
        origin=order.origin,
        sandbox=order.sandbox,
        tools=order.tools,
    )
    analysed = await asyncio.to_thread(order.weakened, changed)
    found = [*analysed, *looked.findings, *(one for each in looked.judged for one in each.findings)]
    certificate = Certificate(
        subject=subject,
        checks=tuple(one.check for one in looked.judged),
        tests=together(looked.judged),
        red_first=red,
        weakened=_sorted([*found, *_harness(laid, found)]),
        scope=_sorted(await asyncio.to_thread(order.scope, changed)),
        acceptance=await asyncio.to_thread(_acceptance, order.asked, looked.measured),
    )
    return Certified(certificate, before, looked.measured, red_measured, changed)


def _acceptance(asked: str, measured: Sequence[Measured]) -> tuple[AcceptancePoint, ...]:
    """A test that failed in any run does not speak for its checkbox."""
    reports = [one for each in measured for one in (each.run.report, each.run.report_again) if one is not None]
    outcomes = {outcome.id: outcome for report in reports for outcome in report.outcomes}
    failed = {outcome.id: outcome for report in reports for outcome in report.outcomes if outcome.failed}
    checks = [
        CheckResult(one.ran.command.name, one.ran.command.command, one.ran.command.required, one.run.end.exit_code, 0.0)
        for one in measured
    ]
    return acceptance_points(asked, checks, TestReport(tuple((outcomes | failed).values())))


async def _look(
    rig: Rig,
    before: Baseline,
    head: CommitSha,
    changed: tuple[ChangedFile, ...],
    laid: Mapping[str, bytes | CommitSha],
) -> _Looked:
    """Run the head with the base's harness; as it is, where that does not hold. Which of the two counts is said."""

    async def run(commit: CommitSha, harness: tuple[str, ...]) -> _Looked:
        measured = await measure(rig, commit, lambda one: _is_new(one.run, before.of(one.run.name)))
        runs = {one.run.name: one.run for one in measured}
        judged = tuple(
            judge(one, before.of(one.name), runs.get(one.name), changed) for one in _told(rig, before, runs.get)
        )
        return _Looked(commit, harness, measured, judged)

    composed = await rig.trees.compose(head, laid)
    first = await run(composed, tuple(sorted(laid)) if composed != head else ())
    if composed == head or not first.failed:
        return first
    second = await run(head, ())
    if second.failed:
        return second
    finding = _rescued(first, changed, laid)
    return _Looked(head, (), second.measured, second.judged, (finding,))


def _rescued(first: _Looked, changed: Sequence[ChangedFile], laid: Mapping[str, bytes | CommitSha]) -> Finding:
    """Passing only with its own harness: fair for new tests that need it, and the way to hide what is broken."""
    files = ", ".join(f"`{path}`" for path in sorted(laid)[:5])
    before = sorted({str(test) for one in first.judged if one.tests for test in one.tests.broken if test in one.known})
    told = all(one.tests is not None for one in first.judged if one.failed)
    if before:
        named = ", ".join(f"`{test}`" for test in before[:3])
        detail = f"{len(before)} tests that passed on the base pass only with the changed harness ({files}): {named}."
        return Finding(min(laid), 0, FindingKind.HARNESS_RESCUES, detail)
    if not told and not changed_tests(changed):
        detail = f"The checks fail with the harness of the base and pass with the changed one ({files})."
        return Finding(min(laid), 0, FindingKind.HARNESS_RESCUES, detail)
    detail = f"The changed tests run only with the changed harness ({files}); it was used."
    return Finding(min(laid), 0, FindingKind.HARNESS_NEEDED, detail)


def _is_new(head: CheckRun, base: CheckRun | None) -> bool:
    """Is a failure worth a second run? Not where the base fails in the same tests, or as a whole."""
    if base is None or base.held_once:
        return True
    if head.report is None or base.report is None:
        return False
    failing = {outcome.id for outcome in base.report.outcomes if outcome.failed}
    return any(outcome.failed and outcome.id not in failing for outcome in head.report.outcomes)


def _told(rig: Rig, before: Baseline, run: Callable[[str], CheckRun | None]) -> tuple[Command, ...]:
    """The checks; the set-up is one where it fails, and says nothing where it works."""
    if rig.setup is None:
        return rig.commands
    runs = (run(rig.setup.name), before.of(rig.setup.name))
    failed = any(one is not None and not one.passed for one in runs)
    return (rig.setup, *rig.commands) if failed else rig.commands


def _harness(laid: Mapping[str, bytes | CommitSha], found: Sequence[Finding]) -> list[Finding]:
    """Every file whose harness was not the head's, unless an analysis has named it already."""
    named = {finding.file for finding in found}
    return [
        Finding(path, 0, FindingKind.HARNESS_CHANGED, "Decides how tests run; the head was run with the base's.")
        for path in sorted(laid)
        if path not in named
    ][:NAMED]


def _unasked(changed: Sequence[ChangedFile]) -> RedFirst:
    if not changed_tests(changed):
        return RedFirst(RedFirstVerdict.NO_TESTS)
    return RedFirst(RedFirstVerdict.COULD_NOT_RUN, reason="There is no check to run them with.")


def _sorted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(set(findings)))
