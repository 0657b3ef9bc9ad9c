"""Watch the memory of a process tree where the kernel does not: look every half second, and kill what is above it.

What it cannot see: what grows and is gone again between two looks, and open files in memory while they are on their way
through a socket. Each single process is bounded by the kernel, see `data_bytes` of the launcher.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.sandbox import tree
from bot.sandbox.running import LOOK_SECONDS, Ending, Excess
from bot.words.excess import too_much_memory


@dataclass(frozen=True, slots=True)
class MemoryWatch:
    """Implements `Watch`. `folders` are the file systems in memory that only this tree uses, seen from outside."""

    pids: Callable[[], list[int]]
    folders: Callable[[], Sequence[str]]
    most: int

    async def exceeded(self) -> Excess:
        """Until it is; looking goes on in a thread, where large trees hold nobody up."""
        while True:
            seen = await asyncio.to_thread(self.used)
            if seen > self.most:
                break
            await asyncio.sleep(LOOK_SECONDS)
        return Excess(Ending.MEMORY_LIMIT, too_much_memory(seen, self.most))

    async def last_look(self) -> None:
        """What is dead uses nothing."""

    def used(self) -> int:
        """Bytes. The exact count is taken only when the cheap one is too high."""
        pids = self.pids()
        files = sum(map(_held, self.folders())) + tree.unnamed(pids).memory
        cheap = tree.resident(pids) + files
        return cheap if cheap <= self.most else tree.private(pids) + files


def _held(folder: str) -> int:
    """Bytes of a whole file system."""
    with contextlib.suppress(OSError):
        seen = os.statvfs(folder)
        return (seen.f_blocks - seen.f_bfree) * seen.f_frsize
    return 0
