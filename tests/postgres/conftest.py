"""Stores on one PostgreSQL database, each as if it were a process on a machine of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.store.store import Store
from bot.task.effects import Pace
from tests.worlds.clock import StillClock

SECONDS = 1.5
"""Time to live of the sessions in these tests."""

Opening = Callable[..., Awaitable[Store]]


async def eventually(there: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Look again and again."""
    give_up_at = time.monotonic() + seconds
    while not await there():
        assert time.monotonic() < give_up_at, "it does not happen"
        await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def opening(anyio_backend: str, database: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Opening]:
    """Open one store more; all are closed in the end. `folder` is its machine, a new one by default."""
    machines = count(1)
    async with AsyncExitStack() as stack:

        async def open_store(folder: str = "", url: str = database, seconds: float = SECONDS) -> Store:
            place = tmp_path / (folder or f"machine{next(machines)}")
            store = await Store.open(
                url, pace=Pace(), clock=clock, data_dir=place, time_to_live=timedelta(seconds=seconds)
            )
            stack.push_async_callback(store.close)
            return store

        yield open_store
