"""Writes of a step whose lease is gone are stopped, and that counts as no attempt."""

import asyncio
from pathlib import Path

import pytest

from bot.flow.fence import Fence, LeaseLost, working_for
from bot.flow.retry import FIRST_PAUSE, Later, decide
from bot.store.errors import StoreUnavailable
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.ids import FactKey
from tests.store.given import stop, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

NOW = StillClock().now


async def test_a_step_may_write_until_its_lease_is_gone(quick_path: Path) -> None:
    store = await Store.open("sqlite:///bot.db", pace=Pace(), clock=StillClock(), data_dir=quick_path)
    task, claimed = await working(store)
    fence = Fence(store)
    with working_for(claimed):
        await fence()
        await asyncio.create_task(fence())
        await store.apply(task.id, stop(1), FactKey("comment:1"))
        with pytest.raises(LeaseLost, match=f"RunAgent of task:{task.id}"):
            await fence()
        with pytest.raises(LeaseLost):
            await asyncio.create_task(fence())  # whatever the step has started
    await fence()
    await store.close()


@pytest.mark.parametrize("error", [LeaseLost("gone"), StoreUnavailable("The database does not answer.")])
async def test_neither_a_lost_lease_nor_an_outage_is_an_attempt(error: Exception) -> None:
    assert decide(error, 99, NOW) == Later(NOW + FIRST_PAUSE, str(error), counted=False, ours=False)
