"""Agent minutes: what a task may still use, and writing down what it uses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.flow.steps.bench import Bench
from bot.task.budget import Purse, TurnKey, tightest
from bot.task.effects import RunAgent
from bot.task.model import Task

WRITTEN_SECONDS = 30.0
"""How often the minutes of a turn that goes on are written down: a crash makes us forget no more."""


async def left(bench: Bench, task: Task) -> Purse:
    """The budget of the task that ends first. Turns that go on elsewhere count up to their last half minute."""
    spent = await bench.store.spent(task.issue.repo.id, task.id, _month(bench))
    return tightest(bench.rules(task), spent)


@asynccontextmanager
async def metered(bench: Bench, task: Task, effect: RunAgent) -> AsyncIterator[None]:
    """Write down how long the block takes. A turn that was interrupted and goes on adds to what it had used."""
    key = TurnKey(task.issue.repo.id, task.id, effect.run, effect.attempt, _month(bench))
    before, began = await bench.store.spent_by(key), bench.clock()

    async def write() -> None:
        await bench.store.set_spent(key, before + (bench.clock() - began).total_seconds())

    async def keep_writing() -> None:
        while True:
            await asyncio.sleep(WRITTEN_SECONDS)
            await write()

    writer = asyncio.create_task(keep_writing())
    try:
        yield
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
        await write()


def _month(bench: Bench) -> str:
    return f"{bench.clock():%Y-%m}"
