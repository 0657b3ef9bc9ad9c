"""The sandbox of this machine for tests: a skip only where the kernel itself says no."""

import os
import subprocess

import pytest

from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe

REQUIRED = "ISSUEWRIGHT_REQUIRE_SANDBOX"
"""Names the level that the probe must find here: where it is set, a sandbox that got worse is a failure."""


def real_capability() -> Capability:
    """What the probe finds. Finding nothing on a machine that has namespaces is a failure, not a reason to skip."""
    found = probe("auto")
    if (required := os.environ.get(REQUIRED)) and found.level != required:
        pytest.fail(f"{REQUIRED} is {required}, the probe finds {found.level}: {found.reason} {found.mend}")
    if not found.contains:
        kernel = subprocess.run(["unshare", "-Urmpn", "--fork", "--mount-proc", "true"], capture_output=True)
        (pytest.fail if kernel.returncode == 0 else pytest.skip)(f"{found.reason} {found.mend}")
    return found
