"""One thread owns the one connection that writes, and commits what waits together (group commit).

Each job runs in a savepoint: one that raises takes back only what it did. Futures are resolved after the COMMIT,
so that nobody believes in what a crash may still take away; a COMMIT that fails fails the whole batch.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.store.errors import StoreClosed
from bot.store.sqlite import in_transaction, roll_back

T = TypeVar("T")

BATCH_JOBS = 256
BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """Work for the writer. `size`: bytes that it carries, `rings`: whether somebody may have new effects to claim."""

    work: Callable[[Connection], Any]
    size: int
    rings: bool
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


class TransactionLost(Exception):
    """SQLite rolled everything back by itself; later statements would commit one by one, unnoticed."""


class Writer:
    """Serves jobs in the order in which they came. `rung` is called on the event loop after a commit that rings."""

    def __init__(self, conn: Connection, rung: Callable[[], None]) -> None:
        """`conn` belongs to the thread from now on, which closes it in the end."""
        self.commits = 0
        """Transactions committed so far."""
        self._conn = conn
        self._rung = rung
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T], size: int = 0, rings: bool = False) -> asyncio.Future[T]:
        """Do `work` in a transaction. A future cancelled before its turn is left out; later it is done unheard."""
        if self._closed:
            raise StoreClosed("The store is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(Job(work, size, rings, future))
        return future

    async def close(self) -> None:
        """Serve what was submitted, then end the thread. May be called again."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        with self._conn as conn:
            going = True
            while going:
                batch, going = self._take()
                outcomes = self._commit(conn, batch)
                self._answer(batch, outcomes)

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for a job, then take with it what else waits, up to a bound. False: nothing comes after these."""
        batch: list[Job] = []
        size = 0
        job = self._queue.get()
        while job is not None:
            batch.append(job)
            size += job.size
            if len(batch) >= BATCH_JOBS or size >= BATCH_BYTES:
                return batch, True
            try:
                job = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _commit(self, conn: Connection, batch: list[Job]) -> list[object]:
        if not batch:
            return []
        try:
            with conn.begin():
                outcomes = [self._attempt(conn, job) for job in batch]
        except BaseException as error:
            # COMMIT failed, or SQLite gave up the transaction (disk full, I/O error): nothing of the batch stands
            roll_back(conn)
            return [_Raised(error)] * len(batch)
        self.commits += 1
        return outcomes

    @staticmethod
    def _attempt(conn: Connection, job: Job) -> object:
        if job.future.cancelled():
            return None
        savepoint = conn.begin_nested()
        outcome: object
        try:
            outcome = job.work(conn)
            savepoint.commit()
        except Exception as error:
            outcome = _Raised(error)
            savepoint.rollback()  # raises if there is no transaction any more, and so fails the batch
        if not in_transaction(conn):
            raise TransactionLost("the database gave up the transaction")
        return outcome

    def _answer(self, batch: list[Job], outcomes: list[object]) -> None:
        def on_loop() -> None:
            rings = False
            for job, outcome in zip(batch, outcomes, strict=True):
                rings = rings or (job.rings and not isinstance(outcome, _Raised))
                if job.future.done():
                    continue
                if isinstance(outcome, _Raised):
                    job.future.set_exception(outcome.error)
                else:
                    job.future.set_result(outcome)
            if rings:
                self._rung()

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(on_loop)
