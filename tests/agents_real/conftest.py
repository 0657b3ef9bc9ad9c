"""One agent after the other, as it is installed; those that are not are skipped with the reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents_real.install import installed, names
from tests.worlds.model_server import ModelServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--agents", default="", help="names of the agents to test; all by default")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "agent" in metafunc.fixturenames and not any(
        mark.args[0] == "agent" for mark in metafunc.definition.iter_markers("parametrize")
    ):
        chosen = metafunc.config.getoption("--agents").replace(",", " ").split() or names()
        metafunc.parametrize("agent", [name for name in names() if name in chosen])


@pytest.fixture
def folder(agent: str) -> Path:
    found = installed(agent)
    if found is None:
        pytest.skip(f"{agent} is not installed: python -m tests.agents_real.install {agent}")
    return found


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as serving:
        yield serving
