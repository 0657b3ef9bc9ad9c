"""Group commit: what waits is committed together, and each job answers for itself."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.store import sqlite
from bot.store.errors import StoreClosed
from bot.store.writer import BATCH_BYTES, BATCH_JOBS, TransactionLost, Writer

pytestmark = pytest.mark.anyio


class Bench:
    """A writer on a file with two small tables."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rings = 0
        self._engine = sqlite.writing(path)
        conn = self._engine.connect()
        with conn.begin():
            conn.exec_driver_sql("CREATE TABLE n (n INTEGER PRIMARY KEY)")
            conn.exec_driver_sql("CREATE TABLE child (n INTEGER REFERENCES n DEFERRABLE INITIALLY DEFERRED)")
        self.writer = Writer(conn, self._ring)

    def _ring(self) -> None:
        self.rings += 1

    def stored(self) -> list[int]:
        with sqlite3.connect(self.path) as conn:
            return [n for (n,) in conn.execute("SELECT n FROM n ORDER BY n")]

    def hold(self) -> threading.Event:
        """Keep the writer busy until the event is set, so that what is submitted next waits together."""
        go = threading.Event()
        self.writer.submit(lambda conn: go.wait(20))
        return go

    async def close(self) -> None:
        await self.writer.close()
        self._engine.dispose()


@pytest.fixture
async def bench(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "writer.db")
    yield bench
    await bench.close()


def insert(conn: Connection, n: int) -> int:
    conn.exec_driver_sql(f"INSERT INTO n VALUES ({n})")  # noqa: S608 (a number of this test)
    return n


async def test_what_waits_is_committed_together_and_in_order(bench: Bench) -> None:
    go = bench.hold()
    jobs = [bench.writer.submit(lambda conn, n=n: insert(conn, n)) for n in range(100)]  # type: ignore[misc]
    go.set()
    assert await asyncio.gather(*jobs) == list(range(100))
    assert bench.writer.commits <= 2
    assert bench.stored() == list(range(100))


async def test_a_batch_is_bounded_by_jobs_and_bytes(bench: Bench) -> None:
    go = bench.hold()
    many = [bench.writer.submit(lambda conn: None) for _ in range(2 * BATCH_JOBS)]
    big = [bench.writer.submit(lambda conn: None, BATCH_BYTES) for _ in range(3)]
    go.set()
    await asyncio.gather(*many, *big)
    assert bench.writer.commits >= 5


async def test_the_loop_is_free_while_the_writer_works(bench: Bench) -> None:
    go = bench.hold()
    job = bench.writer.submit(lambda conn: insert(conn, 1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not job.done()
    go.set()
    await job


async def test_a_job_that_raises_takes_back_only_what_it_did(bench: Bench) -> None:
    def fails(conn: Connection) -> None:
        insert(conn, 2)
        insert(conn, 1)

    go = bench.hold()
    jobs = [bench.writer.submit(work) for work in (lambda conn: insert(conn, 1), fails, lambda conn: insert(conn, 3))]
    go.set()
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [outcomes[0], outcomes[2]] == [1, 3]
    assert isinstance(outcomes[1], IntegrityError)
    assert bench.stored() == [1, 3]


async def test_a_commit_that_fails_fails_the_whole_batch(bench: Bench) -> None:
    go = bench.hold()
    orphan = bench.writer.submit(lambda conn: conn.exec_driver_sql("INSERT INTO child VALUES (99)") and None)
    good = bench.writer.submit(lambda conn: insert(conn, 1))
    go.set()
    outcomes = await asyncio.gather(orphan, good, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [IntegrityError, IntegrityError]
    assert bench.stored() == []
    assert await bench.writer.submit(lambda conn: insert(conn, 2)) == 2
    assert bench.stored() == [2]


async def test_a_transaction_that_the_database_gave_up_fails_the_whole_batch(bench: Bench) -> None:
    """As SQLite may do on a full disk; later statements would be committed one by one."""

    def loses(conn: Connection) -> None:
        conn.exec_driver_sql("ROLLBACK")

    go = bench.hold()
    jobs = [bench.writer.submit(work) for work in (lambda conn: insert(conn, 1), loses, lambda conn: insert(conn, 2))]
    go.set()
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert bench.stored() == []
    assert await bench.writer.submit(lambda conn: insert(conn, 3)) == 3


async def test_a_lost_transaction_is_noticed_though_the_job_hides_it(bench: Bench) -> None:
    def hides(conn: Connection) -> None:
        for statement in ("ROLLBACK", "SAVEPOINT sa_savepoint_1"):
            conn.exec_driver_sql(statement)

    with pytest.raises(TransactionLost):
        await bench.writer.submit(hides)
    assert await bench.writer.submit(lambda conn: insert(conn, 3)) == 3
    assert bench.stored() == [3]


async def test_a_job_cancelled_before_its_turn_is_left_out(bench: Bench) -> None:
    go = bench.hold()
    job = bench.writer.submit(lambda conn: insert(conn, 1))
    job.cancel()
    go.set()
    assert await bench.writer.submit(lambda conn: insert(conn, 2)) == 2
    assert bench.stored() == [2]


async def test_it_rings_after_a_commit_that_asks_for_it(bench: Bench) -> None:
    await bench.writer.submit(lambda conn: insert(conn, 1))
    assert bench.rings == 0
    await bench.writer.submit(lambda conn: insert(conn, 2), rings=True)
    assert bench.rings == 1
    with pytest.raises(IntegrityError):
        await bench.writer.submit(lambda conn: insert(conn, 2), rings=True)
    assert bench.rings == 1


async def test_closing_serves_what_was_submitted_and_nothing_more(bench: Bench) -> None:
    jobs = [bench.writer.submit(lambda conn, n=n: insert(conn, n)) for n in range(20)]  # type: ignore[misc]
    await bench.writer.close()
    assert [job.result() for job in jobs] == list(range(20))
    with pytest.raises(StoreClosed):
        bench.writer.submit(lambda conn: insert(conn, 99))
    await bench.writer.close()


async def test_a_transaction_takes_the_lock_before_it_reads(bench: Bench) -> None:
    """The driver's default would begin at the first write: two could read the same, then both write."""
    go, begun = threading.Event(), threading.Event()

    def reads(conn: Connection) -> None:
        conn.exec_driver_sql("SELECT 1")
        begun.set()
        go.wait(20)

    job = bench.writer.submit(reads)
    assert await asyncio.to_thread(begun.wait, 20)
    other = sqlite3.connect(bench.path, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    go.set()
    await job
