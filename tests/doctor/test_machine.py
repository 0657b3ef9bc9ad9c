"""The doctor on the machine: Python, folders, sandbox, the agent's program."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.doctor import Level, examine
from bot.doctor.machine import data_folder, python
from bot.doctor.sandbox import level, played, room
from bot.operator.decided import decide
from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe
from bot.settings import Settings
from bot.task.results import SandboxLevel
from tests.doctor.conftest import named

pytestmark = pytest.mark.anyio


def test_old_pythons_are_told() -> None:
    assert python((3, 10)).level is Level.BAD
    assert python().level is Level.OK


def test_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert next(data_folder(folder)).mend == f"chmod 700 {folder}"
    folder.chmod(0o700)
    assert next(data_folder(folder)).level is Level.OK
    (tmp_path / "file").write_text("")
    assert next(data_folder(tmp_path / "file" / "data")).level is Level.BAD


def test_levels_of_the_sandbox() -> None:
    none = level(Capability(SandboxLevel.NONE, "It cannot.", "Do this."))
    assert (none.level, none.mend) == (Level.BAD, "Do this.")
    assert level(Capability(SandboxLevel.NONE, "None.", insisted=True)).level is Level.WARN
    assert level(Capability(SandboxLevel.EXTERNAL, "Outside.", insisted=True)).level is Level.WARN
    assert level(Capability(SandboxLevel.CHECKOUT, "Well.")).level is Level.OK


def test_limits_are_told_with_the_level() -> None:
    assert "disk space by looking every half second" in level(Capability(SandboxLevel.CHECKOUT, "Well.")).what


def test_runs_that_together_want_more_memory_than_there_is(settings: Callable[..., Settings], tmp_path: Path) -> None:
    decided = decide(settings(agent_command="mine"))
    (told,) = room(decided, 8 * 10**9)
    assert told.what == "3 runs at once may use 12 GB of memory; this machine has 8 GB."
    assert list(room(decided, 12 * 10**9)) == []


async def test_the_agents_program_is_looked_for_inside(settings: Callable[..., Settings], tmp_path: Path) -> None:
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    hidden = tmp_path / "agent"  # there on the host, not inside
    hidden.write_text("#!/bin/sh\n")
    hidden.chmod(0o755)
    findings = await examine(settings(sandbox="auto", agent="mine", agent_command=f"{hidden} acp"))
    assert named(findings, f"starts `{hidden}`, which is not found inside").level is Level.BAD
    as_command = settings(sandbox="auto", agent="mine", agent_command=str(hidden), agent_protocol="command")
    assert named(await examine(as_command), "Agent mine: /opt/").level is Level.OK
    findings = await examine(settings(sandbox="auto", agent="mine", agent_command="python3 -m agent"))
    assert named(findings, "Agent mine: /").level is Level.OK


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not `{turns"),
        ('{"turns": [{"say": "Hello"}]}', "is not `{turns"),
        ('{"turns": []}', "no turns"),
    ],
)
def test_a_script_that_cannot_be_played(script: Path, text: str, words: str) -> None:
    script.write_text(text)
    assert named(list(played(script)), words).level is Level.BAD
