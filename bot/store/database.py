"""Where transactions run. The store asks for these verbs only; SQLite answers with a writer thread and readers,
PostgreSQL (`postgres_database`) with connections in threads."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from bot.store import sqlite
from bot.store.errors import StoreClosed
from bot.store.lock import FileLock
from bot.store.migrate import check_readable, migrate
from bot.store.writer import Writer

T = TypeVar("T")


class Reading(Protocol):
    """A database that can be looked at."""

    async def read(self, look: Callable[[Connection], T]) -> T:
        """`look` sees one state, with everything that was committed before the call."""
        ...

    async def close(self) -> None: ...


class Database(Reading, Protocol):
    """A database that can be changed."""

    def submit(self, work: Callable[[Connection], T], size: int = 0, rings: bool = False) -> asyncio.Future[T]:
        """`work` runs in a transaction of its own effect; the future is done when that is durable.

        `size`: bytes that it carries. `rings`: wake the dispatcher afterwards.
        """
        ...

    def announce(self, conn: Connection) -> None:
        """After the transaction's commit, the dispatchers of other processes are woken, too."""
        ...

    @property
    def commits(self) -> int:
        """Transactions committed since the database was opened."""
        ...


class SqliteReaders:
    """A few threads with read-only connections to one file."""

    def __init__(self, path: Path) -> None:
        """Raises StoreMissing, NotADatabase or NewerSchema."""
        self._engine = sqlite.reading(path)
        try:
            with self._engine.connect() as conn, conn.begin():
                check_readable(conn)
        except BaseException:
            self._engine.dispose()
            raise
        self._threads = ThreadPoolExecutor(sqlite.READERS, thread_name_prefix="store-reader")
        self._closed = False

    async def read(self, look: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as conn, conn.begin():
                return look(conn)

        if self._closed:
            raise StoreClosed("The store is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(functools.partial(self._threads.shutdown, wait=True))
        self._engine.dispose()


class SqliteDatabase:
    """One process, one file, one writer."""

    def __init__(self, path: Path, lock: FileLock, rung: Callable[[], None]) -> None:
        self._lock = lock
        self._readers = SqliteReaders(path)
        self._engine = sqlite.writing(path)
        self._writer = Writer(self._engine.connect(), rung)

    @classmethod
    async def open(cls, path: Path, may_migrate: bool, rung: Callable[[], None]) -> "SqliteDatabase":
        """Lock, back up and migrate if needed, start the threads. Raises the errors of `bot.store.errors`."""
        lock = await asyncio.to_thread(FileLock, path)
        try:
            await asyncio.to_thread(migrate, path, may_migrate)
            return cls(path, lock, rung)
        except BaseException:
            lock.release()
            raise

    def submit(self, work: Callable[[Connection], T], size: int = 0, rings: bool = False) -> asyncio.Future[T]:
        return self._writer.submit(work, size, rings)

    def announce(self, conn: Connection) -> None:
        """There are no others."""

    async def read(self, look: Callable[[Connection], T]) -> T:
        return await self._readers.read(look)

    @property
    def commits(self) -> int:
        return self._writer.commits

    async def close(self) -> None:
        await self._writer.close()
        await self._readers.close()
        self._engine.dispose()
        self._lock.release()
