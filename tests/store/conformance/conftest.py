"""The same tests on every database."""

from pathlib import Path

import pytest

from tests.store.conftest import Place
from tests.worlds.clock import StillClock


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: StillClock) -> Place:
    url = "sqlite:///store.db" if request.param == "sqlite" else request.getfixturevalue("database")
    return Place(url, tmp_path, clock)
