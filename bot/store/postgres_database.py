"""Transactions on PostgreSQL: a few threads with a connection each, and trying again what may be tried again.

Every verb of the store may be repeated, also when nobody saw whether its COMMIT was carried out: facts, deliveries,
artifacts, marks and wishes have natural keys, a claim is found again by its lease, and the end of an effect that is
gone already changes nothing.
"""

import asyncio
import contextlib
import functools
import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from bot.store import postgres
from bot.store.errors import StoreClosed
from bot.store.listener import Listener
from bot.store.postgres import Trouble

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECTIONS = 6
OUTAGE_SECONDS = 8.0
"""How long a verb tries to reach a database that does not answer: a restart is not noticed, and GitHub waits for 10."""
PAUSE_SECONDS = 0.2
MOST_RACES = 10
"""A transaction that meets others so often does not meet them by chance."""


def patiently(url: str, once: Callable[[], T], outage_seconds: float, gives_up: Callable[[], bool] = bool) -> T:
    """Do it, again after races and short outages. Raises StoreUnavailable after a long one, or when it `gives_up`."""
    give_up_at, races = time.monotonic() + outage_seconds, 0
    while True:
        try:
            return once()
        except DBAPIError as error:
            trouble = postgres.trouble(error)
            if trouble is Trouble.OUTAGE:
                if gives_up() or time.monotonic() > give_up_at:
                    raise postgres.unavailable(url, error) from error
                time.sleep(PAUSE_SECONDS)
                continue
            races += 1
            if trouble is Trouble.FAULT or races > MOST_RACES:
                raise
            time.sleep(random.uniform(0, 0.01 * races))  # noqa: S311 (no secret)


class PostgresReaders:
    """Threads with connections to one database."""

    def __init__(
        self, url: str, idle_seconds: float, connections: int = CONNECTIONS, outage_seconds: float = OUTAGE_SECONDS
    ) -> None:
        self._url = url
        self._outage_seconds = outage_seconds
        self._engine = postgres.engine(url, connections, idle_seconds)
        self._looking = postgres.looking(self._engine)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="store")
        self._closing = threading.Event()

    async def read(self, look: Callable[[Connection], T]) -> T:
        return await self.run(self._looking, look)

    def run(self, engine: Engine, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        """`work` in a transaction, tried again after races and short outages. Raises StoreUnavailable."""
        if self._closing.is_set():
            raise StoreClosed("The store is closed.")
        return asyncio.get_running_loop().run_in_executor(self._threads, self.attempt, engine, work)

    def attempt(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        """The same, here and now."""

        def once() -> T:
            with engine.begin() as conn:
                return work(conn)

        return patiently(self._url, once, self._outage_seconds, self._closing.is_set)

    async def close(self) -> None:
        self._closing.set()
        await asyncio.to_thread(functools.partial(self._threads.shutdown, wait=True))
        self._engine.dispose()

    def writing(self) -> Engine:
        """For transactions that change something."""
        return self._engine


class PostgresDatabase:
    """Implements `database.Database` for one process of many."""

    def __init__(self, url: str, idle_seconds: float, rung: Callable[[], None]) -> None:
        self._readers = PostgresReaders(url, idle_seconds)
        self._rung = rung
        self._listener = Listener(url, idle_seconds, rung)
        self._commits = 0

    def submit(self, work: Callable[[Connection], T], size: int = 0, rings: bool = False) -> asyncio.Future[T]:
        def telling(conn: Connection) -> T:
            done = work(conn)
            postgres.announce(conn)
            return done

        submitted = self._readers.run(self._readers.writing(), telling if rings else work)
        submitted.add_done_callback(functools.partial(self._committed, rings))
        return submitted

    def _committed(self, rings: bool, submitted: "asyncio.Future[T]") -> None:
        if not submitted.cancelled() and submitted.exception() is None:
            self._commits += 1
            if rings:
                self._rung()

    def announce(self, conn: Connection) -> None:
        postgres.announce(conn)

    async def read(self, look: Callable[[Connection], T]) -> T:
        return await self._readers.read(look)

    @property
    def commits(self) -> int:
        return self._commits

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self._listener.close()
        await self._readers.close()
