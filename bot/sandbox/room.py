"""One sandbox at a time in the room of an overlay, also when the bot that started it is dead."""

import asyncio
import fcntl
import os
import time

from bot.sandbox.box import Overlay
from bot.sandbox.capability import SandboxFailed
from bot.sandbox.view import high

PATIENCE = 10.0
"""Seconds. A killed sandbox is gone within a tenth of one; whoever waits longer has forgotten to end one."""


async def alone(overlay: Overlay, patience: float = PATIENCE) -> int:
    """A descriptor that holds the room's lock; hand it to the sandbox, whose end sets it free.

    It is a file and no folder: a process inside sees the descriptors of bubblewrap, and could enter a folder there.
    Raises SandboxFailed when another sandbox stays.
    """
    fd = high(os.open(overlay.lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))
    ends = time.monotonic() + patience
    try:
        while not _taken(fd):
            if time.monotonic() > ends:
                raise SandboxFailed(f"another sandbox still works in {overlay.room}")
            await asyncio.sleep(0.02)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
