"""Who gets which effect, and when."""

import asyncio
from datetime import timedelta

import pytest

from bot.store.store import Store
from bot.store.values import Claimed, Finished
from bot.task.effects import (
    CloseWindow,
    PrepareWorkspace,
    React,
    RunAgent,
    StartRun,
    Sweep,
    TaskEffect,
    UpdateStatus,
    Verify,
    Wait,
)
from bot.task.events import NothingDone, RunAdmitted
from bot.task.ids import CommentId
from tests.store.conftest import Place
from tests.store.given import START, born, drain, must_claim, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

LATER = timedelta(seconds=30)


async def test_nothing_to_claim_is_none(store: Store) -> None:
    assert await store.claim("w") is None
    assert await store.next_due() is None


async def test_the_oldest_due_comes_first(store: Store, clock: StillClock) -> None:
    await store.want("world", Sweep(), Wait(quiet=timedelta(seconds=5)))
    clock.advance(seconds=1)
    await store.want("repo:1", React(None, "late"))
    clock.advance(seconds=1)
    await store.want("repo:2", React(None, "later"))
    clock.advance(seconds=1)
    assert await store.next_due() == START + timedelta(seconds=1)
    claimed = [await must_claim(store) for _ in range(2)]
    assert [one.effect for one in claimed] == [React(None, "late"), React(None, "later")]
    assert await store.claim("w") is None
    assert await store.next_due() == START + timedelta(seconds=5)
    clock.advance(seconds=2)
    assert (await must_claim(store)).effect == Sweep()


async def test_a_claim_says_whose_it_is(store: Store) -> None:
    task, claimed = await working(store)
    assert claimed == Claimed(claimed.id, f"task:{task.id}", task.id, RunAgent(1, 1), 1, claimed.lease)
    shown = {effect.id: effect for effect in await store.open_effects(task.id)}[claimed.id]
    assert (shown.owner, shown.attempts, shown.revoked) == ("w", 1, False)
    assert await store.owned(claimed)


async def test_an_effect_is_claimed_once(store: Store) -> None:
    for number in range(10):
        await store.want(f"repo:{number}", React(None, "x"))
    claims = await asyncio.gather(*(store.claim("w") for _ in range(30)))
    assert len({one.id for one in claims if one is not None}) == 10
    assert len([one for one in claims if one is not None]) == 10


async def test_start_run_is_admitted_never_claimed(store: Store) -> None:
    await born(store)
    assert StartRun(1) not in await drain(store)
    assert [effect.kind for effect in await store.open_effects()] == ["StartRun"]
    assert await store.next_due() is None


async def test_a_waiting_start_run_blocks_nothing_in_its_lane(store: Store) -> None:
    task = await born(store)
    await store.want(f"task:{task.id}", CloseWindow())
    assert CloseWindow() in await drain(store)


@pytest.mark.parametrize(
    ("first", "second"),
    [(UpdateStatus(), None), (React(None, "eyes"), React(None, "x")), (PrepareWorkspace(1), RunAgent(1, 1))],
)
async def test_of_one_lane_only_one_is_held(store: Store, first: TaskEffect, second: TaskEffect | None) -> None:
    task = await born(store)
    await drain(store)
    subject = f"task:{task.id}"
    await store.want(subject, first)
    held = await must_claim(store)
    await store.want(subject, second or first)
    assert await store.claim("w") is None
    assert await store.next_due() is None
    await store.finish(held)
    assert (await must_claim(store)).effect == (second or first)


async def test_lanes_and_subjects_do_not_wait_for_each_other(store: Store) -> None:
    one, two = await born(store, 1, 11), await born(store, 2, 12)
    await drain(store)
    for subject in (f"task:{one.id}", f"task:{two.id}"):
        await store.want(subject, RunAgent(1, 1))
        await store.want(subject, UpdateStatus())
        await store.want(subject, React(None, "x"))
    claimed = [await must_claim(store) for _ in range(6)]
    assert len({(held.subject, type(held.effect)) for held in claimed}) == 6


async def test_the_work_lane_keeps_its_order_even_past_what_is_not_due(store: Store, clock: StillClock) -> None:
    task = await born(store)
    await drain(store)
    subject = f"task:{task.id}"
    await store.want(subject, RunAgent(1, 1))
    await store.release(await must_claim(store), clock.now + LATER)
    await store.want(subject, Verify(1, 1))
    assert await store.claim("w") is None
    assert await store.next_due() == clock.now + LATER
    clock.advance(seconds=30)
    held = await must_claim(store)
    assert held.effect == RunAgent(1, 1)
    await store.finish(held)
    assert (await must_claim(store)).effect == Verify(1, 1)


