"""Agent minutes and money: what a task may still use, and writing down what it uses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.flow.steps.bench import Bench
from bot.task.budget import Purse, Spent, TurnKey, money, tightest
from bot.task.effects import RunAgent
from bot.task.limits import Bound
from bot.task.model import Task
from bot.task.usage import Used

WRITTEN_SECONDS = 30.0
"""How often what a turn uses is written down while it goes on: a crash makes us forget no more."""


async def spent(bench: Bench, task: Task) -> Spent:
    """What is used so far. Turns that go on elsewhere count up to their last half minute."""
    return await bench.store.spent(task.issue.repo.id, task.id, _month(bench))


async def left(bench: Bench, task: Task) -> Purse:
    """The budget of agent minutes that ends first."""
    return tightest(bench.rules(task), await spent(bench, task))


async def money_left(bench: Bench, task: Task, task_usd: Bound) -> Purse:
    """The budget of US dollars that ends first."""
    return money(bench.rules(task), task_usd, await spent(bench, task))


@dataclass(slots=True)
class Meter:
    """Tells what a turn has used models for so far."""

    used: Callable[[], Used] = Used
    whole: Used = field(default=Used())
    """With what was used before an interruption; written when the block is over."""


@asynccontextmanager
async def metered(bench: Bench, task: Task, effect: RunAgent) -> AsyncIterator[Meter]:
    """Write down how long the block takes, and what it uses by the meter.

    A turn that was interrupted and goes on adds to what it had used.
    """
    key = TurnKey(task.issue.repo.id, task.id, effect.run, effect.attempt, _month(bench))
    meter = Meter()
    (seconds, before), began = await bench.store.spent_by(key), bench.clock()

    async def write() -> None:
        took = (bench.clock() - began).total_seconds()
        meter.whole = before + meter.used()
        await bench.store.set_spent(key, seconds + took, meter.whole)

    async def keep_writing() -> None:
        while True:
            await asyncio.sleep(WRITTEN_SECONDS)
            await write()

    writer = asyncio.create_task(keep_writing())
    try:
        yield meter
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
        await write()


def _month(bench: Bench) -> str:
    return f"{bench.clock():%Y-%m}"
