"""The database goes away and comes back: nothing is lost, nothing is done twice, and what cannot wait says so."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from bot.store.errors import StoreUnavailable
from bot.store.store import Store
from bot.store.values import Finished, Received
from bot.task.effects import RunAgent, Sweep
from bot.task.ids import DeliveryId, FactKey
from bot.task.model import Phase
from tests.postgres.conftest import SECONDS, Opening, eventually
from tests.postgres.cutter import Cutter, cutting
from tests.postgres.server import Server, serving
from tests.store.given import born, drain, labelled, must_claim, now_is, result_of, stop, working

pytestmark = pytest.mark.anyio


@pytest.fixture
async def line(database: str, anyio_backend: str) -> AsyncIterator[tuple[Cutter, str]]:
    async with cutting(database) as (cutter, url):
        yield cutter, url


@pytest.fixture
async def cutter(line: tuple[Cutter, str]) -> Cutter:
    return line[0]


@pytest.fixture
async def store(line: tuple[Cutter, str], opening: Opening) -> Store:
    """Through the cutter; its heartbeat is so rare that every COMMIT is one of the test's."""
    return await opening(url=line[1], seconds=600)


async def test_a_claim_whose_commit_was_not_answered_is_found_again(store: Store, cutter: Cutter) -> None:
    await store.want("repo:1", RunAgent(1, 1))
    await store.want("world", Sweep())
    cutter.cuts = 1
    claimed = await must_claim(store)
    assert cutter.done == 1
    held = [effect for effect in await store.open_effects() if effect.owner is not None]
    assert [(effect.id, effect.attempts) for effect in held] == [(claimed.id, 1)]
    assert await store.finish(claimed) is Finished.DONE
    assert len(await drain(store)) == 1


async def test_facts_whose_commit_was_not_answered_are_told_once(store: Store, cutter: Cutter) -> None:
    cutter.cuts = 1
    assert await store.begin(labelled(), FactKey("label:11")) is None, "the repetition saw the labelling used"
    [listed] = await store.tasks()
    cutter.cuts = 1
    await store.apply(listed.task.id, stop(1), FactKey("comment:1"))
    assert cutter.done == 2
    assert [told.key for told in await store.history(listed.task.id)] == ["label:11", "comment:1"]


async def test_a_result_whose_commit_was_not_answered_is_told_once(store: Store, cutter: Cutter) -> None:
    task, claimed = await working(store)
    before = len(await store.history(task.id))
    cutter.cuts = 1
    assert await store.finish(claimed, result_of(claimed.effect)) is Finished.LOST, "gone already: by us"
    assert cutter.done == 1
    assert len(await store.history(task.id)) == before + 1
    assert (await now_is(store, task.id)).commit is not None


async def test_deliveries_artifacts_and_wishes_are_stored_once(store: Store, cutter: Cutter) -> None:
    cutter.cuts = 1
    assert await store.receive(DeliveryId("guid"), "issues", b"{}", True) is Received.DUPLICATE
    cutter.cuts = 1
    kept = await store.keep(None, "issue", "7", b"body")
    assert await store.keep(None, "issue", "7", b"body") == kept
    cutter.cuts = 1
    await store.want("world", Sweep())
    assert cutter.done == 3
    assert Counter(effect.kind for effect in await store.open_effects()) == {"ProcessDelivery": 1, "Sweep": 1}


async def test_admission_whose_commit_was_not_answered_keeps_to_the_limit(store: Store, cutter: Cutter) -> None:
    for number in range(1, 5):
        await born(store, number, number)
    cutter.cuts = 1
    await store.admit(2)
    assert cutter.done == 1
    assert [listed.task.phase for listed in await store.tasks()].count(Phase.PREPARING) == 2


# ── a server of its own, to be stopped ──


@pytest.fixture(scope="module")
def own(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = postgres.folder.parent / f"own-{uuid4().hex}"
    with serving(folder) as server:
        yield server


async def test_a_restart_is_not_noticed(own: Server, opening: Opening) -> None:
    store = await opening(url=own.database("restart"), seconds=30)
    task, claimed = await working(store)
    restarting = asyncio.create_task(asyncio.to_thread(own.restart))
    n = 0
    while not restarting.done():
        await store.mark("n", str(n := n + 1))
    await restarting
    assert await store.marked("n") == str(n)
    assert store.holds(claimed)
    assert await store.may_write(claimed)
    assert await store.finish(claimed, result_of(claimed.effect)) is Finished.DONE
    async with asyncio.timeout(10):  # it listens again
        other = await opening(url=own.url.replace("/postgres", "/restart"), seconds=30)
        await store.woken(0.5)
        await store.woken(2.5)
        waiting = asyncio.create_task(store.woken(60))
        await other.want("world", Sweep())
        await waiting
    assert (await now_is(store, task.id)).phase is Phase.VERIFYING


async def test_who_cannot_reach_the_database_gives_everything_up_in_time(own: Server, opening: Opening) -> None:
    store = await opening(url=own.database("away"))
    task, claimed = await working(store)
    await asyncio.to_thread(own.stop)
    stopped_at = time.monotonic()
    try:
        while store.holds(claimed):
            assert time.monotonic() - stopped_at < SECONDS
            await asyncio.sleep(0.01)
        with pytest.raises(StoreUnavailable, match=r"away on 127.0.0.1 does not answer: .*\.$"):
            await store.mark("a", "b")
        assert 7 < time.monotonic() - stopped_at < 14
        assert await store.claim("w") is None
        assert not await store.may_write(claimed)
    finally:
        await asyncio.to_thread(own.start)

    async def is_free() -> bool:  # a new session has begun, and ended the old one
        [effect] = [effect for effect in await store.open_effects(task.id) if effect.id == claimed.id]
        return effect.owner is None

    await eventually(is_free)
    again = await must_claim(store, RunAgent)
    assert (again.id, again.attempt) == (claimed.id, 2)
    assert store.holds(again)


async def test_a_worker_may_start_before_its_database(own: Server, opening: Opening) -> None:
    url = own.database("late")
    await asyncio.to_thread(own.stop)
    starting = asyncio.ensure_future(opening(url=url))
    await asyncio.sleep(1)
    assert not starting.done()
    await asyncio.to_thread(own.start)
    assert await (await starting).ready()
