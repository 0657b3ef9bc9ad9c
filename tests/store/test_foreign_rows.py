"""Rows that another version wrote: an unknown kind is left to it, an unreadable payload is buried."""

import sqlite3
from collections.abc import Callable

import pytest

from bot.store.store import Store
from bot.task.effects import CloseWorkspace, React, Sweep
from bot.task.model import Phase
from tests.store.conftest import Place
from tests.store.given import born, drain, must_claim, now_is

pytestmark = pytest.mark.anyio


@pytest.fixture
def alter(place: Place) -> Callable[[str], None]:
    """Run a statement as another process would."""

    def run(statement: str) -> None:
        with sqlite3.connect(place.folder / "store.db") as conn:
            conn.execute(statement)
        conn.close()

    return run


async def test_an_unknown_kind_is_left_to_a_version_that_knows_it(store: Store, alter: Callable[[str], None]) -> None:
    await store.want("repo:1", React(None, "x"))
    await store.want("repo:1", React(None, "behind it"))
    alter("UPDATE effects SET kind = 'PaintBlue' WHERE id = 1")
    await store.want("world", Sweep())
    assert (await must_claim(store)).effect == Sweep()
    assert await store.claim("w") is None
    assert await store.next_due() is None
    assert [effect.kind for effect in await store.open_effects()] == ["PaintBlue", "React", "Sweep"]


async def test_an_unreadable_payload_is_buried_and_blocks_nothing(store: Store, alter: Callable[[str], None]) -> None:
    task = await born(store)
    await store.admit(1)
    alter("UPDATE effects SET payload = '{}' WHERE kind = 'PrepareWorkspace'")
    await store.want("world", Sweep())
    done = await drain(store)
    assert Sweep() in done
    assert CloseWorkspace(1, False) in done
    dead = [effect for effect in await store.open_effects(task.id) if effect.dead]
    assert [effect.kind for effect in dead] == ["PrepareWorkspace"]
    assert dead[0].fault.startswith("its payload cannot be read")
    assert (await now_is(store, task.id)).phase is Phase.FAILED
