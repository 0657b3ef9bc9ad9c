"""What the checks say on the base: run once for all tasks that start there, and kept."""

import hashlib
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from bot.task.certificate import canonical
from bot.task.evidence import TestOutcome, TestReport
from bot.task.ids import CommitSha
from bot.verify.run import CheckRun, Measured, Rig, measure

FORM = 1
"""Of what is kept; a kept baseline of another form is made anew."""


class Shelf(Protocol):
    """Where baselines of one repository are kept. `hold` keeps everybody else away from one key."""

    async def load(self, key: str) -> bytes | None: ...
    async def keep(self, key: str, data: bytes) -> None: ...
    def hold(self, key: str) -> AbstractAsyncContextManager[None]: ...


class Nowhere:
    """The shelf of who verifies once: nothing is kept."""

    async def load(self, key: str) -> bytes | None:
        return None

    async def keep(self, key: str, data: bytes) -> None:
        return

    def hold(self, key: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Baseline:
    """The checks on one base commit."""

    runs: tuple[CheckRun, ...]
    kept: bool = False
    """It was there already."""
    measured: tuple[Measured, ...] = ()
    """With their output, when they were run just now."""

    def of(self, check: str) -> CheckRun | None:
        return next((run for run in self.runs if run.name == check), None)


async def baseline(rig: Rig, base: CommitSha, shelf: Shelf, surroundings: str) -> Baseline:
    """From the shelf, or run now and put there. `surroundings`: what else the outcome hangs on, as one text.

    Two at once for one key: the second waits for the first. What did not run at all is not kept.
    """
    key = key_of(rig, base, surroundings)
    async with shelf.hold(key):
        if (known := _read(await shelf.load(key))) is not None:
            return Baseline(known, kept=True)
        measured = await measure(rig, base, lambda _: True)
        runs = tuple(_lean(one.run) for one in measured)
        if runs and all(run.end.ending == "exited" for run in runs):
            await shelf.keep(key, _runs().dump_json(runs))
        return Baseline(runs, measured=measured)


def key_of(rig: Rig, base: CommitSha, surroundings: str) -> str:
    """The same base, commands, set-up and surroundings have one baseline."""
    setup = rig.setup.command if rig.setup is not None else None
    commands = [[command.name, command.command] for command in rig.commands]
    told = canonical([FORM, base, commands, setup, rig.limits.seconds.__ceil__(), surroundings])
    return hashlib.sha256(told.encode()).hexdigest()


def _lean(run: CheckRun) -> CheckRun:
    """Without the words of the failures: a report of the base is compared, not shown."""
    return replace(run, report=_bare(run.report), report_again=_bare(run.report_again))


def _bare(report: TestReport | None) -> TestReport | None:
    return None if report is None else replace(report, outcomes=tuple(_without_words(one) for one in report.outcomes))


def _without_words(outcome: TestOutcome) -> TestOutcome:
    return replace(outcome, message="") if outcome.message else outcome


@cache
def _runs() -> TypeAdapter[tuple[CheckRun, ...]]:
    """Made on first use: building one costs milliseconds."""
    return TypeAdapter(tuple[CheckRun, ...])


def _read(data: bytes | None) -> tuple[CheckRun, ...] | None:
    try:
        return None if data is None else _runs().validate_json(data)
    except ValidationError:
        return None
