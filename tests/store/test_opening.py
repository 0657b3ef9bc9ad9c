"""Every reason why the store cannot be opened is one sentence; a good file is opened as it should be."""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from bot.store import sqlite
from bot.store.errors import (
    NeedsMigration,
    NewerSchema,
    NotADatabase,
    StoreClosed,
    StoreError,
    StoreLocked,
    StoreMissing,
    StoreUnwritable,
    UnsupportedDatabase,
)
from bot.store.reads import ReadStore
from bot.store.store import Store
from bot.task.effects import Pace, React
from bot.task.ids import DeliveryId
from tests.store.conftest import Place
from tests.store.given import born
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


async def refused(place: Place, url: str = "", migrate: bool = True) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await Store.open(url or place.url, pace=Pace(), clock=place.clock, data_dir=place.folder, migrate=migrate)
    sentence = str(caught.value)
    assert sentence.endswith((".", "`."))
    assert "\n" not in sentence
    return caught.value


async def test_two_stores_on_one_file_are_refused(store: Store, place: Place) -> None:
    error = await refused(place)
    assert isinstance(error, StoreLocked)
    assert str(place.folder / "store.db") in str(error)
    assert f"pid {os.getpid()}" in str(error)
    assert await store.ready()


async def test_another_process_is_refused_and_the_lock_dies_with_its_holder(place: Place) -> None:
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.crasher", str(place.folder), "hold", stdin=pipe, stdout=pipe
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"open\n"
        error = await refused(place)
        assert f"pid {holder.pid}" in str(error)
    finally:
        holder.kill()
        await holder.communicate()
    await (await place.open()).close()


async def test_a_closed_store_can_be_opened_again(store: Store, place: Place) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed):
        await store.tasks()
    with pytest.raises(StoreClosed):
        await store.mark("a", "b")
    with pytest.raises(StoreClosed):
        await store.receive(DeliveryId("late"), "issues", b"{}", True)
    again = await place.open()
    assert await again.ready()
    await again.close()


async def test_a_failed_opening_lets_go_of_the_lock(place: Place) -> None:
    (place.folder / "store.db").write_bytes(b"no database" * 1000)
    assert isinstance(await refused(place), NotADatabase)
    (place.folder / "store.db").unlink()
    await (await place.open()).close()


async def test_tables_of_another_program_are_left_alone(place: Place) -> None:
    with sqlite3.connect(place.folder / "store.db") as conn:
        conn.execute("CREATE TABLE recipes (name TEXT)")
    assert isinstance(await refused(place), NotADatabase)


async def test_a_folder_that_cannot_be_written_is_said(place: Place) -> None:
    (place.folder / "file").touch()
    assert isinstance(await refused(place, "sqlite:///file/store.db"), StoreUnwritable)
    (place.folder / "folder.db").mkdir()
    assert isinstance(await refused(place, "sqlite:///folder.db"), StoreUnwritable)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
async def test_a_read_only_folder_is_said(place: Place) -> None:
    place.folder.chmod(0o500)
    try:
        assert isinstance(await refused(place), StoreUnwritable)
    finally:
        place.folder.chmod(0o700)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/name", "nonsense"])
async def test_other_databases_are_refused(place: Place, url: str) -> None:
    assert isinstance(await refused(place, url), UnsupportedDatabase)


async def test_folders_are_made_and_absolute_names_kept(place: Place) -> None:
    path = place.folder / "deep" / "er" / "a.db"
    store = await Store.open(f"sqlite:///{path}", pace=Pace(), clock=place.clock, data_dir=Path("elsewhere"))
    assert path.exists()
    await store.close()


async def test_an_empty_file_needs_a_migration_that_may_be_forbidden(place: Place) -> None:
    assert isinstance(await refused(place, migrate=False), NeedsMigration)
    await (await place.open()).close()
    await (await place.open(migrate=False)).close()


async def test_a_newer_incompatible_database_is_refused(store: Store, place: Place) -> None:
    await store.close()
    with sqlite3.connect(place.folder / "store.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
        conn.execute("UPDATE meta SET value = '2' WHERE name = 'min_code_version'")
    conn.close()
    assert isinstance(await refused(place), NewerSchema)
    with pytest.raises(NewerSchema):
        await ReadStore.open_read_only(place.url, clock=place.clock, data_dir=place.folder)


async def test_a_newer_compatible_database_is_used(store: Store, place: Place) -> None:
    await born(store)
    await store.close()
    with sqlite3.connect(place.folder / "store.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
        conn.execute("ALTER TABLE effects ADD COLUMN colour TEXT")
    conn.close()
    opened = await place.open()
    assert len(await opened.tasks()) == 1
    await opened.want("repo:1", React(None, "x"))
    await opened.close()
    assert list(place.folder.glob("*.backup-*")) == []


async def test_a_reader_looks_on_while_the_store_is_open(store: Store, place: Place) -> None:
    reader = await ReadStore.open_read_only(place.url, clock=place.clock, data_dir=place.folder)
    task = await born(store)
    assert await reader.task(task.id) == task
    assert await reader.open_effects() == await store.open_effects()
    await reader.close()


async def test_there_must_be_something_to_read(place: Place) -> None:
    with pytest.raises(StoreMissing):
        await ReadStore.open_read_only(place.url, clock=place.clock, data_dir=place.folder)
    assert not (place.folder / "store.db").exists()


def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    sqlite3.connect(path).close()
    writing = sqlite.writing(path)
    with writing.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE n (n INTEGER)")
        wanted = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        settings = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted]
    assert settings == ["wal", 2, 1, 10_000]
    reading = sqlite.reading(path)
    with pytest.raises(OperationalError, match="readonly"), reading.begin() as conn:
        conn.exec_driver_sql("INSERT INTO n VALUES (1)")
    reading.dispose()
    writing.dispose()


def test_a_clock_without_a_time_zone_is_a_mistake() -> None:
    from sqlalchemy.dialects.sqlite import dialect

    from bot.store.schema import Instant

    moment = StillClock().now
    stored = Instant().process_bind_param(moment, dialect())
    assert Instant().process_result_value(stored, dialect()) == moment
    with pytest.raises(ValueError, match="time zone"):
        Instant().process_bind_param(moment.replace(tzinfo=None), dialect())
