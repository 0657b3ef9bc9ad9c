"""Who lives keeps what it holds; who is dead or frozen is taken over from, and fenced off when it wakes up."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, update

from bot.store import postgres
from bot.store.errors import StoreLocked
from bot.store.schema import EPOCH, workers
from bot.store.store import Store
from bot.store.values import Finished
from bot.store.workers import beat, is_younger, take_over
from bot.task.effects import RunAgent, Sweep
from tests.postgres.conftest import SECONDS, Opening, eventually
from tests.postgres.cutter import cutting
from tests.store.given import must_claim, result_of, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def holding(database: str, folder: Path, seconds: float = SECONDS) -> AsyncIterator[Process]:
    """A process that holds RunAgent in its hands."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.postgres.holder", database, str(folder), str(seconds), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    """What the process may still do, now that it is asked."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    return (await process.stdout.readline()).decode().strip()


async def test_who_lives_keeps_what_it_holds_however_busy_it_is(
    opening: Opening, database: str, tmp_path: Path
) -> None:
    async with holding(database, tmp_path / "busy") as process:  # its event loop stands still all the time
        other = await opening()
        await asyncio.sleep(2 * SECONDS)
        [effect] = [effect for effect in await other.open_effects() if effect.kind == "RunAgent"]
        assert (effect.owner, effect.attempts) == ("w", 1)
        assert await said(process) == "True True done"


async def test_a_dead_worker_is_taken_over_from(opening: Opening, database: str, tmp_path: Path) -> None:
    other = await opening()
    async with holding(database, tmp_path / "dead") as process:
        process.kill()
        killed_at = time.monotonic()
        await eventually(lambda: _is_free(other))
        assert time.monotonic() - killed_at > SECONDS / 2, "its last heartbeat was not that old"
        assert time.monotonic() - killed_at < 2 * SECONDS + 1
        assert await other.workers() == 1


async def _is_free(store: Store) -> bool:
    [effect] = [effect for effect in await store.open_effects() if effect.kind == "RunAgent"]
    assert effect.attempts == 1, "the attempt stays counted"
    return effect.owner is None


async def test_a_frozen_worker_may_do_nothing_any_more_when_it_wakes_up(
    opening: Opening, database: str, tmp_path: Path
) -> None:
    other = await opening()
    async with holding(database, tmp_path / "frozen") as process:
        process.send_signal(signal.SIGSTOP)
        await eventually(lambda: _is_free(other))
        process.send_signal(signal.SIGCONT)
        assert await said(process) == "False False lost"


async def test_a_worker_that_wakes_up_before_anybody_took_over_writes_nothing_either(
    database: str, tmp_path: Path
) -> None:
    """Half of the time is over, nobody else is there: its lease stands, and its result is still good."""
    async with holding(database, tmp_path / "napping", seconds=4) as process:
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2.6)
        process.send_signal(signal.SIGCONT)
        assert await said(process) == "False False done"


async def test_a_machine_that_starts_again_takes_up_its_own_work_at_once(
    opening: Opening, database: str, tmp_path: Path
) -> None:
    async with holding(database, tmp_path / "again", seconds=300) as process:
        process.kill()
        await process.wait()
        started = await opening(folder="again", seconds=300)
        claimed = await must_claim(started, RunAgent)
        assert (claimed.attempt, claimed.moved) == (2, False)


async def test_one_process_at_a_time_uses_a_data_folder(opening: Opening) -> None:
    store = await opening(folder="shared")
    with pytest.raises(StoreLocked, match=r"ISSUEWRIGHT_DATA_DIR .*is in use by another process \(pid \d+\)"):
        await opening(folder="shared")
    await store.close()
    again = await opening(folder="shared")
    assert await again.ready()


async def test_a_store_that_closes_gives_back_what_it_holds(opening: Opening) -> None:
    leaving, staying = await opening(), await opening(seconds=300)
    task, claimed = await working(leaving)
    await leaving.close()
    assert await staying.workers() == 1
    [effect] = [effect for effect in await staying.open_effects(task.id) if effect.id == claimed.id]
    assert (effect.owner, effect.attempts) == (None, 1)
    assert await staying.finish(claimed, result_of(claimed.effect)) is Finished.LOST


async def test_what_one_commits_wakes_the_others(opening: Opening, clock: StillClock) -> None:
    here, there = await opening(), await opening()
    await there.woken(1)  # what listening itself rings
    await there.woken(0.2)
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(there.woken(60))
        await here.want("world", Sweep())
        await waiting
        waiting = asyncio.create_task(there.woken(60))
        await asyncio.sleep(0)
        await here.release(await must_claim(here), clock.now)
        await waiting


async def test_a_database_that_hangs_is_given_up_in_time(opening: Opening, database: str) -> None:
    """Nobody says that the line is cut; the heartbeat waits for its answer."""
    async with cutting(database) as (cutter, url):
        store = await opening(url=url)
        _, claimed = await working(store)
        cutter.flows.clear()
        began = time.monotonic()

        async def given_up() -> bool:
            return not store.holds(claimed)

        await eventually(given_up)
        assert time.monotonic() - began < SECONDS * 0.75
        cutter.flows.set()


async def test_nobody_ends_a_session_while_it_claims(opening: Opening, database: str) -> None:
    """Otherwise the claim would belong to nobody, and never be free again."""
    await opening(seconds=300)
    engine = postgres.engine(database, 2, 10)
    with engine.connect() as claiming, engine.connect() as other:
        [worker] = claiming.execute(select(workers.c.id)).scalars()
        assert is_younger(claiming, worker, 300, keep=True)
        aged = update(workers).values(heartbeat_at=EPOCH)
        other.execute(aged)  # a beat gets through, whatever it says
        other.commit()
        assert take_over(other, 300) == []
        claiming.commit()
        assert take_over(other, 300) == [worker]
        other.rollback()
    engine.dispose()


async def test_a_session_that_is_too_old_is_not_brought_back(opening: Opening, database: str) -> None:
    """Not even when nobody has ended it yet: somebody may be about to."""
    await opening(seconds=300)
    engine = postgres.engine(database, 1, 10)
    with engine.begin() as conn:
        [worker] = conn.execute(select(workers.c.id)).scalars()
        assert beat(conn, worker, 300) == (True, False)
        conn.execute(update(workers).values(heartbeat_at=EPOCH))
        assert beat(conn, worker, 300) == (False, False)
    engine.dispose()


# ── the fence ──


async def test_the_fence_goes_by_the_database_s_clock(opening: Opening, database: str) -> None:
    """A machine that was paused from outside notices nothing of it: its own clock stood still, too."""
    store = await opening(seconds=300)
    _, claimed = await working(store)
    assert await store.may_write(claimed)
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as conn:
        await conn.execute("UPDATE workers SET heartbeat_at = heartbeat_at - 160 * 1000000::bigint")
    assert store.holds(claimed)
    assert not await store.may_write(claimed)


async def test_the_fence_does_not_believe_an_answer_that_took_too_long(opening: Opening, database: str) -> None:
    """As if this process had been frozen while it waited: the answer was true when it was given."""
    async with cutting(database) as (cutter, url):
        store = await opening(url=url)
        _, claimed = await working(store)
        assert await store.may_write(claimed)
        cutter.hold_at = b"SELECT workers.id \nFROM workers \nWHERE workers.id = "  # the last thing that is asked
        asking = asyncio.create_task(store.may_write(claimed))
        await asyncio.sleep(SECONDS)
        assert not cutter.flows.is_set()
        cutter.flows.set()
        assert await asking is False
