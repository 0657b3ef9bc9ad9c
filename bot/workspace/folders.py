"""Where the workspace door keeps things on disk, and how they go away again."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.removal import remove as remove  # for the rooms beside this one
from bot.task.ids import RepoRef, TaskId


@dataclass(frozen=True, slots=True)
class Place:
    """Where one worktree of a task lies: the agent's, or the clean checkout."""

    root: Path
    user: Path
    """Ours: lists the sealed folders that it stands on, one a line."""

    @property
    def tree(self) -> Path:
        """A plain checkout."""
        return self.root / "tree"

    @property
    def room(self) -> Path:
        """In its place, of an overlay."""
        return self.root / "room"

    @property
    def home(self) -> Path:
        """HOME of who works there."""
        return self.root / "home"


@dataclass(frozen=True, slots=True)
class TaskFolders:
    """The folders of one task. Worktrees, `home` and `harvest` are the sandbox's: nothing of ours reads them."""

    root: Path

    @property
    def number(self) -> int:
        """The tenant of its sandboxes."""
        return int(self.root.name)

    @property
    def work(self) -> Place:
        """The agent's."""
        return Place(self.root, self.root / "uses.work")

    @property
    def check(self) -> Place:
        """The clean checkout."""
        return Place(self.root / "check", self.root / "uses.check")

    @property
    def home(self) -> Path:
        """The agent's HOME."""
        return self.work.home

    @property
    def opened(self) -> Path:
        """Ours: exists when the agent's worktree is complete."""
        return self.root / "opened"

    @property
    def setup(self) -> Path:
        """Ours: the set-up command of the task's repository."""
        return self.root / "setup"

    @property
    def traces(self) -> Path:
        """Ours: what the set-up left in the agent's worktree that git does not ignore."""
        return self.root / "traces"

    @property
    def quarantine(self) -> Path:
        """Ours: bare repository that borrows from the mirror and holds what came out of the sandbox."""
        return self.root / "quarantine.git"

    @property
    def harvest(self) -> Path:
        """The git folder of one harvest."""
        return self.root / "harvest"


@dataclass(frozen=True, slots=True)
class Folders:
    """The root of the door: mirrors and sealed folders by repository, tasks by number."""

    root: Path

    @property
    def mirrors(self) -> Path:
        return self.root / "mirrors"

    @property
    def sealed(self) -> Path:
        return self.root / "sealed"

    def mirror(self, repo: RepoRef) -> Path:
        return self.mirrors / f"{repo.id}.git"

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
async def locked(path: Path, *, shared: bool = False) -> AsyncIterator[None]:
    """Hold a lock file, also against other processes on this machine; waiting can be cancelled."""
    while (fd := take(path, shared=shared)) is None:  # noqa: ASYNC110 - another process holds it
        await asyncio.sleep(0.05)
    try:
        yield
    finally:
        os.close(fd)


def take(path: Path, *, shared: bool = False) -> int | None:
    """The lock as a descriptor to close; None: somebody holds it. Who holds it alone may remove the file."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if path.exists() and os.path.samestat(os.fstat(fd), path.stat()):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(fd)
    return None
