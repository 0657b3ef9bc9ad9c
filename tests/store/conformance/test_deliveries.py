"""A delivery is stored once, before it is answered, and put to work once."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from bot.store.store import Store
from bot.store.values import DeliveryState, Finished, Received, StoredDelivery
from bot.task.effects import ProcessDelivery
from bot.task.ids import DeliveryId
from tests.store.conftest import Place
from tests.store.given import START, must_claim
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

ONE = DeliveryId("guid-1")


async def test_a_delivery_is_kept_as_it_came_and_wants_to_be_processed(store: Store) -> None:
    assert await store.receive(ONE, "issues", b"{}\xff", True) is Received.NEW
    assert await store.delivery(ONE) == StoredDelivery("issues", b"{}\xff", DeliveryState.RECEIVED, START)
    [effect] = await store.open_effects()
    assert (effect.subject, effect.key) == ("delivery:guid-1", "ProcessDelivery:guid-1")


async def test_an_unknown_delivery_is_none(store: Store) -> None:
    assert await store.delivery(ONE) is None


async def test_what_is_not_handled_is_stored_without_an_effect(store: Store) -> None:
    assert await store.receive(ONE, "star", b"{}", False) is Received.NEW
    stored = await store.delivery(ONE)
    assert stored is not None
    assert stored.state is DeliveryState.IGNORED
    assert await store.open_effects() == []


async def test_finishing_its_effect_settles_the_delivery(store: Store) -> None:
    await store.receive(ONE, "issues", b"{}", True)
    claimed = await must_claim(store)
    assert claimed.effect == ProcessDelivery(ONE)
    assert await store.finish(claimed) is Finished.DONE
    stored = await store.delivery(ONE)
    assert stored is not None
    assert stored.state is DeliveryState.PROCESSED
    assert await store.receive(ONE, "issues", b"{}", True) is Received.DUPLICATE
    assert await store.open_effects() == []


async def test_a_failed_delivery_is_put_to_work_again(store: Store) -> None:
    await store.receive(ONE, "issues", b"{}", True)
    await store.bury(await must_claim(store), "no such field")
    stored = await store.delivery(ONE)
    assert stored is not None
    assert stored.state is DeliveryState.FAILED

    assert await store.receive(ONE, "issues", b"{1}", True) is Received.AGAIN
    assert await store.receive(ONE, "issues", b"{1}", True) is Received.DUPLICATE
    assert [effect.dead for effect in await store.open_effects()] == [True, False]
    again = await must_claim(store)
    assert again.effect == ProcessDelivery(ONE)
    stored = await store.delivery(ONE)
    assert stored is not None
    assert (stored.body, stored.state) == (b"{1}", DeliveryState.RECEIVED)


async def test_fifty_at_once_with_one_id_are_one(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.receive(ONE, "issues", b"{}", True) for _ in range(50)))
    assert Counter(outcomes) == {Received.NEW: 1, Received.DUPLICATE: 49}
    assert len(await store.open_effects()) == 1


async def test_two_hundred_at_once_share_few_commits(store: Store, place: Place) -> None:
    before = store.commits
    ids = [DeliveryId(f"guid-{n}") for n in range(200)]
    outcomes = await asyncio.gather(*(store.receive(one, "issues", b"{}", True) for one in ids))
    assert set(outcomes) == {Received.NEW}
    assert store.commits - before <= 5
    reopened = await place.reopen(store)
    assert [effect.subject for effect in await reopened.open_effects()] == [f"delivery:{one}" for one in ids]
    await reopened.close()


async def test_more_than_one_batch_and_different_kinds_are_told_apart(store: Store) -> None:
    bodies = [bytes([n % 256]) * 100_000 for n in range(100)]  # more than one batch may carry
    outcomes = await asyncio.gather(
        *(store.receive(DeliveryId(f"guid-{n}"), "push", body, n % 2 == 0) for n, body in enumerate(bodies))
    )
    assert set(outcomes) == {Received.NEW}
    last = await store.delivery(DeliveryId("guid-99"))
    assert last is not None
    assert last.body == bodies[99]
    assert len(await store.open_effects()) == 50


async def test_bodies_are_forgotten_when_settled_and_old(store: Store, clock: StillClock) -> None:
    await store.receive(ONE, "issues", b"old", True)
    await store.finish(await must_claim(store))
    await store.receive(DeliveryId("waits"), "issues", b"needed", True)
    clock.advance(seconds=10)
    await store.receive(DeliveryId("new"), "star", b"new", False)

    assert await store.forget_deliveries(START + timedelta(seconds=5)) == 1
    assert await store.forget_deliveries(START + timedelta(seconds=5)) == 0
    bodies = [await store.delivery(DeliveryId(one)) for one in ("guid-1", "waits", "new")]
    assert [stored and stored.body for stored in bodies] == [b"", b"needed", b"new"]
    assert await store.receive(ONE, "issues", b"old", True) is Received.DUPLICATE
