"""A real sandbox, or a skip that says why there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.sandbox.box import Bind, Box
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from tests.sandbox.hiding import commands
from tests.sandbox.real import real_capability


@pytest.fixture(scope="session")
def capability() -> Capability:
    return real_capability()


@pytest.fixture
def sandbox(capability: Capability) -> Sandbox:
    return Sandbox(capability)


@pytest.fixture
def box(sandbox: Sandbox, tmp_path: Path) -> Box:
    """One writable folder at /task."""
    return Box((Bind(sandbox.make_folder(tmp_path / "task"), "/task", writable=True),), "/task")


@pytest.fixture
def token(tmp_path: Path) -> str:
    """A word for command lines that no other process carries."""
    return f"token-{tmp_path.name}"


@pytest.fixture
def alive(token: str) -> Callable[[], list[str]]:
    """Command lines on this machine that carry the token."""
    return lambda: commands(token)
