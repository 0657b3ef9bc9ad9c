"""A run goes on where its worktree stands, for a while; and a full worker takes no more steps of runs."""

from datetime import timedelta

import pytest

from bot.store.claims import PATIENCE, PATIENCE_TO_CLOSE, Taker, claim
from bot.store.homes import of
from bot.store.store import Store
from bot.store.values import Claimed
from bot.task.effects import CloseWorkspace, PrepareWorkspace, RunAgent, UpdateStatus, Verify
from bot.task.ids import FactKey
from tests.store.given import born, drain, must_claim, result_of, stop, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


async def elsewhere(store: Store, clock: StillClock) -> Claimed | None:
    """Claim as a worker on another machine would."""
    taker = Taker("other", "another machine", f"other.{clock.now.timestamp()}")
    claimed: Claimed | None = await store._write(lambda conn: claim(conn, taker, clock.now))
    return claimed


async def test_the_first_step_moves_in_and_the_next_ones_are_at_home(store: Store) -> None:
    task = await born(store)
    await store.admit(1)
    first = await must_claim(store, PrepareWorkspace)
    assert first.moved
    await store.finish(first, result_of(first.effect))
    second = await must_claim(store, RunAgent)
    assert not second.moved
    await store.finish(second, result_of(second.effect))
    assert not (await must_claim(store, Verify)).moved
    assert await store._reading.read(lambda conn: of(conn, task.id)) is not None


async def test_another_machine_waits_and_then_brings_the_work_to_itself(store: Store, clock: StillClock) -> None:
    task, held = await working(store)
    await store.finish(held, result_of(held.effect))
    await store.want(f"task:{task.id}", UpdateStatus())
    assert isinstance((await _must(elsewhere(store, clock))).effect, UpdateStatus), "only steps of runs have a home"
    assert await elsewhere(store, clock) is None
    clock.now += PATIENCE - timedelta(seconds=1)
    assert await elsewhere(store, clock) is None
    clock.advance(seconds=1)
    taken = await _must(elsewhere(store, clock))
    assert (taken.effect, taken.moved) == (Verify(1, 1), True)
    await store.finish(taken, result_of(taken.effect))
    assert await store.claim("w") is None, "the run is at home there now"
    clock.now += PATIENCE
    assert (await must_claim(store)).moved, "and what lies here is old"


async def _must(claiming: object) -> Claimed:
    claimed = await claiming  # type: ignore[misc]
    assert isinstance(claimed, Claimed)
    return claimed


async def test_closing_waits_longer_because_unsaved_files_are_nowhere_else(store: Store, clock: StillClock) -> None:
    task, held = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    await store.finish(held)
    closing = await must_claim(store, CloseWorkspace)
    await drain(store)
    await store.release(closing, clock.now)
    clock.now += PATIENCE_TO_CLOSE - timedelta(seconds=1)
    assert await elsewhere(store, clock) is None
    clock.advance(seconds=1)
    assert (await _must(elsewhere(store, clock))).effect == CloseWorkspace(1, True)


async def test_a_closed_worktree_has_no_home(store: Store) -> None:
    task, held = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    await store.finish(held)
    await drain(store)
    assert await store._reading.read(lambda conn: of(conn, task.id)) is None


async def test_a_worker_without_a_place_takes_everything_but_steps_of_runs(store: Store, clock: StillClock) -> None:
    await born(store)
    await store.admit(1)
    taken = []
    while (claimed := await store.claim("w", runs=False)) is not None:
        taken.append(type(claimed.effect))
        await store.finish(claimed, result_of(claimed.effect))
    assert UpdateStatus in taken
    assert PrepareWorkspace not in taken
    assert isinstance((await must_claim(store)).effect, PrepareWorkspace)


async def test_closing_needs_no_place(store: Store) -> None:
    task, held = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    await store.finish(held)
    taken = []
    while (claimed := await store.claim("w", runs=False)) is not None:
        taken.append(claimed.effect)
        await store.finish(claimed)
    assert CloseWorkspace(1, True) in taken


# ── the fence ──


async def test_what_is_held_and_wanted_may_write(store: Store) -> None:
    task, held = await working(store)
    assert store.holds(held)
    assert await store.may_write(held)
    assert await store.lost([held]) == []
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    assert store.holds(held), "the session is sound"
    assert not await store.may_write(held)
    assert await store.lost([held]) == [held]


async def test_what_is_done_or_given_back_may_not_write(store: Store, clock: StillClock) -> None:
    _, held = await working(store)
    await store.release(held, clock.now)
    assert not await store.may_write(held)
    again = await must_claim(store, RunAgent)
    assert not await store.may_write(held), "somebody else's lease on the same effect"
    await store.finish(again, result_of(again.effect))
    assert not await store.may_write(again)
