"""Folders that are built once and then only read: shared by tasks, kept by reference, never changed.

A sealed folder belongs to the bot. Its name is a key; it is there whole or not at all, because it is built beside its
place under a lock and then renamed. Who stands on it says so in a file of its own (`user`) while it holds the lock
shared; who wants to remove it takes the lock alone, and looks at those files first. So neither a kill nor another
process comes between.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.process import Sandbox
from bot.workspace.folders import Folders, locked, own, remove, take

TREE = "tree"
"""The folder in an entry that sandboxes see; beside it lies what we note."""


@dataclass(frozen=True, slots=True)
class Key:
    """`templates/99/COMMIT` or `layers/99/HASH`: nothing is shared by two repositories."""

    kind: str
    repository: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.repository}/{self.name}"

    @classmethod
    def of(cls, text: str) -> "Key":
        return cls(*text.split("/"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A sealed folder as the budget sees it."""

    key: Key
    size: int
    """Bytes on disk."""
    used: float
    """When somebody last stood on it, in seconds since 1970."""


class Sealed:
    """The sealed folders of this machine."""

    def __init__(self, folders: Folders, sandbox: Sandbox) -> None:
        self._folders = folders
        self._sandbox = sandbox

    def path(self, key: Key) -> Path:
        """The entry."""
        return self._folders.sealed / str(key)

    def tree(self, key: Key) -> Path:
        return self.path(key) / TREE

    def there(self, key: Key) -> bool:
        return self.path(key).exists()

    async def stand_on(self, user: Path, key: Key, build: Callable[[Path], Awaitable[bool]]) -> bool:
        """The folder exists, and `user` refers to it; `build` fills a new entry, or says that it cannot."""
        entry = self.path(key)
        own(entry.parent)
        lock = _lock(entry)
        while True:
            async with locked(lock, shared=True):
                if entry.exists():
                    os.utime(entry)
                    _refer(user, key)
                    return True
            async with locked(lock):
                if not entry.exists() and not await self._build(entry, build):
                    return False

    async def _build(self, entry: Path, build: Callable[[Path], Awaitable[bool]]) -> bool:
        """Only under the lock: what lies in the way was left by somebody who was killed."""
        new = entry.with_name(f"{entry.name}.new")
        await remove(self._sandbox, new)
        own(new)
        try:
            if not await build(new):
                return False
            await asyncio.to_thread(seal, new)
            new.rename(entry)
        finally:
            await remove(self._sandbox, new)
        return True

    def users(self) -> set[Key]:
        """Every key that a worktree stands on."""
        found: set[Key] = set()
        for user in (self._folders.root / "tasks").glob("*/uses.*"):
            found |= set(used_by(user))
        return found

    def entries(self) -> Iterator[Entry]:
        """What is complete."""
        for entry in self._folders.sealed.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                if entry.is_dir() and "." not in entry.name:
                    key = Key.of(str(entry.relative_to(self._folders.sealed)))
                    yield Entry(key, int((entry / "size").read_text()), entry.stat().st_mtime)

    async def drop(self, key: Key) -> bool:
        """Remove it, unless somebody stands on it or is about to."""
        entry = self.path(key)
        lock = _lock(entry)
        held = take(lock) if entry.parent.is_dir() else None
        if held is None:
            return False
        try:
            if key in self.users():
                return False
            gone = entry.with_name(f"{entry.name}.gone")
            if entry.exists():
                entry.rename(gone)
            for rest in (gone, entry.with_name(f"{entry.name}.new")):
                await remove(self._sandbox, rest)
            lock.unlink()
        finally:
            os.close(held)
        return True

    async def forget(self, repository: str) -> None:
        """Everything of one repository, whoever stands on it."""
        for kind in ("templates", "layers"):
            await asyncio.to_thread(shutil.rmtree, self._folders.sealed / kind / repository, ignore_errors=True)


def used_by(user: Path) -> list[Key]:
    """Bottom first."""
    with contextlib.suppress(FileNotFoundError):
        return [Key.of(line) for line in user.read_text().splitlines()]
    return []


def _refer(user: Path, key: Key) -> None:
    if key not in used_by(user):
        with user.open("a") as file:
            file.write(f"{key}\n")


def _lock(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.lock")


def seal(entry: Path) -> None:
    """Everything in it is the bot's, and its size is noted. No link is followed; nothing is opened but folders."""
    size = 0
    mine = os.getuid() == 0
    for _, folders, files, fd in os.fwalk(entry, follow_symlinks=False):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            size += found.st_blocks * 512
            if mine and (found.st_uid, found.st_gid) != (0, 0):  # the time of change stays where nothing changes
                os.chown(name, 0, 0, dir_fd=fd, follow_symlinks=False)
    (entry / "size").write_text(f"{size}\n")
    os.utime(entry)
