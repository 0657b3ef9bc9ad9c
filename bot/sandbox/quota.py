"""Watch the disk space of the folders that a process tree may write: add it up now and then, and kill what is above it.

Adding up walks by descriptors and follows no link, so nobody inside can lead it elsewhere; files are not opened.
Deleted files that are still open count. How often depends on what a walk costs: at most a fiftieth of a processor, or
a quarter while the file system loses space quickly. It is a watch, not a wall: what is written between two looks is
written.
"""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox import tree
from bot.sandbox.running import LOOK_SECONDS, Ending, Excess
from bot.words.excess import too_deep, too_much_disk

DEEPEST = 100
"""Folders in folders; each costs an open descriptor while it is walked."""
SMALLEST = 4096
"""Bytes that every file and folder counts at least: a million empty ones are a burden, too."""
_QUIET_SHARE, _ALARMED_SHARE = 1 / 50, 1 / 4
_LONGEST_PAUSE = 30.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class TooDeep(Exception):
    """Folders are nested more than DEEPEST deep."""


@dataclass(slots=True)
class Tally:
    """What a walk has seen. It ends early above `enough`, and when somebody sets `over`."""

    enough: int
    bytes: int = 0
    over: bool = False
    _linked: set[tuple[int, int]] = field(default_factory=set)

    def walk(self, folder: Path) -> None:
        """Add what lies in a folder. Raises TooDeep."""
        try:
            fd = os.open(folder, _FOLDER)
        except FileNotFoundError:
            return
        try:
            self._walk(fd, 0)
        finally:
            os.close(fd)

    def _walk(self, fd: int, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeep
        for name in self._files(fd):
            if self.over or self.bytes > self.enough:
                return
            try:
                inner = os.open(name, _FOLDER, dir_fd=fd)
            except OSError:  # gone, or a folder that its owner closed and we may not open
                continue
            try:
                self._walk(inner, depth + 1)
            finally:
                os.close(inner)

    def _files(self, fd: int) -> list[str]:
        """Add the entries of one folder; the names of the folders among them."""
        folders = []
        with os.scandir(fd) as entries:
            for entry in entries:
                try:
                    seen = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                self._add(seen)
                if stat.S_ISDIR(seen.st_mode):
                    folders.append(entry.name)
                if self.over or self.bytes > self.enough:
                    return []
        return folders

    def _add(self, seen: os.stat_result) -> None:
        """A file with several names counts once."""
        if seen.st_nlink > 1 and not stat.S_ISDIR(seen.st_mode):
            if (key := (seen.st_dev, seen.st_ino)) in self._linked:
                return
            self._linked.add(key)
        self.bytes += max(seen.st_blocks * 512, SMALLEST)


@dataclass(slots=True)
class DiskWatch:
    """Implements `Watch`."""

    folders: Sequence[Path]
    pids: Callable[[], list[int]]
    most: int
    walks: int = 0
    _cost: float = 0.0
    """Processor seconds of the last walk."""

    async def exceeded(self) -> Excess:
        """Until it is."""
        while True:
            free = self._free()
            await self._pause(free)
            tally = Tally(self.most)
            try:
                seen = await asyncio.to_thread(self._look, tally)
            except TooDeep:
                return Excess(Ending.DISK_LIMIT, too_deep(DEEPEST))
            finally:
                tally.over = True
            if seen > self.most:
                return Excess(Ending.DISK_LIMIT, too_much_disk(seen, self.most))

    async def last_look(self) -> None:
        """What is dead writes nothing more, and its folders are taken over or removed by whoever made them."""

    async def _pause(self, free: int) -> None:
        """Until the next walk is due, or is called for because the file system fills up."""
        began = time.monotonic()
        longest = min(max(self._cost / _QUIET_SHARE, LOOK_SECONDS), _LONGEST_PAUSE)
        shortest = max(self._cost / _ALARMED_SHARE, LOOK_SECONDS)
        while (passed := time.monotonic() - began) < longest:
            if passed >= shortest and free - self._free() > self.most / 4:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _free(self) -> int:
        """Bytes that are free where the folders lie."""
        seen = [os.statvfs(folder) for folder in self.folders if folder.exists()]
        return min((one.f_bavail * one.f_frsize for one in seen), default=0)

    def _look(self, tally: Tally) -> int:
        began = time.thread_time()
        for folder in self.folders:
            tally.walk(folder)
        devices = {folder.stat().st_dev for folder in self.folders if folder.exists()}
        seen = tally.bytes + tree.unnamed(self.pids(), devices).disk
        self._cost, self.walks = time.thread_time() - began, self.walks + 1
        return seen
