"""What the sweep tidies up on our own side: worktrees that nobody needs, bodies of old deliveries."""

import logging
from datetime import timedelta

from bot.flow.steps.bench import Bench
from bot.flow.steps.isolation import tidy_databases
from bot.task.effects import CloseWorkspace, Lane
from bot.task.ids import TaskId
from bot.task.model import RUNNING, Stage, stage

log = logging.getLogger(__name__)

DELIVERIES_KEPT = timedelta(days=7)
"""How long the body of a settled delivery can be looked at."""


async def tidy(bench: Bench) -> None:
    """What the sweep looks after."""
    await bench.store.forget_deliveries(bench.clock() - DELIVERIES_KEPT)
    await tidy_machine(bench)


async def tidy_machine(bench: Bench) -> None:
    """What every machine looks after."""
    await tidy_worktrees(bench)
    await tidy_cache(bench)
    await tidy_databases(bench, lambda task: _is_idle(bench, task))


async def tidy_cache(bench: Bench) -> None:
    """What is kept for later tasks has a bound."""
    trimmed = await bench.workspaces.trim()
    if trimmed.dropped:
        log.info("let go of %d mirrors, templates and layers that were not used for long", trimmed.dropped)
    if trimmed.over:
        log.warning(
            "mirrors, templates and layers in use take %.1f GB, more than the %.1f GB of `cache.gigabytes`",
            trimmed.kept_bytes / 10**9,
            trimmed.most_bytes / 10**9,
        )


async def tidy_worktrees(bench: Bench) -> None:
    """A worktree outlives its run only when its closing was given up, or the run went on elsewhere."""
    for task in await bench.workspaces.leftovers():
        try:
            await _close_if_idle(bench, task)
        except Exception:
            log.exception("the worktree of task %s is left over and cannot be removed", task)


async def _close_if_idle(bench: Bench, task_id: TaskId) -> None:
    task = await bench.store.task(task_id)
    if task is None:
        log.warning("removing the worktree of task %s, which this database does not know", task_id)
        await bench.workspaces.close(task_id)
    elif task.phase not in RUNNING and not await _work_is_due(bench, task_id):
        log.warning("the worktree of task %s was left over; it is %s", task_id, task.phase)
        unsaved = stage(task.phase) is Stage.HALTED
        await bench.store.want(f"task:{task_id}", CloseWorkspace(task.run, save=unsaved))


async def _is_idle(bench: Bench, task_id: TaskId) -> bool:
    """Nothing of it runs here or elsewhere."""
    task = await bench.store.task(task_id)
    return task is None or (task.phase not in RUNNING and not await _work_is_due(bench, task_id))


async def _work_is_due(bench: Bench, task: TaskId) -> bool:
    return any(effect.lane is Lane.WORK and not effect.dead for effect in await bench.store.open_effects(task))
