"""What a turn knows of the ones before it: the session of one that was cut short, and a crash that comes again."""

from dataclasses import replace

from bot.flow.steps.bench import Bench
from bot.task.events import AgentFailed, AgentResult
from bot.task.history import newest
from bot.task.model import Task
from bot.task.results import FaultKind, Progress


async def session_of(bench: Bench, task: Task, *, interrupted: bool) -> str | None:
    """The session to go on with: the task's, or the one of this very turn before it was interrupted.

    A turn that begins says so where its session will be told: what an older turn left there is not its own.
    """
    if not interrupted:
        await bench.store.set_progress(task.id, task.run, Progress(session=task.session))
        return task.session
    told = await bench.store.progress(task.id)
    return (told.session if told else None) or task.session


async def twice(bench: Bench, task: Task, result: AgentResult) -> AgentResult:
    """A crash like the one of the attempt before is not tried a third time."""
    if not (isinstance(result, AgentFailed) and result.kind is FaultKind.CRASHED):
        return result
    before = newest(await bench.store.history(task.id), AgentFailed, task.run)
    if before is None or (before.attempt, before.kind) != (result.attempt - 1, FaultKind.CRASHED):
        return result
    return replace(result, kind=FaultKind.REPEATED) if before.detail == result.detail else result
