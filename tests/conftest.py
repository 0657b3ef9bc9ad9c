"""Fixtures that every test may use."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.browser.fixtures", "tests.postgres.fixtures"]

MEMORY = Path("/dev/shm")
LONG = frozenset({"test_kill.py", "test_chaos.py", "test_fleet.py", "test_outages.py", "test_patience.py"})
"""Files whose tests wait long. They begin first, so that no worker waits for them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of small commits wait for no disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)
