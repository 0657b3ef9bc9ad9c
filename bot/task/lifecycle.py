"""The life of a task, as one pure and total function.

    queued ─▶ preparing ─▶ working ─▶ verifying ─▶ publishing ─▶ in_review ─▶ done
                  ▲           │  ▲         │ attempts left            │
                  │           │  └─────────┘                          │ a cause is pending
                  └───────────┴── needs_input ◀── question            └──▶ queued (next run)
    any live phase ─▶ cancelled | failed | declined | answered | discarded

A task is a phase, a pull request or none, pending causes, a run and an attempt. The table of every (phase, event)
pair in docs/architecture.md is generated from here.
"""

from dataclasses import replace
from typing import assert_never

from bot.task.effects import (
    Answer,
    CloseWindow,
    DeleteBranch,
    React,
    Reply,
    SetLabels,
    TaskEffect,
    UpdateStatus,
)
from bot.task.events import (
    AccessLost,
    BaseMoved,
    CommandDenied,
    EffectFailed,
    FeedbackGiven,
    HelpRequested,
    IssueClosed,
    Labelled,
    LabelRemoved,
    PersonEvent,
    PlanApproved,
    PlanPosted,
    PullClosed,
    PullMerged,
    PullReopened,
    RetryRequested,
    Said,
    StatusPosted,
    StopRequested,
    TaskEvent,
    WindowClosed,
    WorkSaved,
)
from bot.task.ids import FactKey, TaskId
from bot.task.model import RUNNING, Cause, CauseKind, Phase, Stage, Task, branch_name, conflicts_of, in_order, stage
from bot.task.moves import Ignored, Moved, Transition, abandon, end, fail, queue, revive
from bot.task.runs import on_result

LOST_WITH_THE_RUN = frozenset({"PrepareWorkspace", "RunAgent", "Verify", "Publish"})
"""Effects without which a run cannot go on; the loss of any other is logged and stops nothing."""


def birth(task_id: TaskId, generation: int, event: Labelled) -> Moved:
    """A new task for a labelled issue, already wanting its first run."""
    task = Task(
        id=task_id,
        issue=event.issue,
        generation=generation,
        title=event.title,
        admitted=event.admitted,
        requester=event.by,
        label_event=event.label_event,
        labelled_at=event.at,
        branch=branch_name(event.issue, event.title, generation),
        agent=event.agent,
        phase=Phase.QUEUED,
        planning=event.plan,
    )
    queued = queue(task, _label_cause(event))
    return Moved(queued.task, (React(None, "eyes"), *queued.effects))


def begins_anew(latest: Task | None) -> bool:
    """Does a new label on the issue start a new task, or does it go to the latest one?"""
    if latest is None:
        return True
    return not latest.live and (latest.pull is None or latest.phase in {Phase.DONE, Phase.DISCARDED})


def transition(task: Task, event: TaskEvent) -> Transition:
    """What becomes of `task` when `event` happens. Total: never raises."""
    match event:
        case StatusPosted(comment):
            return Moved(replace(task, status_comment=comment))
        case PlanPosted(run, comment):
            return Moved(replace(task, plan_comment=comment)) if run == task.run else Ignored("a newer run has begun")
        case WorkSaved():
            return _saved(task, event)
        case EffectFailed(kind=kind):
            if kind in LOST_WITH_THE_RUN and task.phase in RUNNING:
                return fail(task)
            return Ignored(f"{kind} is dropped and logged; the task goes on")
        case (
            Labelled()
            | LabelRemoved()
            | IssueClosed()
            | FeedbackGiven()
            | WindowClosed()
            | StopRequested()
            | RetryRequested()
            | PlanApproved()
            | HelpRequested()
            | CommandDenied()
            | PullMerged()
            | PullClosed()
            | AccessLost()
            | PullReopened()
            | BaseMoved()
        ):
            return _on_person(task, event)
        case _:
            return on_result(task, event)


