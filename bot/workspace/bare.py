"""Bare repositories of the bot: made so that making them again is harmless, and mended after a crash."""

import shutil
from pathlib import Path

from bot.workspace.folders import own
from bot.workspace.git import git


async def make_bare(repository: Path, borrows: Path | None = None) -> None:
    """An empty bare repository exists, without hooks or templates; it may borrow the objects of another one."""
    if _is_new(repository):
        await git(repository, "init", "--quiet", "--bare", "--template=", str(repository))
    if borrows is not None:
        alternates = repository / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{borrows / 'objects'}\n")


def _is_new(repository: Path) -> bool:
    """Clears the place when a crash left only a part of it."""
    own(repository.parent)
    if (repository / "config").exists() and (repository / "objects").is_dir():
        return False
    if repository.exists():
        shutil.rmtree(repository)
    return True


def borrowed(repository: Path) -> Path:
    """The repository that this one borrows from."""
    return Path((repository / "objects" / "info" / "alternates").read_text().strip()).parent


def break_locks(repository: Path) -> None:
    """Remove lock files that a killed git left. Only for who holds the repository alone."""
    for lock in [*repository.glob("*.lock"), *repository.glob("refs/**/*.lock")]:
        lock.unlink(missing_ok=True)
    for part in repository.glob("objects/pack/tmp_*"):
        part.unlink(missing_ok=True)
