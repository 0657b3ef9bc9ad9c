"""A bare cache of one repository: its base branch and nothing else, never an object that an agent made."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bot.task.ids import BranchName, CommitSha, RepoRef
from bot.workspace.bare import break_locks, make_bare
from bot.workspace.errors import GitFailed
from bot.workspace.folders import Folders, locked, own
from bot.workspace.git import git
from bot.workspace.remote import bring
from bot.workspace.values import Remote

LARGEST_READ = 1 << 20
"""Bytes of a file that `read` returns."""


class Mirrors:
    """The mirrors of this machine. One fetch per repository at a time, over all processes."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._locks: dict[int, asyncio.Lock] = {}

    def path(self, repo: RepoRef) -> Path:
        return self._folders.mirror(repo)

    async def fetch(self, repo: RepoRef, remote: Remote, base: BranchName, wanted: CommitSha) -> CommitSha:
        """The base branch is at `wanted` or later; where it is. Raises RemoteUnavailable.

        Exactly one branch and no pruning: with a mirror's refspec a fetch would bring in every pull request.
        """
        mirror = self.path(repo)
        async with self._locks.setdefault(repo.id, asyncio.Lock()):
            own(mirror.parent)
            async with locked(mirror.with_suffix(".lock")):
                await make_bare(mirror)
                if await self._tip(mirror, base) != wanted:
                    break_locks(mirror)
                    await bring(mirror, remote, f"+refs/heads/{base}:refs/heads/{base}")
                os.utime(mirror)
                return CommitSha(await self._tip(mirror, base))

    async def newest(self, repo: RepoRef) -> CommitSha | None:
        """The newest commit that was fetched; None: this machine has no mirror of it."""
        if not (self.path(repo) / "HEAD").exists():
            return None
        flags = ("--sort=-committerdate", "--count=1", "--format=%(objectname)")
        found = (await git(self.path(repo), "for-each-ref", *flags, "refs/heads")).decode().strip()
        return CommitSha(found) if found else None

    async def drop(self, repo: RepoRef) -> None:
        """Remove it, when nobody fetches; it may be gone already."""
        mirror = self.path(repo)
        if not mirror.parent.is_dir():
            return
        async with locked(mirror.with_suffix(".lock")):
            await asyncio.to_thread(shutil.rmtree, mirror, ignore_errors=True)
            mirror.with_suffix(".lock").unlink(missing_ok=True)

    async def read(self, repo: RepoRef, commit: CommitSha, path: str) -> bytes | None:
        """A regular file of at most 1 MiB; None otherwise."""
        listing = await git(self.path(repo), "ls-tree", "-lz", "--full-tree", commit, "--", path)
        for entry in listing.split(b"\0"):
            facts, _, name = entry.partition(b"\t")
            if name == path.encode():
                mode, _, blob, size = facts.decode().split()
                if mode.startswith("100") and int(size) <= LARGEST_READ:
                    return await git(self.path(repo), "cat-file", "blob", blob)
        return None

    async def paths(self, repo: RepoRef, commit: CommitSha) -> Sequence[str]:
        listing = await git(self.path(repo), "ls-tree", "-rz", "--full-tree", "--name-only", commit)
        return [name.decode(errors="replace") for name in listing.split(b"\0") if name]

    @staticmethod
    async def _tip(mirror: Path, base: BranchName) -> str:
        try:
            return (await git(mirror, "rev-parse", "--verify", "--quiet", f"refs/heads/{base}")).decode().strip()
        except GitFailed:
            return ""