def _on_person(task: Task, event: PersonEvent) -> Transition:
    match event:
        case Labelled():
            return _labelled(task, event)
        case LabelRemoved() | IssueClosed():
            return _called_off(task, Phase.CANCELLED)
        case FeedbackGiven():
            return _feedback(task, event)
        case WindowClosed():
            return _window_closed(task)
        case StopRequested() | RetryRequested():
            return _commanded(task, event)
        case PlanApproved():
            return _approved(task, event)
        case HelpRequested(said, word):
            return Moved(task, _answer(said, Answer.HELP, word))
        case CommandDenied(said, answer):
            return Moved(task, _answer(said, answer, reaction="confused"))
        case PullMerged():
            return _merged(task)
        case PullClosed():
            return _pull_closed(task)
        case AccessLost():
            return abandon(task) if task.live else _over(task)
        case PullReopened():
            return _pull_reopened(task)
        case BaseMoved():
            return _base_moved(task, event)
        case _:
            assert_never(event)


def _label_cause(event: Labelled) -> Cause:
    return Cause(CauseKind.LABEL, FactKey(f"label:{event.label_event}"), event.by)


def _labelled(task: Task, event: Labelled) -> Transition:
    match stage(task.phase):
        case Stage.QUESTION if task.planning and not event.plan:
            return _go(task, _label_cause(event))
        case Stage.RUN if task.planning and not event.plan:
            return Moved(replace(task, planning=False), (SetLabels(), UpdateStatus()))
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return Ignored("the task is live already")
        case Stage.HALTED:
            admitted = replace(
                task,
                title=event.title,
                admitted=event.admitted,
                requester=event.by,
                label_event=event.label_event,
                labelled_at=event.at,
                planning=event.plan and task.pull is None,
            )
            return revive(admitted, _label_cause(event))
        case Stage.OVER:
            return Ignored(f"the task is {task.phase}; the label starts a new one")
        case never:
            assert_never(never)


def _approved(task: Task, event: PlanApproved) -> Transition:
    if task.planning and task.phase is Phase.NEEDS_INPUT and event.comment == task.plan_comment:
        return _go(task, Cause(CauseKind.RETRY, FactKey(f"plan:{event.comment}"), event.by))
    return Ignored("no plan waits there")


def _go(task: Task, cause: Cause) -> Moved:
    """The work starts, with the plan that was made."""
    return queue(replace(task, planning=False), cause)


def _called_off(task: Task, phase: Phase) -> Transition:
    match stage(task.phase):
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return end(task, phase)
        case Stage.HALTED | Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _pull_closed(task: Task) -> Transition:
    match stage(task.phase):
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return end(task, Phase.DISCARDED)
        case Stage.HALTED:
            return Moved(replace(task, phase=Phase.DISCARDED), (UpdateStatus(),))
        case Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _pull_reopened(task: Task) -> Transition:
    """Where a closing had ended the task, it goes on as it stood: the pull request waits for its reviewers."""
    match task.phase:
        case Phase.DISCARDED:
            return Moved(replace(task, phase=Phase.IN_REVIEW), (SetLabels(), UpdateStatus()))
        case _:
            return Ignored(f"the task is {task.phase}: its closing had ended nothing")


