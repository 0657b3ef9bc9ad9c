"""Pauses: admission heeds them in its own transaction, whoever made them."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from bot.store.desk import Desk, desk
from bot.store.store import Store
from bot.task.effects import UpdateStatus
from bot.task.model import Phase
from bot.task.pause import SERVER, Pause
from tests.store.conftest import Place
from tests.store.given import REPO, born, drain, elsewhere, now_is, working

pytestmark = pytest.mark.anyio
T = TypeVar("T")


async def at_desk(place: Place, work: Callable[[Desk], T]) -> T:
    """As another process does it, beside the open store."""

    def sit_down() -> T:
        with desk(place.url, place.folder, place.clock) as at:
            return work(at)

    return await asyncio.to_thread(sit_down)


@pytest.mark.parametrize("name", [SERVER, "Acme/App"])
async def test_nothing_is_admitted_during_a_pause(place: Place, store: Store, name: str) -> None:
    running, _ = await working(store, 1, 1)
    waiting = await born(store, 2, 2)
    await at_desk(place, lambda at: at.pause(name, "release week"))
    assert await store.admit(100) == []
    assert (await now_is(store, running.id)).phase is Phase.WORKING, "what runs goes on"
    pause = await store.pause_of(REPO)
    assert pause == Pause(name.lower(), "release week", in_file=False)
    assert await at_desk(place, lambda at: at.resume(name))
    assert not await at_desk(place, lambda at: at.resume(name))
    assert [task.id for task in await store.admit(100)] == [waiting.id]


async def test_other_repositories_go_on(place: Place, store: Store) -> None:
    await at_desk(place, lambda at: at.pause("acme/other", "moved"))
    await born(store)
    assert await store.pause_of(REPO) is None
    assert len(await store.admit(100)) == 1


async def test_a_paused_repository_lets_others_pass(place: Place, store: Store) -> None:
    await born(store, 1, 1)
    other = await elsewhere(store)
    await at_desk(place, lambda at: at.pause(REPO.full_name, "x"))
    assert [task.id for task in await store.admit(100)] == [other.id]


async def test_a_pause_survives_a_restart(place: Place, store: Store) -> None:
    await born(store)
    await at_desk(place, lambda at: at.pause(SERVER, "x"))
    again = await place.reopen(store)
    assert await again.admit(100) == []
    await again.close()


async def test_waiting_tasks_say_it(place: Place, store: Store) -> None:
    task = await born(store)
    await drain(store)
    await at_desk(place, lambda at: at.pause(SERVER, "x"))
    assert await drain(store) == [UpdateStatus()]
    await at_desk(place, lambda at: at.resume(SERVER))
    assert await drain(store) == [UpdateStatus()]
    await store.declare_pauses({REPO.full_name: "file"})
    assert await drain(store) == [UpdateStatus()]
    await store.declare_pauses({REPO.full_name: "file"})
    assert await drain(store) == [], "nothing changed"
    assert (await now_is(store, task.id)).phase is Phase.QUEUED


async def test_the_file_and_the_command_are_told_apart(place: Place, store: Store) -> None:
    await at_desk(place, lambda at: at.pause(SERVER, "by hand"))
    await store.declare_pauses({SERVER: "moving", "a/b": "old"})
    await store.declare_pauses({SERVER: "moving"})
    assert await store.pauses() == [
        Pause(SERVER, "by hand", in_file=False),
        Pause(SERVER, "moving", in_file=True),
    ]
    assert await at_desk(place, lambda at: at.resume(SERVER))
    assert [pause.in_file for pause in await store.pauses()] == [True]
    await store.declare_pauses({})
    assert await store.pauses() == []
