"""SQLite connections as we want them: WAL, every commit on disk, transactions that begin when we say so."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from bot.store.errors import NotADatabase, StoreMissing, StoreUnwritable, UnsupportedDatabase

BUSY_MILLISECONDS = 10_000
"""How long to wait for somebody else's lock, say that of a shell or a backup tool."""
READERS = 4


def file_of(url: str, data_dir: Path) -> Path:
    """The file that an `sqlite:` URL names; a relative one lies in `data_dir`. Raises UnsupportedDatabase."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UnsupportedDatabase("The database URL cannot be read; it looks like sqlite:///issuewright.db.") from None
    if parsed.get_backend_name() != "sqlite":
        raise UnsupportedDatabase(
            f"Databases of the kind {parsed.get_backend_name()} are not supported: SQLite and PostgreSQL are."
        )
    if not parsed.database or parsed.database == ":memory:":
        raise UnsupportedDatabase("The database URL must name a file, for example sqlite:///issuewright.db.")
    return data_dir / parsed.database


def writing(path: Path) -> Engine:
    """An engine for one connection that writes. Raises StoreUnwritable or NotADatabase when it is first used."""

    def connect() -> sqlite3.Connection:
        try:
            # isolation_level None: the driver begins nothing by itself, `_immediate` does
            raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise StoreUnwritable(f"Cannot open {path}: {error}.") from error
        _prepare(raw, path, ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"))
        return raw

    return _engine(connect, 1, "BEGIN IMMEDIATE")


def reading(path: Path) -> Engine:
    """An engine whose connections cannot write; a transaction sees one state. Raises StoreMissing or NotADatabase."""

    def connect() -> sqlite3.Connection:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        try:
            raw = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise StoreMissing(f"There is no database at {path}.") from error
        _prepare(raw, path, ("query_only=ON",))
        return raw

    return _engine(connect, READERS, "BEGIN")


def _prepare(raw: sqlite3.Connection, path: Path, pragmas: tuple[str, ...]) -> None:
    try:
        for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", *pragmas):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        raw.close()
        raise StoreUnwritable(f"Cannot use {path}: {error}.") from error
    except sqlite3.DatabaseError as error:
        raw.close()
        raise NotADatabase(f"{path} is not a database: {error}.") from error


def _engine(connect: object, connections: int, begin: str) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def in_transaction(conn: Connection) -> bool:
    """Is there still a transaction? After some errors (disk full, I/O) SQLite ends it without being asked."""
    raw = conn.connection.dbapi_connection
    return isinstance(raw, sqlite3.Connection) and raw.in_transaction


def roll_back(conn: Connection) -> None:
    """End whatever transaction there still is: a COMMIT that failed leaves one open, which SQLAlchemy thinks over."""
    raw = conn.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        with suppress(sqlite3.Error):
            raw.rollback()


def back_up(source: Path, target: Path) -> None:
    """A whole copy of a database that may be open; `target` is there complete or not at all.

    Raises StoreUnwritable.
    """
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(partial)) as copy:
            origin.backup(copy)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnwritable(f"Cannot back up {source} to {target}: {error}.") from error
