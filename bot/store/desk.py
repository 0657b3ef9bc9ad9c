"""What the operator changes beside running servers: small transactions of their own, without lock or session.

That is safe because nothing of a server is in its memory alone: it reads pauses when it admits a run, and claims
whatever effects there are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from bot.store import pauses, postgres, sqlite, stock
from bot.store.errors import StoreLocked, StoreMissing
from bot.store.lock import FileLock
from bot.store.migrate import check_readable
from bot.store.postgres_database import PostgresReaders
from bot.store.stock import Stock
from bot.task.pause import Pause

T = TypeVar("T")
Transact = Callable[[Callable[[Connection], object]], object]
"""Does something in a transaction."""

_IDLE_SECONDS = 15.0


class Desk:
    """Open with `desk`. Every verb is one transaction; what is due after it is seen by the servers within seconds."""

    def __init__(self, run: Transact, clock: Callable[[], datetime]) -> None:
        self._run = run
        self._clock = clock

    def _do(self, work: Callable[[Connection], T]) -> T:
        done: list[T] = []
        self._run(lambda conn: done.append(work(conn)))
        return done[-1]

    def pauses(self) -> list[Pause]:
        return self._do(pauses.listed)

    def pause(self, repository: str, reason: str) -> None:
        """No run is admitted after this: of the repository, or of the server."""
        self._do(lambda conn: pauses.begin(conn, Pause(repository.lower(), reason, in_file=False), self._clock()))

    def resume(self, repository: str) -> bool:
        """False: no command had paused it."""
        return self._do(lambda conn: pauses.end(conn, repository.lower(), self._clock()))

    def stock(self, full_name: str) -> Stock:
        """What is kept of a repository."""
        return self._do(lambda conn: stock.take_stock(conn, full_name))

    def remove(self, full_name: str, *, nobody_works: bool = False) -> Stock | str:
        """Every row of the repository goes; what was removed, or why nothing was. `nobody_works`: no server runs."""

        def work(conn: Connection) -> Stock | str:
            found = stock.take_stock(conn, full_name)
            if not nobody_works and (why := stock.in_work(conn, found)):
                return why
            stock.remove(conn, found)
            return found

        return self._do(work)

    def in_work(self, full_name: str) -> str:
        """What is being done for it right now; empty: nothing."""
        return self._do(lambda conn: stock.in_work(conn, stock.take_stock(conn, full_name)))


@contextmanager
def desk(url: str, data_dir: Path, clock: Callable[[], datetime]) -> Iterator[Desk]:
    """Raises the errors of `bot.store.errors`: there has to be a database of this version."""
    with _on_postgres(url) if postgres.speaks(url) else _on_sqlite(sqlite.file_of(url, data_dir)) as run:
        run(check_readable)
        yield Desk(run, clock)


@contextmanager
def nobody_serves(url: str, data_dir: Path) -> Iterator[bool]:
    """Is no server running, and will none start while the block runs? With PostgreSQL that cannot be told."""
    if postgres.speaks(url):
        yield False
        return
    try:
        lock = FileLock(sqlite.file_of(url, data_dir))
    except StoreLocked:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def _on_sqlite(path: Path) -> Iterator[Transact]:
    if not path.exists():
        raise StoreMissing(f"There is no database at {path}.")
    engine = sqlite.writing(path)

    def run(work: Callable[[Connection], object]) -> object:
        with engine.begin() as conn:
            return work(conn)

    try:
        yield run
    finally:
        engine.dispose()


@contextmanager
def _on_postgres(url: str) -> Iterator[Transact]:
    readers = PostgresReaders(url, _IDLE_SECONDS, 1)

    def run(work: Callable[[Connection], object]) -> object:
        def telling(conn: Connection) -> object:
            done = work(conn)
            postgres.announce(conn)
            return done

        return readers.attempt(readers.writing(), telling)

    try:
        yield run
    finally:
        readers.writing().dispose()
