"""Bring a database to this version's tables: forwards only, after a backup, by Alembic scripts in the package.

Old and new code may run side by side: a database that a newer version has migrated stays usable here as long as its
`min_code_version` allows it. That is how columns are added first and removed a version later.
"""

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.exc import DatabaseError

from bot.store import postgres, sqlite
from bot.store.errors import NeedsMigration, NewerSchema, NotADatabase, StoreUnwritable
from bot.store.schema import meta

HEAD = "0002"
"""The newest revision in `migrations/versions`; a test compares."""
CODE_VERSION = 1
"""Counted up by a change after which older code must not touch the database."""
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(path: Path, allowed: bool = True, scripts: Path = SCRIPTS, head: str = HEAD) -> None:
    """The SQLite file is at `head` (made if absent), after a backup of an older one to `<file>.backup-<revision>`.

    One transaction: a crash leaves the old tables. Raises NewerSchema, NotADatabase, StoreUnwritable, or
    NeedsMigration when it is not `allowed`.
    """
    engine = sqlite.writing(path)
    try:
        with engine.begin() as conn:
            found = revision(conn)
            if found == head or is_newer(conn, found, scripts):
                return
        if not allowed:
            raise NeedsMigration(f"{path} must be migrated first: run `issuewright migrate`.")
        if found is not None:
            sqlite.back_up(path, path.with_name(f"{path.name}.backup-{found}"))
        with engine.begin() as conn:
            upgrade(conn, scripts)
    except DatabaseError as error:
        raise StoreUnwritable(f"Cannot use {path}: {error.orig}.") from error
    finally:
        engine.dispose()


def migrate_postgres(url: str, allowed: bool = True) -> None:
    """The database is at HEAD. One process at a time; no backup is made. Raises NewerSchema, NotADatabase,
    NeedsMigration, or DBAPIError.
    """
    engine = postgres.engine(url, 1, idle_seconds=60)
    try:
        with engine.begin() as conn:
            conn.execute(select(func.pg_advisory_xact_lock(postgres.MIGRATION_LOCK)))
            found = revision(conn)
            if found == HEAD or is_newer(conn, found):
                return
            if not allowed:
                raise NeedsMigration("The database must be migrated first: run `issuewright migrate`.")
            upgrade(conn)
    finally:
        engine.dispose()


def revision(conn: Connection) -> str | None:
    """The database's revision; None: it is empty. Raises NotADatabase for tables that are not ours."""
    names = inspect(conn).get_table_names()
    if not names:
        return None
    if "alembic_version" not in names or "effects" not in names:
        raise NotADatabase("The database holds tables of another program.")
    found: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def is_newer(conn: Connection, found: str | None, scripts: Path = SCRIPTS) -> bool:
    """Did a newer version migrate it, in a way that this one can live with? Raises NewerSchema if it cannot."""
    if found is None or any((scripts / "versions").glob(f"r{found}_*.py")):
        return False
    needed = conn.execute(select(meta.c.value).where(meta.c.name == "min_code_version")).scalar()
    if needed is None or int(needed) > CODE_VERSION:
        raise NewerSchema("The database was written by a newer version of Issuewright: update this one.")
    return True


def check_readable(conn: Connection) -> None:
    """Raises NotADatabase, NeedsMigration or NewerSchema if the reads of this version would not work."""
    try:
        found = revision(conn)
    except DatabaseError as error:
        raise NotADatabase(f"The database cannot be read: {error.orig}.") from error
    if found != HEAD and not is_newer(conn, found):
        raise NeedsMigration("The database must be migrated first: run `issuewright migrate`.")


def upgrade(conn: Connection, scripts: Path = SCRIPTS) -> None:
    """Run what is missing, within the transaction that `conn` is in."""
    from alembic import command  # here: a tenth of a second that a start without migration saves
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
