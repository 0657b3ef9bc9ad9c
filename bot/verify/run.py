"""Run the checks on one exact commit, and once more those that failed: what came out, test by test where it is told."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from bot.sandbox.box import Box, Limits
from bot.task.certificate import RunEnd
from bot.task.evidence import ChangedFile, TestReport
from bot.task.ids import CommitSha
from bot.verify.command import Command, Ran
from bot.verify.junit import read_reports

_MET = {"check_minutes": "timed out", "memory_gb": "memory limit", "disk_gb": "disk limit"}
_COUNTS_DIFFER = " tests and holds "
"""In a note of `read_reports`: the report does not agree with itself."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clean checkout as a box. What it holds in secret stands in no output and no report."""

    box: Box
    without_secrets: Callable[[bytes], bytes] = bytes

    def hide(self, ran: Ran) -> Ran:
        return replace(ran, output=self.without_secrets(ran.output))

    def hidden(self, files: dict[str, bytes] | None) -> dict[str, bytes] | None:
        return None if files is None else {name: self.without_secrets(data) for name, data in files.items()}


class Trees(Protocol):
    """The commits of one verification, and a clean checkout of one of them at a time."""

    async def fork(self, base: CommitSha, head: CommitSha) -> CommitSha: ...
    async def contents(self, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]: ...
    async def compose(self, onto: CommitSha, laid: Mapping[str, bytes | CommitSha]) -> CommitSha: ...
    async def tree(self, commit: CommitSha) -> str: ...
    def checkout(self, commit: CommitSha) -> AbstractAsyncContextManager[Checkout]:
        """A clean one, gone when the block ends; one at a time."""
        ...


class Checks(Protocol):
    """Runs commands in a checkout."""

    def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]: ...
    async def reports(self, box: Box) -> dict[str, bytes] | None: ...


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check on one commit: its run, and a second one where the first did not hold."""

    name: str
    end: RunEnd
    report: TestReport | None = None
    """None: no report, or none that can be believed; `doubts` say why."""
    again: RunEnd | None = None
    report_again: TestReport | None = None
    doubts: tuple[str, ...] = ()
    """Sentences without the name of the check."""
    milliseconds: int = 0

    @property
    def passed(self) -> bool:
        return self.end.exit_code == 0

    @property
    def held_once(self) -> bool:
        return self.passed or (self.again is not None and self.again.exit_code == 0)


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of a check with what it wrote, the end of it at most."""

    run: CheckRun
    ran: Ran


@dataclass(frozen=True, slots=True)
class Rig:
    """What runs checks: where the trees come from, who runs, how long one command may take."""

    trees: Trees
    checks: Checks
    commands: tuple[Command, ...]
    setup: Command | None
    limits: Limits


async def measure(
    rig: Rig, commit: CommitSha, is_new: Callable[[Measured], bool] | None, only: frozenset[str] | None = None
) -> tuple[Measured, ...]:
    """Every check on this commit, in order and in one checkout. Without `is_new` nothing is run a second time.

    When the set-up fails the rest is not run. `is_new` says whether a failure is worth a second run; that has a
    checkout of its own. `only` are names of checks.
    """
    first = await _once(rig, commit, only)
    if is_new is None:
        return first
    failed = frozenset(one.run.name for one in first if not _holds(one.run) and _ended(one.run) and is_new(one))
    if not failed or (rig.setup is not None and rig.setup.name in failed):
        return first
    second = {one.run.name: one.run for one in await _once(rig, commit, failed)}
    return tuple(_twice(one, second.get(one.run.name)) for one in first)


def _twice(first: Measured, second: CheckRun | None) -> Measured:
    if second is None or (first.run.name != second.name):
        return first
    return replace(first, run=replace(first.run, again=second.end, report_again=second.report))


def _holds(run: CheckRun) -> bool:
    return run.passed and not (run.report and any(outcome.failed for outcome in run.report.outcomes))


def _ended(run: CheckRun) -> bool:
    """By itself: what ran into a limit would do so again."""
    return run.end.exit_code is not None


async def _once(rig: Rig, commit: CommitSha, only: frozenset[str] | None) -> tuple[Measured, ...]:
    wanted = [command for command in rig.commands if only is None or command.name in only]
    if not wanted:
        return ()
    commands = [rig.setup, *wanted] if rig.setup is not None else wanted
    found: list[Measured] = []
    async with rig.trees.checkout(commit) as here:
        async for ran in rig.checks.run(here.box, commands, rig.limits):
            files = here.hidden(await rig.checks.reports(here.box))
            found.append(Measured(_check_run(ran, files, here.box.cwd), here.hide(ran)))
            if ran.command is rig.setup and ran.exit_code != 0:
                break
    return tuple(found)


def _check_run(ran: Ran, files: dict[str, bytes] | None, root: str) -> CheckRun:
    run = CheckRun(ran.command.name, _end(ran), milliseconds=round(ran.seconds * 1000))
    if files is None:
        return replace(run, doubts=("its reports are more than is read",))
    reports = {name: data for name, data in files.items() if name.endswith(".xml")}
    if not reports:
        return run
    report = read_reports(reports, (root,))
    doubts = tuple(_doubts(report, run))
    return replace(run, report=None if doubts else report, doubts=doubts)


def _doubts(report: TestReport, run: CheckRun) -> list[str]:
    """Why the exit code counts alone."""
    found = [note.rstrip(".") for note in report.notes if not report.complete or _COUNTS_DIFFER in note]
    failed = any(outcome.failed for outcome in report.outcomes)
    if run.end.exit_code not in (0, None) and report.outcomes and not failed:
        found.append(f"its report tells of no failure, and it ended with exit code {run.end.exit_code}")
    return found[:3]


def _end(ran: Ran) -> RunEnd:
    if ran.exit_code is not None:
        return RunEnd(ran.exit_code)
    if ran.limit is not None:
        return RunEnd(None, _MET[ran.limit])
    words = {"stopped": "output limit", "not run": "not run"}
    return RunEnd(None, next((end for start, end in words.items() if ran.note.startswith(start)), "killed"))
