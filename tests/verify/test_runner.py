"""Checks run in the sandbox, each to its end or to its limit."""

from pathlib import Path

import pytest

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.task.results import SandboxLevel
from bot.verify.command import Command, Ran
from bot.verify.runner import SandboxChecks
from tests.sandbox.real import real_capability

pytestmark = pytest.mark.anyio


async def ran(sandbox: Sandbox, folder: Path, limits: Limits, *commands: str) -> list[Ran]:
    box = Box((Bind(sandbox.make_folder(folder / "task"), "/task", writable=True),), "/task", {"REPORTS": "/task"})
    wanted = [Command(f"check {number}", command, required=True) for number, command in enumerate(commands)]
    found = [one async for one in SandboxChecks(sandbox).run(box, wanted, limits)]
    assert [one.command for one in found] == wanted
    return found


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(real_capability())


async def test_every_command_runs_whatever_the_others_say(sandbox: Sandbox, tmp_path: Path) -> None:
    commands = ("echo one; exit 3", "[[ x == x ]] && echo $REPORTS/two | tee $REPORTS/f", "cat f; no-such-program")
    found = await ran(sandbox, tmp_path, Limits(), *commands)
    assert [(one.exit_code, one.note) for one in found] == [(3, ""), (0, ""), (127, "")]
    assert [one.output.splitlines()[0] for one in found] == [b"one", b"/task/two", b"/task/two"]


async def test_limits_are_said(sandbox: Sandbox, tmp_path: Path) -> None:
    found = await ran(sandbox, tmp_path, Limits(seconds=1, output_bytes=1 << 20), "echo slow; sleep 9", "yes")
    assert [(one.exit_code, one.note) for one in found] == [
        (None, "timed out after 1 s"),
        (None, "stopped: more than 1 MiB of output"),
    ]
    assert found[0].output == b"slow\n"


async def test_without_a_boundary_nothing_runs(tmp_path: Path) -> None:
    sandbox = Sandbox(Capability(SandboxLevel.NONE, "No namespaces here.", "Use a VM."))
    (one,) = await ran(sandbox, tmp_path, Limits(), "touch ran")
    assert (one.exit_code, one.note) == (None, "not run: No namespaces here. Use a VM.")
    assert list((tmp_path / "task").iterdir()) == []
