"""PostgreSQL's tables come from the same scripts, once, however many processes start."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from bot.store import postgres
from bot.store.errors import NeedsMigration, NewerSchema, NotADatabase, StoreError
from bot.store.migrate import HEAD, migrate_postgres
from bot.store.reads import ReadStore
from bot.store.schema import metadata
from tests.postgres.conftest import Opening
from tests.store.given import born
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement.encode())


async def test_the_scripts_lead_to_the_tables_that_the_code_knows(database: str) -> None:
    engine = create_engine(postgres.address(database))
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        indexes = {row[0]: row[1] for row in conn.exec_driver_sql("SELECT indexname, indexdef FROM pg_indexes")}
    engine.dispose()
    for name in ("tasks_live", "effects_waiting", "effects_running", "effects_due", "effects_queue"):
        assert " WHERE " in indexes[name]


async def test_of_many_that_start_at_once_one_migrates(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate_postgres, [empty_database] * 4))
    migrate_postgres(empty_database, allowed=False)


async def test_an_empty_database_is_set_up_by_who_opens_it(opening: Opening, empty_database: str) -> None:
    stores = await asyncio.gather(*(opening(url=empty_database) for _ in range(3)))
    assert await stores[0].revision() == HEAD
    assert (await born(stores[0])).id == 1


async def test_migrating_may_be_forbidden(empty_database: str) -> None:
    with pytest.raises(NeedsMigration):
        migrate_postgres(empty_database, allowed=False)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE TABLE alembic_version (version_num text)", NotADatabase),
        ("CREATE TABLE recipes (name text)", NotADatabase),
    ],
)
async def test_tables_of_another_program_are_left_alone(
    opening: Opening, empty_database: str, statement: str, error: type[StoreError]
) -> None:
    change(empty_database, statement)
    with pytest.raises(error):
        await opening(url=empty_database)


async def test_a_newer_database_is_used_if_it_allows_that(opening: Opening, database: str) -> None:
    change(database, "UPDATE alembic_version SET version_num = '9999'")
    change(database, "ALTER TABLE effects ADD COLUMN colour text")
    store = await opening()
    await born(store)
    change(database, "UPDATE meta SET value = '2' WHERE name = 'min_code_version'")
    with pytest.raises(NewerSchema):
        await opening()


async def test_a_reader_needs_no_session_and_cannot_write(opening: Opening, database: str, tmp_path: Path) -> None:
    store = await opening()
    task = await born(store)
    reader = await ReadStore.open_read_only(database, clock=StillClock(), data_dir=tmp_path)
    try:
        assert await reader.task(task.id) == task
        assert await reader.workers() == 1
        with pytest.raises(Exception, match="read-only transaction"):
            await reader._reading.read(lambda conn: conn.exec_driver_sql("DELETE FROM events"))
    finally:
        await reader.close()
