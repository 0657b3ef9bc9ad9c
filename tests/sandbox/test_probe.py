"""The probe tells the truth, and fails closed with a mend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability, Mode
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.results import SandboxLevel

PRINT = "from bot.sandbox.probe import probe; c = probe('auto'); print(c.level, c.reason, '|', c.mend)"


def probed_under(*wrapper: str) -> str:
    """What the probe says in a process that this command restricts."""
    root = Path(bot.__file__).parents[1]
    return subprocess.run([*wrapper, sys.executable, "-c", PRINT], cwd=root, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("mode", "level"), [("external", SandboxLevel.EXTERNAL), ("none", SandboxLevel.NONE)])
def test_the_operator_decides(mode: Mode, level: SandboxLevel) -> None:
    found = probe(mode)
    assert (found.level, found.contains, found.admits_strangers) == (level, False, True)


def test_found_by_starting_it(capability: Capability) -> None:
    assert capability.level in (SandboxLevel.OVERLAY, SandboxLevel.CHECKOUT)
    assert capability.mend == ""


@pytest.mark.skipif(os.getuid() != 0, reason="needs the superuser to take rights away")
def test_a_superuser_who_may_not_mount_is_told_what_to_do() -> None:
    said = probed_under("setpriv", "--bounding-set", "-sys_admin")
    assert said.startswith("none Processes cannot be contained here:")
    assert "run the bot as an ordinary user" in said


@pytest.mark.anyio
async def test_no_user_namespaces_is_no_boundary(sandbox: Sandbox) -> None:
    """In a sandbox of ours an ordinary user has no namespaces: as in a container with the usual seccomp rules."""
    needed = (Path(bot.__file__).parents[1] / "bot", Path(sys.prefix))
    box = Box(tuple(Bind(folder, str(folder)) for folder in needed), str(needed[0].parent))
    said = (await sandbox.run(box, [sys.executable, "-c", PRINT], Limits())).output.decode()
    assert said.startswith("none Processes cannot be contained here:")
    assert "Allow unprivileged user namespaces" in said


@pytest.mark.skipif(os.getuid() != 0, reason="needs the superuser to mask /proc as Docker does")
def test_a_masked_proc_is_no_boundary(capability: Capability) -> None:
    mask = 'mount -t tmpfs none /proc/acpi 2>/dev/null || mount --bind /dev/null /proc/kcore; exec "$0" "$@"'
    said = probed_under("unshare", "--mount", "sh", "-c", mask)
    assert said.startswith("none Processes cannot be contained here:")
    assert "systempaths=unconfined" in said
