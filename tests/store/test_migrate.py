"""Migrations go forwards, after a backup, all or nothing."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from bot.store import sqlite
from bot.store.errors import StoreUnwritable
from bot.store.migrate import HEAD, SCRIPTS, migrate
from bot.store.schema import metadata
from bot.store.store import Store
from tests.store.conftest import Place
from tests.store.given import born, must_claim

ADDITION = '''"""A column more."""

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("colour", sa.Text, server_default="green", nullable=False))
    {more}
'''


def tables(path: Path) -> dict[str, str]:
    """Every table and index of ours, as SQLite keeps its definition."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
    with sqlite3.connect(path) as conn:
        return {name: " ".join(sql.split()) for name, sql in conn.execute(query)}


def chain(folder: Path, more: str = "pass") -> Path:
    """Our scripts, and one more revision that only this test knows."""
    scripts = folder / "migrations"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "r9000_colour.py").write_text(ADDITION.format(more=more))
    return scripts


def test_the_scripts_lead_to_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    migrate(tmp_path / "migrated.db")
    engine = sqlite.writing(tmp_path / "created.db")
    with engine.begin() as conn:
        metadata.create_all(conn)
    engine.dispose()
    assert tables(tmp_path / "migrated.db") == tables(tmp_path / "created.db")


def test_the_known_head_is_the_newest_script() -> None:
    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [HEAD]


def test_migrating_again_does_nothing(tmp_path: Path) -> None:
    migrate(tmp_path / "a.db")
    migrate(tmp_path / "a.db")
    assert list(tmp_path.glob("*.backup-*")) == []


@pytest.mark.anyio
async def test_an_older_database_is_backed_up_and_keeps_what_it_holds(
    store: Store, place: Place, tmp_path: Path
) -> None:
    task = await born(store)
    await must_claim(store)
    await store.close()
    before = tables(tmp_path / "store.db")

    migrate(tmp_path / "store.db", scripts=chain(tmp_path), head="9000")
    backup = tmp_path / "store.db.backup-0002"
    assert tables(backup) == before
    with sqlite3.connect(backup) as conn:
        assert conn.execute("SELECT count(*) FROM effects").fetchone() == (3,)
    with sqlite3.connect(tmp_path / "store.db") as conn:
        assert conn.execute("SELECT id, colour FROM tasks").fetchall() == [(task.id, "green")]

    reopened = await place.open()  # by this version, which knows nothing of colours
    assert await reopened.task(task.id) == task
    await born(reopened, 8, 12)
    await reopened.close()


@pytest.mark.anyio
async def test_a_migration_that_fails_leaves_the_old_tables(store: Store, place: Place, tmp_path: Path) -> None:
    task = await born(store)
    await store.close()
    before = tables(tmp_path / "store.db")
    scripts = chain(tmp_path, "op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises((StoreUnwritable, OperationalError)):
        migrate(tmp_path / "store.db", scripts=scripts, head="9000")
    assert tables(tmp_path / "store.db") == before
    assert (tmp_path / "store.db.backup-0002").exists()
    reopened = await place.open()
    assert await reopened.task(task.id) == task
    await reopened.close()


def test_a_backup_takes_what_is_not_yet_in_the_main_file(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "a.db")
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE n (n INTEGER)")
    writer.execute("INSERT INTO n VALUES (7)")
    writer.commit()
    (tmp_path / "b.db.partial").write_bytes(b"left by a crash")
    sqlite.back_up(tmp_path / "a.db", tmp_path / "b.db")
    writer.close()
    with sqlite3.connect(tmp_path / "b.db") as conn:
        assert conn.execute("SELECT n FROM n").fetchall() == [(7,)]
    with pytest.raises(StoreUnwritable):
        sqlite.back_up(tmp_path / "a.db", tmp_path / "nowhere" / "b.db")
