"""What a task's events tell: all that can be derived is derived here, and not stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.task.events import (
    AgentFailed,
    AgentResult,
    ChangesMade,
    HarvestRejected,
    IssueAnswered,
    NothingDone,
    PlanMade,
    Published,
    QuestionAsked,
    RunAdmitted,
    TaskEvent,
    Verified,
    WorkDeclined,
    WorkspacePrepared,
)
from bot.task.ids import FactKey
from bot.task.results import Proof
from bot.task.usage import TurnUse

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of a task as it was taken in. `ignored`: why it changed nothing, else None."""

    id: int
    at: datetime
    key: FactKey
    event: TaskEvent
    ignored: str | None = None


History = Sequence[Recorded]
"""Oldest first."""


def newest(history: History, kind: type[E], run: int | None = None) -> E | None:
    """The newest event of this kind that counted; with `run`, of that run."""
    for recorded in reversed(history):
        event = recorded.event
        if recorded.ignored is None and isinstance(event, kind) and run in (None, getattr(event, "run", None)):
            return event
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """A finished step of a run, with its duration in seconds."""

    name: str
    seconds: float
    passed: bool


def steps_of_run(history: History, run: int) -> tuple[Step, ...]:
    """The finished steps of one run, in order: `prepared`, then `agent` and `checks` for each attempt."""
    steps: list[Step] = []
    since: datetime | None = None
    for recorded in history:
        event = recorded.event
        if recorded.ignored is not None or getattr(event, "run", None) != run:
            continue
        if since is not None and (name := _step_name(event)):
            steps.append(Step(name, (recorded.at - since).total_seconds(), _went_well(event)))
        since = recorded.at
    return tuple(steps)


def _step_name(event: TaskEvent) -> str:
    match event:
        case WorkspacePrepared():
            return "prepared"
        case (
            ChangesMade()
            | NothingDone()
            | HarvestRejected()
            | QuestionAsked()
            | PlanMade()
            | WorkDeclined()
            | IssueAnswered()
            | AgentFailed()
        ):
            return "agent"
        case Verified():
            return "checks"
        case Published():
            return "pull request"
        case _:
            return ""


def _went_well(event: TaskEvent) -> bool:
    match event:
        case AgentFailed() | HarvestRejected():
            return False
        case Verified(verification=verification):
            return not verification.failures
        case _:
            return True


def started_at(history: History, run: int) -> datetime | None:
    """When a run was admitted."""
    for recorded in history:
        if isinstance(recorded.event, RunAdmitted) and recorded.event.run == run and recorded.ignored is None:
            return recorded.at
    return None


def sends_back(history: History, run: int, proof: Proof) -> bool:
    """Does a doubtful proof go back to the agent? Once in a run: whoever cannot mend it then is read by people."""
    return proof.doubtful and not any(event.verification.sent_back for event in attempts_of_run(history, run))


def attempts_of_run(history: History, run: int) -> tuple[Verified, ...]:
    """The verifications of one run, one per attempt that got so far."""
    return tuple(
        recorded.event
        for recorded in history
        if recorded.ignored is None and isinstance(recorded.event, Verified) and recorded.event.run == run
    )


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """A turn that ended, and what it used."""

    run: int
    attempt: int
    use: TurnUse


def turns_taken(history: History) -> tuple[TurnTaken, ...]:
    """In order; turns of older versions, which told nothing of their use, are left out."""
    return tuple(
        TurnTaken(recorded.event.run, recorded.event.attempt, recorded.event.use)
        for recorded in history
        if recorded.ignored is None and isinstance(recorded.event, AgentResult) and recorded.event.use is not None
    )
