"""Worlds for agents: contained by bubblewrap, and on a machine where nothing contains a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.results import SandboxLevel
from tests.agents.world import ADAPTERS, Adapter, World


@pytest.fixture(scope="session")
def contained() -> Sandbox:
    return Sandbox(probe("auto"))


@pytest.fixture
def bare() -> Sandbox:
    return Sandbox(Capability(SandboxLevel.NONE, "Nothing contains a process here.", "Install bubblewrap."))


@pytest.fixture
def world(tmp_path: Path, contained: Sandbox) -> Iterator[World]:
    yield from _world(tmp_path, contained, ADAPTERS[0])


@pytest.fixture
def bare_world(tmp_path: Path, bare: Sandbox) -> Iterator[World]:
    yield from _world(tmp_path, bare, ADAPTERS[0])


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: str(adapter.name))
def any_world(request: pytest.FixtureRequest, tmp_path: Path, contained: Sandbox) -> Iterator[World]:
    adapter: Adapter = request.param
    yield from _world(tmp_path, contained, adapter)


def _world(root: Path, sandbox: Sandbox, adapter: Adapter) -> Iterator[World]:
    world = World(root, sandbox, adapter)
    yield world
    assert world.alive() == [], "a process outlived its turn"