def _base_moved(task: Task, event: BaseMoved) -> Transition:
    """What waits for people is made fit to be merged again; a run that is going on ends with a new head anyway."""
    match stage(task.phase):
        case Stage.REVIEW:
            fact = FactKey(f"conflict:{event.head}:{event.base}")
            return queue(task, Cause(CauseKind.CONFLICT, fact, task.requester))
        case Stage.RUN | Stage.QUESTION | Stage.HALTED:
            return Ignored("only a pull request that waits for people is merged with its base")
        case Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _feedback(task: Task, event: FeedbackGiven) -> Transition:
    seen: tuple[TaskEffect, ...] = () if event.comment is None else (React(event.comment, "eyes"),)
    noted = replace(task, pending=in_order((*task.pending, event.cause)))
    answers = task.asked_at is not None and event.at >= task.asked_at
    if not event.on_pull and not (answers and task.phase is Phase.NEEDS_INPUT):
        return Ignored("comments on the issue steer only when they answer a question; reply on the pull request")
    match stage(task.phase):
        case Stage.RUN:
            return Moved(noted, (*seen, UpdateStatus()))
        case Stage.REVIEW if event.loose:
            return Moved(noted, (*seen, CloseWindow(), UpdateStatus()))
        case Stage.REVIEW:
            return _and(seen, queue(task, event.cause))
        case Stage.QUESTION:
            return _and(seen, queue(task, replace(event.cause, kind=CauseKind.ANSWER), *conflicts_of(task.current)))
        case Stage.HALTED if task.pull is not None:
            return Moved(noted, seen)
        case Stage.HALTED | Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _window_closed(task: Task) -> Transition:
    match stage(task.phase):
        case Stage.REVIEW if task.pending:
            return queue(task)
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return Ignored("what was gathered is already in a run")
        case Stage.HALTED | Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _commanded(task: Task, event: StopRequested | RetryRequested) -> Transition:
    at = event.said.at
    if at < task.labelled_at.replace(microsecond=0):
        return Ignored("it was written before the label")
    if task.commanded_at is not None and at < task.commanded_at:
        return Moved(task, _answer(event.said, Answer.STALE))
    obeyed = replace(task, commanded_at=at)
    return _stop(obeyed, event) if isinstance(event, StopRequested) else _retry(obeyed, event)


def _saved(task: Task, event: WorkSaved) -> Transition:
    """Saving follows a stop; a retry may have come in between, but its run cannot have begun its work."""
    if event.run > task.run or task.phase in {Phase.WORKING, Phase.VERIFYING, Phase.PUBLISHING}:
        return Ignored(f"the work of run {event.run} is kept as an artifact; the task went on without it")
    return Moved(replace(task, commit=event.commit))


def _stop(task: Task, event: StopRequested) -> Transition:
    match stage(task.phase):
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return end(task, Phase.CANCELLED, *_answer(event.said, Answer.STOPPED))
        case Stage.HALTED | Stage.OVER:
            return Moved(task, _answer(event.said, Answer.NOTHING_TO_STOP))
        case never:
            assert_never(never)


def _retry(task: Task, event: RetryRequested) -> Transition:
    cause = Cause(CauseKind.RETRY, event.said.fact, event.said.by)
    said = _answer(event.said, Answer.RETRYING)
    wanted = replace(task, session=None) if event.fresh else task
    if event.go and task.planning and task.phase is not Phase.QUEUED:
        wanted = replace(wanted, planning=False)
    match stage(task.phase):
        case Stage.RUN if wanted.planning is not task.planning:
            return Moved(wanted, (*said, SetLabels(), UpdateStatus()))
        case Stage.RUN:
            return Moved(task, _answer(event.said, Answer.ALREADY_RUNNING))
        case Stage.REVIEW | Stage.QUESTION:
            return _and(said, queue(wanted, cause))
        case Stage.HALTED:
            return _and(said, revive(wanted, cause))
        case Stage.OVER:
            return Moved(task, _answer(event.said, Answer.FINISHED))
        case never:
            assert_never(never)


def _merged(task: Task) -> Transition:
    match stage(task.phase):
        case Stage.RUN | Stage.REVIEW | Stage.QUESTION:
            return end(task, Phase.DONE, DeleteBranch())
        case Stage.HALTED:
            return Moved(replace(task, phase=Phase.DONE), (DeleteBranch(), UpdateStatus()))
        case Stage.OVER:
            return _over(task)
        case never:
            assert_never(never)


def _answer(said: Said, answer: Answer, word: str = "", reaction: str = "+1") -> tuple[TaskEffect, ...]:
    seen: tuple[TaskEffect, ...] = () if said.comment is None else (React(said.comment, reaction),)
    return (*seen, Reply(said.fact, said.on_pull, answer, word))


def _and(first: tuple[TaskEffect, ...], moved: Moved) -> Moved:
    return replace(moved, effects=(*first, *moved.effects))


def _over(task: Task) -> Ignored:
    return Ignored(f"the task is already {task.phase}")
