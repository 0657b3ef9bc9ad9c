"""A store on a file of its own, with a clock that stands still."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.store.store import Store
from bot.task.effects import Pace
from tests.worlds.clock import StillClock


@dataclass(frozen=True)
class Place:
    """Where a database lies, and how to open it (again)."""

    url: str
    folder: Path
    clock: StillClock

    async def open(self, migrate: bool = True) -> Store:
        return await Store.open(self.url, pace=Pace(), clock=self.clock, data_dir=self.folder, migrate=migrate)

    async def reopen(self, store: Store) -> Store:
        await store.close()
        return await self.open()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def place(tmp_path: Path, clock: StillClock) -> Place:
    return Place("sqlite:///store.db", tmp_path, clock)


@pytest.fixture
async def store(place: Place, anyio_backend: str) -> AsyncIterator[Store]:
    opened = await place.open()
    yield opened
    await opened.close()
