"""The sandbox of this machine for tests: a skip only where the kernel itself says no."""

import subprocess

import pytest

from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe


def real_capability() -> Capability:
    """What the probe finds. Finding nothing on a machine that has namespaces is a failure, not a reason to skip."""
    found = probe("auto")
    if not found.contains:
        kernel = subprocess.run(["unshare", "-Urmpn", "--fork", "--mount-proc", "true"], capture_output=True)
        (pytest.fail if kernel.returncode == 0 else pytest.skip)(f"{found.reason} {found.mend}")
    return found
