"""Artifacts, progress and marks."""

import asyncio
import random

import pytest

from bot.store.store import Store
from bot.task.ids import ArtifactId, TaskId
from bot.task.results import PlanStep, Progress
from tests.store.conftest import Place
from tests.store.given import born
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

CHUNK = 256 * 1024


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7])
async def test_an_artifact_comes_back_as_it_was(store: Store, size: int) -> None:
    data = random.Random(size).randbytes(size)
    kept = await store.keep((await born(store)).id, "log", "make test", data)
    assert await store.artifact(kept) == data


async def test_it_survives_a_restart(store: Store, place: Place) -> None:
    kept = await store.keep(None, "issue", "acme/app#7:11", b"body")
    reopened = await place.reopen(store)
    assert await reopened.artifact(kept) == b"body"
    await reopened.close()


async def test_an_unknown_artifact_is_none(store: Store) -> None:
    assert await store.artifact(ArtifactId(1)) is None
    assert await store.find_artifact(TaskId(1), "log") is None


@pytest.mark.parametrize("homeless", [True, False])
async def test_the_same_name_again_replaces_the_content(store: Store, homeless: bool) -> None:
    task = None if homeless else (await born(store)).id
    first = await store.keep(task, "issue", "7", b"x" * 3 * CHUNK)
    second = await store.keep(task, "issue", "7", b"short")
    other = await store.keep(task, "issue", "8", b"other")
    assert second == first
    assert other != first
    assert await store.artifact(first) == b"short"


async def test_the_newest_of_a_kind_is_found(store: Store, clock: StillClock) -> None:
    task = await born(store)
    for name in ("1.1", "1.2", "1.1"):
        await store.keep(task.id, "log", name, f"{name} at {clock.now}".encode())
        clock.advance(seconds=1)
    latest = await store.find_artifact(task.id, "log")
    assert latest == await store.find_artifact(task.id, "log", "1.1")
    assert latest != await store.find_artifact(task.id, "log", "1.2")
    assert await store.find_artifact(task.id, "log", "1.3") is None
    assert await store.find_artifact(TaskId(task.id + 1), "log") is None


async def test_a_kind_is_dropped_with_its_content(store: Store) -> None:
    task, other = await born(store, 1, 11), await born(store, 2, 12)
    gone = [await store.keep(task.id, "state", name, b"x" * 2 * CHUNK) for name in ("a", "b")]
    stays = [await store.keep(task.id, "log", "a", b"log"), await store.keep(other.id, "state", "a", b"state")]
    await store.drop_artifacts(task.id, "state")
    assert [await store.artifact(one) for one in gone] == [None, None]
    assert [await store.artifact(one) for one in stays] == [b"log", b"state"]
    assert await store.keep(task.id, "state", "a", b"new") not in gone


async def test_progress_is_overwritten_but_not_by_an_older_run(store: Store) -> None:
    task = await born(store)
    assert await store.progress(task.id) is None
    first = Progress("reading", (PlanStep("look", "completed"),), ("a.py",), 3)
    await store.set_progress(task.id, 1, first)
    assert await store.progress(task.id) == first
    await store.set_progress(task.id, 2, Progress("writing"))
    await store.set_progress(task.id, 1, first)
    assert await store.progress(task.id) == Progress("writing")
    await store.set_progress(task.id, 2, Progress("testing"))
    assert await store.progress(task.id) == Progress("testing")


async def test_marks_are_remembered(store: Store) -> None:
    assert await store.marked("cursor") is None
    await store.mark("cursor", "1")
    await store.mark("cursor", "2")
    assert await store.marked("cursor") == "2"
    assert await store.marked("other") is None


async def test_a_read_sees_what_was_committed_before(store: Store) -> None:
    for n in range(50):
        await store.mark("n", str(n))
        assert await asyncio.gather(*(store.marked("n") for _ in range(8))) == [str(n)] * 8


async def test_an_open_store_is_ready_and_a_closed_one_is_not(store: Store) -> None:
    assert await store.ready()
    await store.close()
    assert not await store.ready()
