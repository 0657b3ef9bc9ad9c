"""A child that hides as well as a process can without being another user, and a way to see it anyway."""

import contextlib
import os
import signal
from pathlib import Path

HIDING = (
    "setsid sh -c 'trap \"\" TERM HUP INT; (while :; do sleep 0.05; done) & exec sleep 300' {token} >/dev/null 2>&1 &"
)
"""Shell: a grandchild in a session of its own that ignores the polite signals and holds no pipe of ours."""


def hiding(token: str) -> str:
    """`exec sleep` loses the token, the loop beside it keeps it: both have to go."""
    return HIDING.format(token=token)


def processes(token: str) -> dict[int, str]:
    """Processes of this machine whose command line holds the token as a word of its own."""
    found = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if token.encode() in words:
                found[int(process.name)] = b" ".join(words).decode(errors="replace")
    return found


def commands(token: str) -> list[str]:
    """Their command lines."""
    return list(processes(token).values())


def end(token: str) -> None:
    """Kill them by pid: for tests that show how one survives."""
    for pid in processes(token):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
