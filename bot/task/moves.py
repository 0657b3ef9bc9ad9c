"""The vocabulary of a transition: what it returns, and the few moves that several transitions share."""

from dataclasses import dataclass, replace

from bot.task.effects import (
    Announce,
    CloseWorkspace,
    SetLabels,
    StartRun,
    TaskEffect,
    Topic,
    UpdateStatus,
)
from bot.task.model import RUNNING, Cause, Phase, Task, in_order


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
    labels: tuple[TaskEffect, ...] = (SetLabels(),) if task.phase is Phase.NEEDS_INPUT else ()
    return Moved(wanted, (*labels, StartRun(wanted.run), UpdateStatus()))


def revive(task: Task, cause: Cause) -> Moved:
    """A halted task goes on with what it had: same branch, same pull request."""
    moved = queue(replace(task, pending=in_order((*task.current, *task.pending))), cause)
    return Moved(moved.task, (SetLabels(), *moved.effects))


def rest(task: Task, phase: Phase, *say: TaskEffect) -> Moved:
    """Leave a run for `phase`. The next run starts at once when a cause is pending; a question waits for its answer."""
    rested = replace(task, phase=phase)
    closing: tuple[TaskEffect, ...] = (CloseWorkspace(task.run, save=False), *say)
    if phase is Phase.NEEDS_INPUT:
        return Moved(rested, (*closing, SetLabels(), UpdateStatus()))
    if not task.pending:
        return Moved(rested, (*closing, UpdateStatus()))
    again = queue(rested)
    return Moved(again.task, (*closing, *again.effects))


def end(task: Task, phase: Phase, *say: TaskEffect) -> Moved:
    """Leave life: void what is open, save the work, take our labels away. Causes stay for a later retry."""
    close = CloseWorkspace(task.run, save=task.phase is Phase.WORKING and not task.planning)
    revoke = task.phase in RUNNING or task.phase is Phase.QUEUED
    return Moved(replace(task, phase=phase), (close, SetLabels(), *say, UpdateStatus()), revoke)


def abandon(task: Task) -> Moved:
    """Leave life where nothing can be said or done any more: only the work is saved."""
    ended = end(task, Phase.CANCELLED)
    return replace(ended, effects=tuple(one for one in ended.effects if isinstance(one, CloseWorkspace)))


def fail(task: Task) -> Moved:
    """The run cannot go on; the person who asked hears why."""
    return end(task, Phase.FAILED, Announce(Topic.FAILED, task.run))
