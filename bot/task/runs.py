"""What becomes of a task when a step of its run has a result.

Every result belongs to one phase (`EXPECTED_IN`) and to one run and attempt. Anything else is late: it comes from a
worker that was stopped or taken over, and is ignored.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from bot.task.effects import Announce, CloseWorkspace, PrepareWorkspace, Publish, RunAgent, Topic, UpdateStatus, Verify
from bot.task.events import (
    AgentFailed,
    AgentResult,
    ChangesMade,
    HarvestRejected,
    HeadMoved,
    IssueAnswered,
    NothingDone,
    PlanMade,
    Published,
    PublishRefused,
    QuestionAsked,
    RunAdmitted,
    RunRefused,
    RunResult,
    Verified,
    WorkDeclined,
    WorkspacePrepared,
)
from bot.task.model import Phase, Task, conflicts_of, reviews_of
from bot.task.moves import Ignored, Moved, Transition, end, fail, queue, rest
from bot.task.results import FaultKind, Verdict

UNRESOLVED = 2
"""Turns in which a conflict with the base may be left unresolved."""

EXPECTED_IN: Mapping[type[RunResult], Phase] = MappingProxyType(
    {
        RunAdmitted: Phase.QUEUED,
        WorkspacePrepared: Phase.PREPARING,
        RunRefused: Phase.PREPARING,
        ChangesMade: Phase.WORKING,
        NothingDone: Phase.WORKING,
        HarvestRejected: Phase.WORKING,
        QuestionAsked: Phase.WORKING,
        PlanMade: Phase.WORKING,
        WorkDeclined: Phase.WORKING,
        IssueAnswered: Phase.WORKING,
        AgentFailed: Phase.WORKING,
        Verified: Phase.VERIFYING,
        Published: Phase.PUBLISHING,
        PublishRefused: Phase.PUBLISHING,
        HeadMoved: Phase.PUBLISHING,
    }
)


def on_result(task: Task, event: RunResult) -> Transition:
    """Total: a late result is ignored with its reason, never an error."""
    expected = EXPECTED_IN[type(event)]
    if event.run != task.run:
        return Ignored(f"it belongs to run {event.run}, this is run {task.run}")
    if task.phase is not expected:
        return Ignored(f"it belongs to a task that is {expected}, this one is {task.phase}")
    attempt = getattr(event, "attempt", task.attempt)
    if attempt != task.attempt:
        return Ignored(f"it belongs to attempt {attempt}, this is attempt {task.attempt}")
    return _on_expected(task, event)


def _on_expected(task: Task, event: RunResult) -> Transition:
    match event:
        case RunAdmitted():
            return _admitted(task)
        case WorkspacePrepared():
            return _prepared(task, event)
        case RunRefused() | PublishRefused():
            return fail(task)
        case Verified():
            return _verified(task, event)
        case Published():
            return _published(task, event)
        case HeadMoved():
            queued = queue(replace(task, pending=(*task.current, *task.pending), commit=None))
            return replace(queued, effects=(CloseWorkspace(task.run, save=False), *queued.effects))
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
            return _turn_over(replace(task, session=event.session), event)
        case _:
            assert_never(event)


def _admitted(task: Task) -> Moved:
    preparing = replace(task, phase=Phase.PREPARING, current=task.pending, pending=())
    return Moved(preparing, (PrepareWorkspace(task.run), UpdateStatus()))


def _prepared(task: Task, event: WorkspacePrepared) -> Moved:
    """A base that merges without conflict needs no agent, only checks; one that is merged already needs nothing."""
    ready = replace(task, base=event.base, start=event.branch_head, attempts_allowed=event.attempts_allowed)
    ready = ready if event.resumed else replace(ready, commit=None)
    merged = ready if event.merged is None else replace(ready, commit=event.merged)
    conflicts = conflicts_of(task.current)
    if not conflicts or conflicts != task.current or event.conflicts:
        return _next_attempt(merged)
    if merged.commit is None:
        return rest(merged, Phase.IN_REVIEW)
    checked = replace(merged, phase=Phase.VERIFYING, attempt=1)
    return Moved(checked, (Verify(task.run, 1), UpdateStatus()))


def _next_attempt(task: Task) -> Moved:
    working = replace(task, phase=Phase.WORKING, attempt=task.attempt + 1)
    return Moved(working, (RunAgent(task.run, working.attempt), UpdateStatus()))


def _turn_over(task: Task, event: AgentResult) -> Moved:
    match event:
        case ChangesMade(commit=commit):
            verifying = replace(task, phase=Phase.VERIFYING, commit=commit)
            return Moved(verifying, (Verify(task.run, task.attempt), UpdateStatus()))
        case NothingDone():
            return _nothing_done(task)
        case HarvestRejected():
            return _next_attempt(task) if task.attempt < _most(task) else fail(task)
        case QuestionAsked(commit=commit):
            asking = replace(task, commit=commit or task.commit, asked_at=event.at.replace(microsecond=0))
            return rest(asking, Phase.NEEDS_INPUT, Announce(Topic.QUESTION, task.run))
        case PlanMade():
            return _planned(replace(task, asked_at=event.at.replace(microsecond=0), plan_comment=None))
        case WorkDeclined():
            return _no_work(task, Phase.DECLINED, Topic.DECLINED)
        case IssueAnswered():
            return _no_work(task, Phase.ANSWERED, Topic.ANSWERED)
        case AgentFailed(kind=FaultKind.CRASHED, commit=commit) if task.attempt < task.attempts_allowed:
            return _next_attempt(replace(task, commit=commit or task.commit))
        case AgentFailed(commit=commit):
            return fail(replace(task, commit=commit or task.commit))
        case _:
            assert_never(event)


def _most(task: Task) -> int:
    """Turns whose harvest may be refused. A conflict that is left unresolved twice is a person's."""
    return min(task.attempts_allowed, UNRESOLVED) if conflicts_of(task.current) else task.attempts_allowed


