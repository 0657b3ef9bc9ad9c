"""Where the workspace door keeps things on disk, and how they go away again."""

import asyncio
import contextlib
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox
from bot.task.ids import RepoRef, TaskId

_REMOVE = 'chmod -R u+rwX "$1" 2>/dev/null; find "$1" -mindepth 1 -delete'


@dataclass(frozen=True, slots=True)
class TaskFolders:
    """The folders of one task. `tree`, `home` and `harvest` belong to the sandbox: nothing of ours reads them."""

    root: Path

    @property
    def tree(self) -> Path:
        """The worktree."""
        return self.root / "tree"

    @property
    def home(self) -> Path:
        """The agent's HOME."""
        return self.root / "home"

    @property
    def opened(self) -> Path:
        """Ours: exists when the worktree is complete."""
        return self.root / "opened"

    @property
    def quarantine(self) -> Path:
        """Ours: bare repository that borrows from the mirror and holds what came out of the sandbox."""
        return self.root / "quarantine.git"

    @property
    def harvest(self) -> Path:
        """The git folder of one harvest."""
        return self.root / "harvest"

    @property
    def check(self) -> Path:
        """Ours: holds the folders of the clean checkout."""
        return self.root / "check"


@dataclass(frozen=True, slots=True)
class Folders:
    """The root of the door: mirrors by repository, tasks by number."""

    root: Path

    def mirror(self, repo: RepoRef) -> Path:
        return self.root / "mirrors" / f"{repo.id}.git"

    def task(self, task: TaskId) -> TaskFolders:
        return TaskFolders(self.root / "tasks" / str(task))

    def tasks(self) -> list[TaskId]:
        """Tasks that have a folder, in order."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(TaskId(int(name)) for name in os.listdir(self.root / "tasks") if name.isdigit())
        return []


def own(folder: Path) -> Path:
    """A folder of the bot's alone; it may exist."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock file, also against other processes on this machine; waiting can be cancelled."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        while not _taken(fd):  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(0.05)
        yield
    finally:
        os.close(fd)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def remove(sandbox: Sandbox, folder: Path) -> None:
    """Remove a folder that processes of the sandbox could write, whatever they did to it. No link is followed.

    The quick way fails on folders without permissions and on ones too deep for Python; then the sandbox's own user
    clears it from the inside.
    """
    if await asyncio.to_thread(_removed, folder):
        return
    box = Box((Bind(folder, "/doomed", writable=True),), "/")
    argv = ["/bin/sh", "-c", _REMOVE, "remove", sandbox.path(box, "/doomed")]
    await sandbox.run(box, argv, Limits(seconds=300), trusted=True)
    await asyncio.to_thread(shutil.rmtree, folder)


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    return not folder.exists()
