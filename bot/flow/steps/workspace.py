"""CloseWorkspace: save what an interrupted turn had done, then remove the worktree and what goes with it."""

from bot.flow.steps.agent import take_over
from bot.flow.steps.bench import Bench
from bot.flow.steps.isolation import drop_databases
from bot.task.effects import CloseWorkspace
from bot.task.events import WorkSaved
from bot.task.model import Task
from bot.task.results import Harvested


async def close_workspace(bench: Bench, task: Task, effect: CloseWorkspace) -> WorkSaved | None:
    """Idempotent. What may not be taken over is lost with the worktree; it was never ours to keep."""
    saved: WorkSaved | None = None
    if effect.save and task.base is not None and task.id in await bench.workspaces.leftovers():
        harvest = await take_over(bench, task)
        await bench.keep_state(task.id, task.agent)
        if isinstance(harvest, Harvested):
            saved = WorkSaved(effect.run, harvest.commit)
    await drop_databases(bench, task.id)
    await bench.workspaces.close(task.id)
    return saved
