"""A move out of a run voids its open work in the same transaction."""

import pytest

from bot.store.store import Store
from bot.store.values import Finished
from bot.task.effects import CloseWindow, CloseWorkspace, PrepareWorkspace, RunAgent, StartRun, Verify, lane
from bot.task.events import ChangesMade, RunRefused
from bot.task.ids import FactKey, TaskId
from bot.task.model import Phase
from tests.store.conftest import Place
from tests.store.given import COMMIT, START, born, drain, feedback, in_review, must_claim, now_is, retry, stop, working

pytestmark = pytest.mark.anyio


async def kinds(store: Store, task: TaskId) -> set[str]:
    return {effect.kind for effect in await store.open_effects(task) if not effect.revoked}


async def test_work_that_waits_is_removed(store: Store) -> None:
    task = await born(store)
    await store.admit(1)
    assert PrepareWorkspace.__name__ in await kinds(store, task.id)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    left = await kinds(store, task.id)
    assert PrepareWorkspace.__name__ not in left
    assert {"CloseWorkspace", "SetLabels", "Reply", "UpdateStatus"} <= left


async def test_a_wish_to_run_is_removed(store: Store) -> None:
    task = await born(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    assert StartRun.__name__ not in await kinds(store, task.id)
    assert await store.position(task.id) is None
    assert await store.admit(1) == []


async def test_an_open_window_is_removed(store: Store) -> None:
    task = await in_review(store)
    await store.apply(task.id, feedback(1), FactKey("comment:1"))
    assert CloseWindow.__name__ in await kinds(store, task.id)
    await store.apply(task.id, feedback(2, loose=False), FactKey("review:2"))
    assert StartRun.__name__ in await kinds(store, task.id)
    await store.apply(task.id, stop(3), FactKey("comment:3"))
    assert {StartRun.__name__, CloseWindow.__name__}.isdisjoint(await kinds(store, task.id))


async def test_work_under_way_is_revoked_and_its_result_is_lost(store: Store) -> None:
    task, claimed = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    assert not await store.owned(claimed)
    shown = {effect.id: effect for effect in await store.open_effects(task.id)}[claimed.id]
    assert (shown.revoked, shown.owner) == (True, "w")
    stopped = await now_is(store, task.id)
    assert await store.finish(claimed, ChangesMade(1, 1, COMMIT, (), "", None)) is Finished.LOST
    assert await now_is(store, task.id) == stopped
    assert claimed.id not in {effect.id for effect in await store.open_effects(task.id)}


async def test_cleaning_up_waits_until_the_revoked_work_lets_go(store: Store) -> None:
    task, claimed = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    assert CloseWorkspace(1, True) not in await drain(store)
    await store.release(claimed, START, count=False)
    assert await drain(store) == [CloseWorkspace(1, True)]


@pytest.mark.parametrize("way", ["finish", "release", "bury"])
async def test_every_way_of_letting_go_frees_the_lane(store: Store, way: str) -> None:
    task, claimed = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    history = await store.history(task.id)
    match way:
        case "finish":
            await store.finish(claimed)
        case "release":
            await store.release(claimed, START)
        case _:
            await store.bury(claimed, "stopped")
    assert await store.history(task.id) == history
    assert all(not effect.revoked and not effect.dead for effect in await store.open_effects())
    assert CloseWorkspace(1, True) in await drain(store)


async def test_a_start_removes_what_was_revoked(store: Store, place: Place) -> None:
    task, claimed = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    reopened = await place.reopen(store)
    assert claimed.id not in {effect.id for effect in await reopened.open_effects()}
    assert CloseWorkspace(1, True) in await drain(reopened)
    await reopened.close()


async def test_saving_an_interrupted_turn_survives_the_next_stop(store: Store) -> None:
    """Stop, retry, stop again, while the first agent has not let go yet: its work must still be saved."""
    task, _ = await working(store)
    await store.apply(task.id, stop(1), FactKey("comment:1"))
    await store.apply(task.id, retry(2), FactKey("comment:2"))
    await store.apply(task.id, stop(3), FactKey("comment:3"))
    keys = [effect.key for effect in await store.open_effects(task.id) if effect.kind == "CloseWorkspace"]
    assert keys == ["CloseWorkspace:1", "CloseWorkspace:2"]


async def test_a_result_that_ends_the_run_does_not_revoke_itself(store: Store) -> None:
    task = await born(store)
    await store.admit(1)
    claimed = await must_claim(store, PrepareWorkspace)
    assert await store.finish(claimed, RunRefused(1, "no such agent")) is Finished.DONE
    assert (await now_is(store, task.id)).phase is Phase.FAILED
    assert CloseWorkspace(1, False) in await drain(store)


async def test_only_the_task_itself_is_touched(store: Store) -> None:
    stopped, _ = await working(store, 1, 11)
    other, held = await working(store, 2, 12)
    await store.apply(stopped.id, stop(1), FactKey("comment:1"))
    assert await store.owned(held)
    assert lane(held.effect) is lane(RunAgent(1, 1))
    await store.finish(held, ChangesMade(1, 1, COMMIT, (), "", None))
    assert Verify.__name__ in await kinds(store, other.id)
