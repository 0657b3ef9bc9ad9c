"""Everything of one repository is found and removed, and nothing of another."""

import asyncio
import json
from datetime import datetime

import pytest
from sqlalchemy import Connection, Table, func, select

from bot.store import schema as s
from bot.store.desk import desk
from bot.store.stock import Stock
from bot.store.store import Store
from bot.task.budget import TurnKey
from bot.task.effects import EnsureLabels
from bot.task.ids import DeliveryId, FactKey
from bot.task.model import Phase
from bot.task.results import Progress
from bot.task.usage import Used
from tests.store.conformance.test_pauses import at_desk
from tests.store.conftest import Place
from tests.store.given import OTHER, REPO, born, elsewhere, in_review, now_is, stop, working

pytestmark = pytest.mark.anyio

KEPT = {"meta", "limits", "workers"}
"""Tables that hold nothing of a repository."""


async def rows(store: Store) -> dict[str, int]:
    def count(conn: Connection) -> dict[str, int]:
        def of(table: Table) -> int:
            return conn.execute(select(func.count()).select_from(table)).scalar_one()

        return {table.name: of(table) for table in s.metadata.sorted_tables if table.name not in KEPT}

    return await store._reading.read(count)


async def fill(store: Store, claimed_at: datetime) -> None:
    """Something in every table, of one repository."""
    admitted = await store.keep(None, "issue", f"{REPO.full_name}#7:11", b"text")
    task = await in_review(store, admitted=admitted)
    stopped, claimed = await working(store, 8, 12)
    await store.apply(stopped.id, stop(1), FactKey("stop"))
    await store.release(claimed, claimed_at)
    await store.keep(task.id, "log", "1.1/tests", b"x" * 600_000)
    await store.set_progress(task.id, 1, Progress("working"))
    await store.set_spent(TurnKey(REPO.id, task.id, 1, 1, "2026-11"), 60, Used(1))
    for name in (f"turn:{task.id}:1.1", f"labels:{REPO.id}", f"comments:{REPO.id}", f"refused:{REPO.full_name}#9:x"):
        await store.mark(name, "x")
    await store.want(f"repo:{REPO.id}", EnsureLabels(REPO.id, REPO.full_name, REPO.installation))
    body = json.dumps({"repository": {"id": REPO.id}}).encode()
    await store.receive(DeliveryId("ours"), "issues", body, True)


async def test_everything_goes_and_the_other_stays(place: Place, store: Store) -> None:
    await fill(store, place.clock.now)
    ours = await rows(store)
    assert [name for name, number in ours.items() if not number] == [], "the test fills every table"
    other = await elsewhere(store)
    await store.receive(DeliveryId("theirs"), "issues", json.dumps({"repository": {"id": OTHER.id}}).encode(), True)
    await store.receive(DeliveryId("odd"), "issues", b"[]", False)
    await store.mark(f"labels:{OTHER.id}", "wanted")
    await store.set_spent(TurnKey(OTHER.id, other.id, 1, 1, "2026-11"), 60)
    theirs = {name: number - ours[name] for name, number in (await rows(store)).items()}
    found = await at_desk(place, lambda at: at.stock("ACME/app"))
    assert (len(found.tasks), found.artifacts, found.artifact_bytes, len(found.deliveries)) == (2, 2, 600_004, 1)
    assert await at_desk(place, lambda at: at.remove("ACME/app")) == found
    assert await rows(store) == theirs
    again = await at_desk(place, lambda at: at.remove("ACME/app"))
    assert isinstance(again, Stock)
    assert again.empty


async def test_what_runs_is_not_removed(place: Place, store: Store) -> None:
    task, claimed = await working(store)
    assert await at_desk(place, lambda at: at.remove(REPO.full_name)) == (
        f"task {task.id} (acme/app#7) is working: stop it with `/agent stop` on its issue"
    )
    await store.release(claimed, place.clock.now, count=False)
    assert isinstance(await at_desk(place, lambda at: at.remove(REPO.full_name, nobody_works=True)), Stock)


async def test_what_is_in_somebodys_hands_is_not_removed(place: Place, store: Store) -> None:
    task = await born(store)
    claimed = await store.claim("w")
    assert claimed is not None
    why = await at_desk(place, lambda at: at.remove(REPO.full_name))
    assert why == f"React of task:{task.id} is under way: try again in a moment"
    await store.finish(claimed)
    assert (await now_is(store, task.id)).phase is Phase.QUEUED
    assert isinstance(await at_desk(place, lambda at: at.remove(REPO.full_name)), Stock)


async def test_a_server_goes_on_beside_it(place: Place, store: Store) -> None:
    """Two processes write to one database; neither loses anything."""
    await born(store)

    def many() -> None:
        with desk(place.url, place.folder, place.clock) as at:
            for number in range(30):
                at.pause("a/b", str(number))

    writing = asyncio.create_task(asyncio.to_thread(many))
    for number in range(30):
        await store.mark("other", str(number))
    await writing
    assert [pause.reason for pause in await store.pauses()] == ["29"]
    assert await store.marked("other") == "29"
