"""`issuewright work` as it is run: waits for a database that is away, hands over when stopped, and tidies up."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.store.store import Store
from bot.task.model import Phase
from tests.postgres.conftest import eventually
from tests.postgres.fleet import Fleet
from tests.postgres.server import Server, serving
from tests.postgres.town import Town
from tests.worlds.leftovers import nothing_left

pytestmark = pytest.mark.anyio


@pytest.fixture
def own(postgres: Server) -> Iterator[Server]:
    with serving(postgres.folder.parent / f"own-{uuid4().hex}") as server:
        yield server


async def until_the_agent_works(store: Store) -> None:
    async def there() -> bool:
        return any(effect.kind == "RunAgent" and effect.owner for effect in await store.open_effects())

    await eventually(there, 30)


async def until_reviewed(store: Store, seconds: float, fleet: Fleet) -> None:
    async def there() -> bool:
        return [listed.task.phase for listed in await store.tasks()] == [Phase.IN_REVIEW]

    try:
        await eventually(there, seconds)
    except AssertionError as error:
        raise AssertionError(fleet.logs()) from error


async def events(store: Store) -> Counter[str]:
    [listed] = await store.tasks()
    return Counter(type(told.event).__name__ for told in await store.history(listed.task.id))


async def test_a_turn_goes_on_while_the_database_is_away(own: Server, quick_path: Path) -> None:
    """For longer than any single call waits for it, and for less than the lease lasts."""
    town = Town(quick_path, 1, think=4)
    database = own.database("bot")
    async with town.receiving(database) as store:
        fleet = Fleet(town, database, quick_path, 1, 1, lease_seconds=40)
        try:
            await fleet.start()
            town.label_an_issue()
            await until_the_agent_works(store)
            own.stop()
            began = time.monotonic()
            while time.monotonic() - began < 11:
                assert not await store.ready()
            own.start()
            await until_reviewed(store, 20, fleet)
            told = await events(store)
            assert (told["ChangesMade"], told["Published"]) == (1, 1)
            assert town.pulls_of(*town.issues[0])
            assert "does not answer" in fleet.logs()
            assert [(code, seconds < 5) for code, seconds in await fleet.stop()] == [(0, True)]
        finally:
            fleet.sink()
    await nothing_left(quick_path, 5)


async def test_a_worker_that_is_stopped_hands_its_run_over(database: str, quick_path: Path) -> None:
    town = Town(quick_path, 1, think=2)
    async with town.receiving(database) as store:
        fleet = Fleet(town, database, quick_path, 2, 1, lease_seconds=300)
        leaving, staying = fleet.ships
        try:
            await leaving.start()
            town.label_an_issue()
            await until_the_agent_works(store)
            await staying.start()
            code, seconds = await leaving.terminate()
            assert (code, seconds < 5) == (0, True), fleet.logs()
            [effect] = [effect for effect in await store.open_effects() if effect.kind == "RunAgent"]
            assert (effect.owner, effect.attempts) == (None, 0)
            await until_reviewed(store, 40, fleet)
            [pull] = town.pulls_of(*town.issues[0])
            assert town.changes_of(town.repos[0], pull.head_ref) == [pull.head_sha]
            left = quick_path / leaving.name / "work" / "tasks"
            assert list(left.iterdir())
            await leaving.start()

            async def tidy() -> bool:
                return not list(left.iterdir())

            await eventually(tidy, 20)
            assert [code for code, _ in await fleet.stop()] == [0, 0]
        finally:
            fleet.sink()
    await nothing_left(quick_path, 5)