async def test_other_lanes_pass_what_is_not_due_but_not_what_is(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "a"))
    await store.release(await must_claim(store), clock.now + LATER)
    clock.advance(seconds=1)
    await store.want("repo:1", React(None, "b"))
    passing = await must_claim(store)
    assert passing.effect == React(None, "b")
    clock.advance(seconds=60)
    assert await store.claim("w") is None  # a is due by now, but b is still held
    await store.release(passing, clock.now - LATER)
    # b has been due for longer, but a has the smaller number
    assert (await must_claim(store)).effect == React(None, "a")


async def test_a_result_is_told_with_the_end_of_its_effect(store: Store) -> None:
    task, claimed = await working(store)
    before = await store.history(task.id)
    assert await store.finish(claimed, NothingDone(1, 1, "", None)) is Finished.DONE
    assert not await store.owned(claimed)
    told = (await store.history(task.id))[len(before) :]
    assert [(one.key, one.event) for one in told] == [(f"effect:{claimed.id}", NothingDone(1, 1, "", None))]


async def test_a_finish_that_cannot_tell_its_result_changes_nothing(store: Store) -> None:
    await store.want("repo:1", React(None, "x"))
    claimed = await must_claim(store)
    with pytest.raises(ValueError, match="no task"):
        await store.finish(claimed, RunAdmitted(1))
    assert await store.owned(claimed)


async def test_finishing_twice_is_lost_the_second_time(store: Store) -> None:
    task, claimed = await working(store)
    await store.finish(claimed, NothingDone(1, 1, "", None))
    history = await store.history(task.id)
    assert await store.finish(claimed, NothingDone(1, 1, "", None)) is Finished.LOST
    assert await store.history(task.id) == history


async def test_whoever_held_it_before_is_fenced_off(store: Store) -> None:
    """Even when the attempt was not counted and the same worker holds it again."""
    task, before = await working(store)
    await store.release(before, START, count=False)
    after = await must_claim(store)
    assert (after.id, after.attempt) == (before.id, before.attempt)
    history = await store.history(task.id)
    assert not await store.owned(before)
    assert await store.finish(before, NothingDone(1, 1, "", None)) is Finished.LOST
    await store.release(before, START + LATER)
    await store.bury(before, "late")
    assert await store.owned(after)
    assert await store.history(task.id) == history


async def test_a_release_counts_the_attempt_and_keeps_the_fault(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "x"))
    await store.release(await must_claim(store), clock.now + LATER, fault="502")
    [shown] = await store.open_effects()
    assert (shown.attempts, shown.fault, shown.owner, shown.due_at) == (1, "502", None, clock.now + LATER)
    assert await store.claim("w") is None
    clock.advance(seconds=30)
    second = await must_claim(store)
    assert second.attempt == 2
    await store.release(second, clock.now, count=False)
    assert (await must_claim(store)).attempt == 2


async def test_next_due_after_a_moment(store: Store, clock: StillClock) -> None:
    await store.want("repo:1", React(None, "x"))
    await store.want("repo:2", React(None, "x"), Wait(quiet=LATER))
    assert await store.next_due() == START
    assert await store.next_due(after=START) == START + LATER
    assert await store.next_due(after=START + LATER) is None


async def test_a_start_makes_every_claim_void_and_keeps_the_count(store: Store, place: Place) -> None:
    task, claimed = await working(store)
    reopened = await place.reopen(store)
    assert not await reopened.owned(claimed)
    assert await reopened.finish(claimed, NothingDone(1, 1, "", None)) is Finished.LOST
    again = await must_claim(reopened, RunAgent)
    assert (again.id, again.attempt, again.task) == (claimed.id, 2, task.id)
    await reopened.close()


async def test_after_a_start_the_twin_stands_in(store: Store, place: Place) -> None:
    await store.want("repo:1", React(None, "x"))
    await must_claim(store)
    await store.want("repo:1", React(None, "x"))
    reopened = await place.reopen(store)
    [left] = await reopened.open_effects()
    assert (left.owner, left.attempts) == (None, 1)
    await reopened.close()


async def test_a_cancelled_claim_holds_nothing(store: Store) -> None:
    await store.want("repo:1", React(None, "x"))
    claiming = asyncio.create_task(store.claim("w"))
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    async with asyncio.timeout(20):
        while (claimed := await store.claim("w")) is None:  # until the cancelled one is given back
            await store.woken(0.05)
    assert claimed.attempt == 1


async def test_a_commit_wakes_the_dispatcher(store: Store) -> None:
    async with asyncio.timeout(20):
        waiting = asyncio.create_task(store.woken(60))
        await asyncio.sleep(0)
        await store.want("repo:1", React(CommentId(1), "eyes"))
        await waiting
        held = await must_claim(store)
        waiting = asyncio.create_task(store.woken(60))
        await store.finish(held)
        await waiting


async def test_a_ring_before_the_wait_is_not_lost_and_heard_once(store: Store) -> None:
    async with asyncio.timeout(20):
        await store.want("repo:1", React(None, "x"))
        await store.woken(60)
        quiet = asyncio.create_task(store.woken(0.05))
        await store.mark("progress", "is no work")
        await quiet
