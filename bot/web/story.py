"""What `/tasks/{id}` shows: the task's history by run and attempt, its open effects, the reason where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.store.values import OpenEffect
from bot.task.events import (
    AgentFailed,
    ChangesMade,
    EffectFailed,
    HarvestRejected,
    IssueAnswered,
    NothingDone,
    PublishRefused,
    QuestionAsked,
    RunAdmitted,
    RunRefused,
    TaskEvent,
    Verified,
    WorkDeclined,
)
from bot.task.history import History, Recorded
from bot.task.ids import ArtifactId
from bot.task.model import Phase
from bot.task.results import CheckResult, FileChange
from bot.words.timeline import Line, ago, line

_REASONS: dict[Phase, tuple[type[TaskEvent], ...]] = {
    Phase.FAILED: (AgentFailed, HarvestRejected, RunRefused, PublishRefused, EffectFailed),
    Phase.NEEDS_INPUT: (QuestionAsked,),
    Phase.DECLINED: (WorkDeclined, NothingDone),
    Phase.ANSWERED: (IssueAnswered,),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `seconds`: how long the step took that it ended; `ignored`: why it changed nothing."""

    at: datetime
    line: Line
    seconds: float | None
    ignored: str | None
    checks: tuple[CheckResult, ...] = ()
    files: tuple[FileChange, ...] = ()


@dataclass(slots=True)
class Part:
    """What belongs to one attempt, or (None) to no attempt in particular."""

    attempt: int | None
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Chapter:
    """One run with what people did until the next; run 0 is what came before the first."""

    run: int
    parts: list[Part] = field(default_factory=list)


def chapters(history: History) -> list[Chapter]:
    """The whole history in its order; nothing is left out."""
    told: list[Chapter] = [Chapter(0, [Part(None)])]
    since: datetime | None = None
    for recorded in history:
        event, counted = recorded.event, recorded.ignored is None
        of_run = counted and hasattr(event, "run")
        if counted and isinstance(event, RunAdmitted):
            told.append(Chapter(event.run, [Part(None)]))
            since = None
        attempt: int | None = getattr(event, "attempt", None)
        if of_run and attempt != told[-1].parts[-1].attempt:
            told[-1].parts.append(Part(attempt))
        told[-1].parts[-1].entries.append(_entry(recorded, since if of_run else None))
        since = recorded.at if of_run else since
    for chapter in told:
        chapter.parts = [part for part in chapter.parts if part.entries]
    return [chapter for chapter in told if chapter.parts]


def _entry(recorded: Recorded, since: datetime | None) -> Entry:
    event = recorded.event
    return Entry(
        at=recorded.at,
        line=line(event),
        seconds=None if since is None else (recorded.at - since).total_seconds(),
        ignored=recorded.ignored,
        checks=event.verification.checks if isinstance(event, Verified) else (),
        files=event.files if isinstance(event, ChangesMade) else (),
    )


def reason(history: History, phase: Phase) -> Line | None:
    """Why the task stands where it stands, when that is not plain from its phase."""
    kinds = _REASONS.get(phase, ())
    for recorded in reversed(history):
        if recorded.ignored is None and isinstance(recorded.event, kinds):
            return line(recorded.event)
    return None


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one check."""

    check: CheckResult
    run: int
    attempt: int
    commit: str


def log_of(history: History, artifact: ArtifactId) -> Log | None:
    """The check whose log this artifact is; None: it is not a log of this task."""
    for recorded in history:
        if not isinstance(event := recorded.event, Verified):
            continue
        for check in event.verification.checks:
            if check.log == artifact:
                return Log(check, event.run, event.attempt, event.verification.commit)
    return None


@dataclass(frozen=True, slots=True)
class Pending:
    """An open or dead effect of the task, as the engineer on call wants to see it."""

    effect: OpenEffect
    state: str
    due: str


def pending(effects: Sequence[OpenEffect], now: datetime) -> tuple[Pending, ...]:
    """Dead ones first, then by due time."""
    ordered = sorted(effects, key=lambda effect: (not effect.dead, effect.due_at, effect.id))
    return tuple(Pending(effect, _state(effect, now), _due(effect, now)) for effect in ordered)


def _state(effect: OpenEffect, now: datetime) -> str:
    if effect.dead:
        return "given up"
    if effect.revoked:
        return "called off, ending"
    if effect.owner is not None:
        return f"held by {effect.owner}"
    return "due" if effect.due_at <= now else "waits"


def _due(effect: OpenEffect, now: datetime) -> str:
    seconds = (effect.due_at - now).total_seconds()
    if effect.dead or effect.owner is not None:
        return ""
    distance = ago(seconds)
    if distance == "just now":
        return "now"
    return f"in {distance}" if seconds > 0 else f"{distance} ago"