def _planned(task: Task) -> Moved:
    """A plan waits for a person's word; one that came while it was made starts the work at once."""
    told = Announce(Topic.PLAN, task.run)
    if task.planning:
        return rest(task, Phase.NEEDS_INPUT, told)
    again = queue(replace(task, pending=(*task.current, *task.pending)))
    return Moved(again.task, (CloseWorkspace(task.run, save=False), told, *again.effects))


def _nothing_done(task: Task) -> Moved:
    """What an earlier turn left unpublished is verified like any other commit: nothing is published unchecked."""
    if task.commit is not None:
        return Moved(replace(task, phase=Phase.VERIFYING), (Verify(task.run, task.attempt), UpdateStatus()))
    return _no_work(task, Phase.DECLINED, Topic.DECLINED)


def _no_work(task: Task, phase: Phase, topic: Topic) -> Moved:
    """Without a pull request the task ends; with one it goes back to its reviewers."""
    if task.pull is None:
        return end(task, phase, Announce(topic, task.run))
    return rest(task, Phase.IN_REVIEW, Announce(Topic.UNCHANGED, task.run, reviews_of(task.current)))


def _verified(task: Task, event: Verified) -> Moved:
    again = event.verification.verdict is Verdict.FAILED or event.verification.sent_back
    if again and task.attempt < task.attempts_allowed:
        return _next_attempt(task)
    return Moved(replace(task, phase=Phase.PUBLISHING), (Publish(task.run), UpdateStatus()))


def _published(task: Task, event: Published) -> Moved:
    topic = Topic.READY if task.pull is None else Topic.UPDATED
    stands = replace(task, pull=event.pull, head=event.head, commit=None)
    return rest(stands, Phase.IN_REVIEW, Announce(topic, task.run, reviews_of(task.current)))
