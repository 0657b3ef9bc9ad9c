"""One bad effect stops nothing else, and never for ever."""

import pytest

from bot.store.schema import HARD_CAP
from bot.store.store import Store
from bot.task.effects import Announce, CloseWorkspace, RunAgent, Topic, UpdateStatus
from bot.task.events import EffectFailed
from bot.task.ids import DeliveryId, TaskId
from bot.task.model import Phase
from tests.store.conftest import Place
from tests.store.given import START, drain, must_claim, now_is, working

pytestmark = pytest.mark.anyio


async def faults(store: Store, task: TaskId | None = None) -> list[tuple[str, str]]:
    return [(effect.kind, effect.fault) for effect in await store.open_effects(task) if effect.dead]


async def test_lost_work_fails_the_task_with_its_reason(store: Store) -> None:
    task, claimed = await working(store)
    await store.bury(claimed, "the sandbox cannot start")
    assert (await now_is(store, task.id)).phase is Phase.FAILED
    told = (await store.history(task.id))[-1]
    assert (told.key, told.event) == (f"effect:{claimed.id}", EffectFailed("RunAgent", "the sandbox cannot start"))
    assert await faults(store, task.id) == [("RunAgent", "the sandbox cannot start")]
    assert [effect for effect in await drain(store) if isinstance(effect, CloseWorkspace | Announce)] == [
        CloseWorkspace(1, True),
        Announce(Topic.FAILED, 1),
    ]


async def test_a_lost_word_stops_nothing(store: Store) -> None:
    task, claimed = await working(store)
    await store.want(f"task:{task.id}", UpdateStatus())
    status = await must_claim(store)
    await store.bury(status, "403")
    assert (await now_is(store, task.id)).phase is Phase.WORKING
    assert (await store.history(task.id))[-1].ignored is not None
    assert await store.owned(claimed)
    await store.want(f"task:{task.id}", UpdateStatus())
    assert (await must_claim(store)).effect == UpdateStatus()


async def test_a_dead_one_blocks_nothing_in_its_lane(store: Store) -> None:
    task, claimed = await working(store)
    await store.bury(claimed, "x")
    await drain(store)
    await store.want(f"task:{task.id}", RunAgent(2, 1))
    assert (await must_claim(store)).effect == RunAgent(2, 1)


async def worn_out(store: Store, place: Place) -> Store:
    """As if every holder had died: claimed as often as is allowed, and never finished."""
    for _ in range(HARD_CAP - 1):
        store = await place.reopen(store)
        await must_claim(store)
    return await place.reopen(store)


async def test_what_kills_every_holder_is_buried_by_the_claim(store: Store, place: Place) -> None:
    await store.receive(DeliveryId("deadly"), "issues", b"{}", True)
    await must_claim(store)
    store = await worn_out(store, place)
    [before] = await store.open_effects()
    assert (before.attempts, before.dead) == (HARD_CAP, False)

    await store.want("world", UpdateStatus())
    assert (await must_claim(store)).effect == UpdateStatus()
    assert await store.claim("w") is None
    assert await faults(store) == [("ProcessDelivery", "it was begun 20 times and never ended")]
    delivery = await store.delivery(DeliveryId("deadly"))
    assert delivery is not None
    assert delivery.state == "failed"
    await store.close()


async def test_work_that_kills_every_holder_fails_its_task(store: Store) -> None:
    task, claimed = await working(store)
    for _ in range(HARD_CAP - 1):
        await store.release(claimed, START, fault="killed")
        claimed = await must_claim(store)
    await store.release(claimed, START, fault="killed")
    assert CloseWorkspace(1, True) in await drain(store)
    assert (await now_is(store, task.id)).phase is Phase.FAILED
    assert await faults(store, task.id) == [("RunAgent", "killed")]


async def test_of_two_that_kill_their_holders_neither_is_handed_out_again(store: Store) -> None:
    for subject in ("repo:1", "repo:2"):
        await store.want(subject, UpdateStatus())
    for _ in range(HARD_CAP):
        held = [await must_claim(store), await must_claim(store)]
        for claimed in held:
            await store.release(claimed, START)
    assert [await store.claim("w"), await store.claim("w")] == [None, None]
    assert len(await faults(store)) == 2
