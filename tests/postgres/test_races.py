"""Several processes at once on the same rows: every decision is taken once, and nobody waits for ever."""

import asyncio
import time
from collections import Counter

import psycopg
import pytest
from sqlalchemy import Connection, text

from bot.store.postgres_database import PostgresDatabase
from bot.store.store import Store
from bot.store.values import Claimed, Finished
from bot.task.effects import React, UpdateStatus
from bot.task.ids import DeliveryId, FactKey
from bot.task.model import RUNNING, Phase
from tests.postgres.conftest import Opening
from tests.store.given import born, feedback, labelled, result_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stores(opening: Opening) -> list[Store]:
    return [await opening() for _ in range(3)]


async def test_one_label_told_to_all_makes_one_task(stores: list[Store]) -> None:
    begun = await asyncio.gather(*(store.begin(labelled(), FactKey("label:11")) for store in stores * 5))
    assert sum(one is not None for one in begun) == 1
    assert len(await stores[0].tasks()) == 1


async def test_one_delivery_sent_to_all_is_stored_once(stores: list[Store]) -> None:
    received = await asyncio.gather(
        *(store.receive(DeliveryId(f"guid{n}"), "issues", b"{}", True) for store in stores for n in range(20))
    )
    assert Counter(received) == {"new": 20, "duplicate": 40}
    assert len(await stores[0].open_effects()) == 20


async def test_an_effect_is_claimed_by_one_of_all(stores: list[Store]) -> None:
    for number in range(30):
        await stores[0].want(f"repo:{number}", React(None, "x"))
    claims = await asyncio.gather(*(store.claim("w") for store in stores * 15))
    got = [one.id for one in claims if one is not None]
    assert (len(got), len(set(got))) == (30, 30)


async def test_places_are_never_given_twice(stores: list[Store]) -> None:
    for number in range(1, 13):
        await born(stores[0], number, number)
    admitted = await asyncio.gather(*(store.admit(3) for store in stores * 5))
    assert sum(map(len, admitted)) == 3


async def test_all_at_once_on_few_tasks_come_to_an_end(stores: list[Store], database: str) -> None:
    """Claims, results, facts and wishes cross each other; every run ends once, and never are too many going on.

    The lock order (task, then effects) holds: no deadlock, which would be solved, but after a second.
    """
    for number in range(1, 7):
        await born(stores[0], number, number)
    most = 0

    async def work(store: Store) -> None:
        nonlocal most
        while phases := [listed.task.phase for listed in await store.tasks()]:
            if set(phases) == {Phase.IN_REVIEW}:
                return
            most = max(most, sum(phase in RUNNING for phase in phases))
            await store.admit(2)
            claimed: Claimed | None = await store.claim("w")
            if claimed is not None:
                await store.want(claimed.subject, UpdateStatus())
                assert await store.finish(claimed, result_of(claimed.effect)) is Finished.DONE

    async def talk(store: Store) -> None:
        for n in range(40):
            task = (await store.tasks())[n % 6].task
            await store.apply(task.id, feedback(1000 + n % 20), FactKey(f"comment:{1000 + n % 20}"))
            await store.want(f"task:{task.id}", UpdateStatus())

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(store) for store in stores * 2), *(talk(store) for store in stores))
    assert most <= 2
    for listed in await stores[0].tasks():
        keys = [told.key for told in await stores[0].history(listed.task.id)]
        assert len(keys) == len(set(keys))
    assert await deadlocks(database) == 0


async def deadlocks(database: str) -> int:
    async with await psycopg.AsyncConnection.connect(database) as conn:
        await asyncio.sleep(1.5)  # backends report once a second
        row = await (
            await conn.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_process_frozen_within_a_transaction_frees_its_locks(database: str, opening: Opening) -> None:
    """Here a transaction that sleeps; a stopped process looks the same to the server, which ends it."""
    store, frozen = await opening(), PostgresDatabase(database, 0.5, lambda: None)
    await born(store)
    tries = 0

    def hold(conn: Connection) -> None:
        nonlocal tries
        tries += 1
        conn.execute(text("SELECT * FROM limits FOR UPDATE"))
        if tries == 1:
            time.sleep(2)
            conn.execute(text("SELECT 1"))

    holding = frozen.submit(hold)
    await asyncio.sleep(0.2)
    began = time.monotonic()
    assert len(await store.admit(1)) == 1
    assert 0.1 < time.monotonic() - began < 1.5
    await holding
    assert tries == 2, "it was told, and did it again"
    await frozen.close()
