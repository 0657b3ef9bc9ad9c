"""A scripted vendor for each test."""

from collections.abc import Iterator

import pytest

from tests.worlds.model_server import ModelServer


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server
