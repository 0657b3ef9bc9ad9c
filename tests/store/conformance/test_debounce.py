"""Asking again renews what waits; over one that is being done it asks for one more pass afterwards."""

from datetime import timedelta

import pytest

from bot.store.store import Store
from bot.task.effects import CloseWindow, CloseWorkspace, React, Refusal, Refuse, Sweep, UpdateStatus, Wait
from bot.task.ids import FactKey
from tests.store.given import START, born, drain, feedback, in_review, must_claim
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

WAIT = Wait(quiet=timedelta(seconds=60), bound=timedelta(seconds=150))


def after(seconds: float) -> object:
    return START + timedelta(seconds=seconds)


async def test_each_asking_again_waits_for_quiet_until_the_bound(store: Store, clock: StillClock) -> None:
    dues = []
    for _ in range(5):
        await store.want("world", Sweep(), WAIT)
        dues += [effect.due_at for effect in await store.open_effects()]
        clock.advance(seconds=40)
    assert dues == [after(60), after(100), after(140), after(150), after(150)]


@pytest.mark.parametrize("bound", [0, 20])
async def test_a_bound_shorter_than_the_quiet_does_not_shorten_it(store: Store, clock: StillClock, bound: int) -> None:
    wait = Wait(quiet=timedelta(seconds=60), bound=timedelta(seconds=bound))
    await store.want("world", Sweep(), wait)
    clock.advance(seconds=30)
    await store.want("world", Sweep(), wait)
    [waiting] = await store.open_effects()
    assert waiting.due_at == after(60)


async def test_without_a_wait_it_becomes_due_at_once(store: Store, clock: StillClock) -> None:
    await store.want("world", Sweep(), WAIT)
    clock.advance(seconds=10)
    await store.want("world", Sweep())
    [waiting] = await store.open_effects()
    assert waiting.due_at == after(10)


async def test_asking_again_does_not_lose_the_place(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "x"))
    clock.advance(seconds=10)
    await store.want("repo:1", React(None, "x"))
    [waiting] = await store.open_effects()
    assert waiting.due_at == START


async def test_the_payload_is_replaced(store: Store) -> None:
    for by in ("ann", "bob"):
        await store.want("repo:1", Refuse(1, "acme/app", 5, 7, Refusal.NO_TASK, by, "fact"))
    [effect] = await drain(store)
    assert isinstance(effect, Refuse)
    assert effect.by == "bob"


async def test_one_more_pass_follows_the_one_that_is_under_way(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "x"))
    first = await must_claim(store)
    clock.advance(seconds=1)
    await store.want("repo:1", React(None, "x"))
    await store.want("repo:1", React(None, "x"))
    assert len(await store.open_effects()) == 2
    assert await store.claim("w") is None
    await store.finish(first)
    assert await drain(store) == [React(None, "x")]


async def test_a_twin_stands_in_for_the_one_that_is_given_back(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "x"))
    first = await must_claim(store)
    await store.want("repo:1", React(None, "x"))
    await store.release(first, clock.now + timedelta(hours=1), fault="503")
    [twin] = await store.open_effects()
    assert twin.id != first.id
    assert (twin.attempts, twin.due_at) == (1, START)
    assert (await must_claim(store)).attempt == 2


async def test_over_a_dead_one_a_new_one_is_made(store: Store) -> None:
    await store.want("repo:1", React(None, "x"))
    await store.bury(await must_claim(store), "gone")
    await store.want("repo:1", React(None, "x"))
    assert [(effect.dead, effect.attempts) for effect in await store.open_effects()] == [(True, 1), (False, 0)]


async def test_loose_comments_wait_for_quiet_within_the_pace(store: Store, clock: StillClock) -> None:
    task = await in_review(store)
    dues = []
    for n in range(8):
        await store.apply(task.id, feedback(n + 1), FactKey(f"comment:{n + 1}"))
        dues += [effect.due_at for effect in await store.open_effects() if effect.kind == CloseWindow.__name__]
        clock.advance(seconds=50)
    assert dues == [after(n * 50 + 60) for n in range(5)] + [after(300)] * 3


async def test_subjects_have_their_own_keys(store: Store) -> None:
    one, two = await born(store, 1, 11), await born(store, 2, 12)
    await drain(store)
    for task in (one, two):
        await store.want(f"task:{task.id}", UpdateStatus())
        await store.want(f"task:{task.id}", CloseWorkspace(1, False))
    assert len(await drain(store)) == 4


async def test_a_slow_pace_makes_nothing_later(store: Store, clock: StillClock) -> None:
    slow = Wait(timedelta(seconds=60), timedelta(seconds=60))
    await store.want("repo:1", React(None, "x"))
    await store.want("repo:1", React(None, "x"), slow)
    [waiting] = await store.open_effects()
    assert waiting.due_at == START


@pytest.mark.parametrize("wait", [Wait(), Wait(timedelta(seconds=60), timedelta(seconds=60))])
async def test_asking_again_does_not_hurry_one_that_failed(store: Store, clock: StillClock, wait: Wait) -> None:
    await store.want("repo:1", React(None, "x"))
    await store.release(await must_claim(store), START + timedelta(seconds=300), fault="502")
    await store.want("repo:1", React(None, "x"), wait)
    [waiting] = await store.open_effects()
    assert waiting.due_at == after(300)
