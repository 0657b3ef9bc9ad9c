"""From a URL to a database and this process's session: the one place that knows which kinds there are."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from bot.store import claims, notes, postgres, sqlite
from bot.store.database import Database, Reading, SqliteDatabase, SqliteReaders
from bot.store.errors import StoreUnwritable
from bot.store.machine import Machine
from bot.store.migrate import check_readable, migrate_postgres
from bot.store.postgres_database import OUTAGE_SECONDS, PostgresDatabase, PostgresReaders, patiently
from bot.store.pulse import Pulse
from bot.store.session import Alone, Session
from bot.store.workers import Identity

TIME_TO_LIVE = timedelta(seconds=30)
"""A worker without a heartbeat for so long is dead."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A database, the session of this process, and what else must be let go of in the end."""

    database: Database
    session: Session
    release: Callable[[], None] = lambda: None

    async def close(self) -> None:
        """Give back what is held; may be called again."""
        await self.session.close()
        await self.database.close()
        self.release()


async def open_sqlite(path: Path, may_migrate: bool, rung: Callable[[], None]) -> Opened:
    """Lock, back up and migrate, and void the claims of whoever had it open before."""
    database = await SqliteDatabase.open(path, may_migrate, rung)
    try:
        epoch = await database.submit(notes.next_epoch)
        await database.submit(claims.void_claims)
    except BaseException:
        await database.close()
        raise
    return Opened(database, Alone(epoch))


async def open_postgres(
    url: str, data_dir: Path, may_migrate: bool, time_to_live: timedelta, rung: Callable[[], None]
) -> Opened:
    """Migrate, and begin a session. One process per data folder. Raises the errors of `bot.store.errors`."""
    machine = await asyncio.to_thread(Machine.of, data_dir)
    loop, seconds = asyncio.get_running_loop(), time_to_live.total_seconds()

    def rung_from_thread() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(rung)

    def begin() -> Pulse:
        migrate_postgres(url, may_migrate)
        who = Identity(machine.id, socket.gethostname(), os.getpid())
        return Pulse(postgres.engine(url, 1, seconds / 2), who, seconds, rung_from_thread)

    try:
        pulse = await asyncio.to_thread(patiently, url, begin, OUTAGE_SECONDS)
    except DBAPIError as error:
        machine.release()
        reason = str(error.orig).strip().splitlines()[0].rstrip(".")
        raise StoreUnwritable(f"Cannot use {postgres.place(url)}: {reason}.") from error
    except BaseException:
        machine.release()
        raise
    return Opened(PostgresDatabase(url, seconds / 2, rung), pulse, machine.release)


async def open_to_read(url: str, data_dir: Path) -> Reading:
    """Without a lock or a session. Raises the errors of `bot.store.errors`."""
    if not postgres.speaks(url):
        return SqliteReaders(sqlite.file_of(url, data_dir))
    readers = PostgresReaders(url, TIME_TO_LIVE.total_seconds(), 2, outage_seconds=0)
    try:
        await readers.read(check_readable)
    except BaseException:
        await readers.close()
        raise
    return readers
