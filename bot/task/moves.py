"""The vocabulary of a transition: what it returns, and the few moves that several transitions share."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.task.effects import (
    AddLabel,
    Announce,
    CloseWorkspace,
    RemoveLabel,
    StartRun,
    TaskEffect,
    Topic,
    UpdateStatus,
)
from bot.task.model import LABEL_NEEDS_INPUT, LABEL_RUN, RUNNING, Cause, Phase, Task, in_order


@dataclass(frozen=True, slots=True)
class Moved:
    """The task as it is now, and what to do next. `revoke`: open work of the run is void from this moment."""

    task: Task
    effects: tuple[TaskEffect, ...] = ()
    revoke: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event changes nothing, and why."""

    reason: str


Transition = Moved | Ignored


def queue(task: Task, *causes: Cause) -> Moved:
    """Want a run. The causes wait in the task until a place is free."""
    wanted = replace(task, phase=Phase.QUEUED, run=task.run + 1, attempt=0, pending=in_order((*task.pending, *causes)))
    effects: tuple[TaskEffect, ...] = (StartRun(wanted.run), UpdateStatus())
    if task.phase is Phase.NEEDS_INPUT:
        effects = (RemoveLabel(LABEL_NEEDS_INPUT), *effects)
    return Moved(wanted, effects)


def revive(task: Task, cause: Cause) -> Moved:
    """A stopped or failed task goes on with what it had: same branch, same pull request."""
    moved = queue(replace(task, pending=in_order((*task.current, *task.pending))), cause)
    return Moved(moved.task, (AddLabel(LABEL_RUN), *moved.effects))


def rest(task: Task, phase: Phase, *say: TaskEffect) -> Moved:
    """Leave a run for `phase`; the next run starts at once when a cause is pending."""
    rested = replace(task, phase=phase)
    closing: tuple[TaskEffect, ...] = (CloseWorkspace(task.run, save=False), *say)
    if phase is Phase.NEEDS_INPUT and not task.pending:
        closing = (*closing, AddLabel(LABEL_NEEDS_INPUT))
    if not task.pending:
        return Moved(rested, (*closing, UpdateStatus()))
    again = queue(replace(rested, phase=Phase.IN_REVIEW))
    return Moved(again.task, (*closing, *again.effects))


def end(task: Task, phase: Phase, *say: TaskEffect) -> Moved:
    """Leave life: void what is open, save the work, take our labels away. Causes stay for a later retry."""
    labels: list[TaskEffect] = [RemoveLabel(LABEL_RUN)]
    if task.phase is Phase.NEEDS_INPUT:
        labels.append(RemoveLabel(LABEL_NEEDS_INPUT))
    close = CloseWorkspace(task.run, save=task.phase is Phase.WORKING)
    closing: Iterable[TaskEffect] = (close, *labels, *say, UpdateStatus())
    return Moved(replace(task, phase=phase), tuple(closing), revoke=task.phase in RUNNING or task.phase is Phase.QUEUED)


def fail(task: Task) -> Moved:
    """The run cannot go on; the person who asked hears why."""
    return end(task, Phase.FAILED, Announce(Topic.FAILED, task.run))
