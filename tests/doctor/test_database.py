"""The doctor on the database, at rest and in use."""

import os
from collections.abc import Callable
from datetime import datetime

import pytest

from bot.doctor import Level, examine
from bot.settings import Settings
from bot.store.migrate import HEAD
from bot.store.store import Store
from bot.task.effects import EnsureLabels, Pace, RunAgent, Sweep
from tests.doctor.conftest import named
from tests.store.given import must_claim, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio


async def opened(settings: Settings, clock: Callable[[], datetime]) -> Store:
    return await Store.open(settings.database_url, pace=Pace(), clock=clock, data_dir=settings.data_dir)


async def test_a_served_database_is_read_and_left_alone(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    before = sorted((path.name, path.read_bytes()) for path in here.data_dir.iterdir())
    try:
        findings = await examine(here, clock=clock)
        after = sorted((path.name, path.read_bytes()) for path in here.data_dir.iterdir())
        await store.mark("still", "writable")
    finally:
        await store.close()
    assert named(findings, f"(pid {os.getpid()})").level is Level.OK
    assert named(findings, f"schema {HEAD}").level is Level.OK
    assert [name for name, _ in after] == [name for name, _ in before]
    assert [one for one in after if not one[0].endswith("-shm")] == [one for one in before if one[0][-4:] != "-shm"]


async def test_a_database_at_rest(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    await store.want("world", Sweep())
    await store.close()
    clock.advance(hours=1)
    before = {path.name: path.read_bytes() for path in here.data_dir.iterdir()}
    findings = await examine(here, clock=clock)
    after = {path.name: path.read_bytes() for path in here.data_dir.iterdir()}
    after.pop("issuewright.db-shm")  # SQLite's own: whoever reads makes them, without content
    assert after.pop("issuewright.db-wal") == b""
    assert after == before
    assert named(findings, "No process has").level is Level.OK
    told = named(findings, "The oldest due effect, Sweep of world, has waited for 1 h")
    assert (told.level, "when `serve` runs" in told.what) == (Level.OK, True)


async def test_what_was_given_up_and_what_is_late(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    try:
        _, claimed = await working(store)
        await store.bury(claimed, "OSError: the disk is full")
        await store.want("repo:1", EnsureLabels(1, "acme/app", 5))
        labels = await must_claim(store, EnsureLabels)
        await store.release(labels, clock.now, fault="GitHub could not list the labels")
        clock.advance(minutes=2)
        findings = await examine(here, clock=clock)
    finally:
        await store.close()
    assert "RunAgent of task:1 (OSError: the disk is full)" in named(findings, "given up").what
    assert named(findings, "given up").level is Level.WARN
    assert "could not list the labels" in named(findings, "will be tried again").what
    assert named(findings, "oldest due effect").level is Level.WARN


async def test_what_waits_behind_a_running_step_is_not_late(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    try:
        task, _held = await working(store)
        while (claimed := await store.claim("w")) is not None:
            await store.finish(claimed)
        await store.want(f"task:{task.id}", RunAgent(1, 2))
        clock.advance(hours=1)
        findings = await examine(here, clock=clock)
    finally:
        await store.close()
    assert not [finding for finding in findings if "oldest due" in finding.what]


async def test_a_file_that_is_no_database(settings: Callable[..., Settings]) -> None:
    here = settings()
    (here.data_dir / "issuewright.db").write_text("Dear diary, today nothing happened at all." * 20)
    findings = await examine(here)
    assert named(findings, "is not a database").level is Level.BAD


async def test_a_database_of_another_kind(settings: Callable[..., Settings]) -> None:
    findings = await examine(settings(database_url="mysql://localhost/issuewright"))
    assert named(findings, "mysql").level is Level.BAD


async def test_a_postgresql_server_that_does_not_answer(settings: Callable[..., Settings]) -> None:
    findings = await examine(settings(database_url="postgresql://me:secret@127.0.0.1:1/bot"))
    assert named(findings, "bot on 127.0.0.1").level is Level.BAD
    assert not any("secret" in finding.what for finding in findings)


async def test_a_postgresql_database_with_a_worker(settings: Callable[..., Settings], database: str) -> None:
    told = settings(database_url=database)
    store = await Store.open(database, pace=Pace(), clock=StillClock(), data_dir=told.data_dir)
    await store.want("world", Sweep())
    assert named(await examine(told), "1 worker alive").level is Level.OK
    await store.close()
    assert named(await examine(told), "0 workers alive").level is Level.OK


async def test_an_empty_postgresql_database(settings: Callable[..., Settings], empty_database: str) -> None:
    assert named(await examine(settings(database_url=empty_database)), "is empty or").level is Level.WARN
