"""How much disk space mirrors, templates and layers may take: the least recently used go first, none that is used."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.workspace.bare import borrowed
from bot.workspace.folders import Folders, take
from bot.workspace.sealed import Key, Sealed


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What is kept, and what was let go."""

    kept_bytes: int
    dropped: int
    most_bytes: int

    @property
    def over(self) -> bool:
        """Everything that is left is in use."""
        return self.kept_bytes > self.most_bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that could be let go."""

    what: Key | Path
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class DiskBudget:
    """`most_bytes` for all of it; the worktrees of live tasks do not count."""

    folders: Folders
    sealed: Sealed
    most_bytes: int

    async def size(self) -> int:
        """Bytes of all of it."""
        return sum(one.size for one in await asyncio.to_thread(lambda: list(self._kept())))

    async def trim(self) -> Trimmed:
        """Let go of what is too much; of mirrors last, because they come back over the network."""
        found = sorted(await asyncio.to_thread(lambda: list(self._kept())), key=_turn)
        total, dropped = sum(one.size for one in found), 0
        for one in found:
            if total <= self.most_bytes:
                break
            if await self._drop(one.what):
                total, dropped = total - one.size, dropped + 1
        return Trimmed(total, dropped, self.most_bytes)

    def _kept(self) -> Iterator[Kept]:
        for entry in self.sealed.entries():
            yield Kept(entry.key, entry.size, entry.used)
        for mirror in self.folders.mirrors.glob("*.git"):
            yield Kept(mirror, _size(mirror), mirror.stat().st_mtime)

    async def _drop(self, what: Key | Path) -> bool:
        return await self.sealed.drop(what) if isinstance(what, Key) else await self._drop_mirror(what)

    async def _drop_mirror(self, mirror: Path) -> bool:
        """A mirror is used by every quarantine that borrows from it; what stands on it goes before it."""
        held = take(mirror.with_suffix(".lock"))
        if held is None:
            return False
        try:
            if mirror in self._lenders() or any(self.folders.sealed.glob(f"*/{mirror.stem}/*/tree")):
                return False
            gone = mirror.with_suffix(".gone")
            os.rename(mirror, gone)
            await asyncio.to_thread(shutil.rmtree, gone)
        finally:
            os.close(held)
        return True

    def _lenders(self) -> set[Path]:
        """Mirrors that a task on this machine borrows from."""
        found = set()
        for name in os.listdir(self.folders.root / "tasks") if (self.folders.root / "tasks").exists() else ():
            quarantine = self.folders.root / "tasks" / name / "quarantine.git"
            if (quarantine / "objects" / "info" / "alternates").exists():
                found.add(borrowed(quarantine))
        return found


def _turn(one: Kept) -> tuple[bool, float]:
    return isinstance(one.what, Path), one.used


def _size(folder: Path) -> int:
    """Bytes on disk; of a folder that only the bot can write."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
