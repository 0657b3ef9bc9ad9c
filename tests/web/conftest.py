"""The face before a real store, asked as a client would."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.store import Store
from tests.web.worlds import DATABASE, ManualClock, open_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def new_databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a database that was just migrated, once it was needed: migrating takes longer than most tests."""
    return tmp_path_factory.mktemp("migrated")


@pytest.fixture
async def store(tmp_path: Path, new_databases: Path, clock: ManualClock) -> AsyncIterator[Store]:
    if not (new_databases / DATABASE).exists():
        await (await open_store(new_databases, clock)).close()
    shutil.copy(new_databases / DATABASE, tmp_path)
    opened = await open_store(tmp_path, clock)
    yield opened
    await opened.close()
