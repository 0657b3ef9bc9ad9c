"""A process that is killed at any point leaves a whole database, which the next one goes on with."""

import asyncio
import sys

import pytest

from bot.task.effects import CloseWorkspace, RunAgent
from bot.task.ids import DeliveryId, FactKey
from bot.task.model import Phase
from tests.store.conftest import Place
from tests.store.given import drain, labelled, must_claim

pytestmark = pytest.mark.anyio


async def crash(place: Place, point: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.crasher", str(place.folder), point
    )
    assert await process.wait() == 9


async def test_what_was_answered_is_there(place: Place) -> None:
    await crash(place, "received")
    store = await place.open()
    for n in range(20):
        assert await store.delivery(DeliveryId(f"guid-{n}")) is not None
    assert len(await drain(store)) == 20
    await store.close()


async def test_a_claim_is_void_after_its_holder_died(place: Place) -> None:
    await crash(place, "claimed")
    store = await place.open()
    [task] = await store.tasks()
    assert task.task.phase is Phase.WORKING
    claimed = await must_claim(store, RunAgent)
    assert (claimed.effect, claimed.attempt) == (RunAgent(1, 1), 2)
    await store.close()


async def test_work_that_was_revoked_is_not_taken_up_again(place: Place) -> None:
    await crash(place, "revoked")
    store = await place.open()
    done = await drain(store)
    assert CloseWorkspace(1, True) in done
    assert RunAgent(1, 1) not in done
    await store.close()


async def test_a_beginning_that_was_not_committed_never_was(place: Place) -> None:
    await crash(place, "beginning")
    store = await place.open()
    assert await store.tasks() == []
    assert await store.open_effects() == []
    assert await store.begin(labelled(), FactKey("label:11")) is not None
    await store.close()


async def test_an_effect_and_its_result_go_together_or_not_at_all(place: Place) -> None:
    await crash(place, "finishing")
    store = await place.open()
    [listed] = await store.tasks()
    assert listed.task.phase is Phase.WORKING
    claimed = await must_claim(store, RunAgent)
    assert claimed.attempt == 2
    assert FactKey(f"effect:{claimed.id}") not in {told.key for told in await store.history(listed.task.id)}
    await store.close()
