"""A bare repository for what came out of a sandbox: it borrows from the mirror, and nothing flows back there."""

import asyncio
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.task.ids import CommitSha
from bot.task.results import FileChange
from bot.workspace import packs
from bot.workspace.bare import borrowed, break_locks, make_bare
from bot.workspace.git import Bounds, attempt, git
from bot.workspace.policy import Caps, Entry
from bot.workspace.remote import one_line
from bot.workspace.values import CommitMessage

_IDENTITY = re.compile(r"\s*(?P<name>[^<>\n]*?)\s*<(?P<email>[^<>\n]*)>\s*")
_INDEXING = Bounds(memory=3 << 30, seconds=300)
_DIFF = ("-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The quarantine at this path. Only one step of its task uses it at a time."""

    path: Path

    async def ensure(self, mirror: Path) -> None:
        """It exists, borrows from this mirror, and holds no lock of a killed process."""
        await make_bare(self.path, mirror)
        break_locks(self.path)

    @property
    def mirror(self) -> Path:
        return borrowed(self.path)

    async def commit_of(self, ref: str) -> CommitSha | None:
        """The commit that a ref or an id names, if it is here."""
        done = await attempt(self.path, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return CommitSha(done.out.decode().strip()) if done.code == 0 else None

    async def fork(self, base: CommitSha, head: CommitSha) -> CommitSha:
        """Where `head` left the base branch: what a pull request shows begins there. Without a common past, `base`."""
        done = await attempt(self.path, "merge-base", base, head)
        return CommitSha(done.out.decode().strip()) if done.code == 0 else base

    async def changes(self, base: CommitSha, parent: CommitSha, tree: str) -> tuple[FileChange, ...]:
        """The files of a tree built on `parent`, as a pull request onto the base branch shows them."""
        fork = await self.fork(base, parent)
        return await self.files(fork, await self.entries(fork, tree), tree)

    async def tree_of(self, commit: CommitSha) -> str:
        return (await git(self.path, "rev-parse", "--verify", f"{commit}^{{tree}}")).decode().strip()

    async def with_file(self, commit: CommitSha, path: str, content: bytes) -> str:
        """The tree of a commit with one more file. An index of its own, and no worktree."""
        index = {"GIT_INDEX_FILE": str(self.path / "proposal.index")}
        blob = (await git(self.path, "hash-object", "-w", "--stdin", stdin=content)).decode().strip()
        await git(self.path, "read-tree", commit, env=index)
        await git(self.path, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=index)
        return (await git(self.path, "write-tree", env=index)).decode().strip()

    async def admit(self, pack: IO[bytes], caps: Caps) -> str:
        """Index a pack from a sandbox, checking every object and every link. What is wrong with it, or nothing."""
        if found := await asyncio.to_thread(packs.complaint, pack, caps):
            return found
        pack.seek(0)
        done = await attempt(
            self.path,
            "index-pack",
            "--stdin",
            "--fix-thin",
            "--strict",
            f"--max-input-size={caps.pack_bytes}",
            "--threads=1",
            stdin=pack,
            bounds=_INDEXING,
        )
        return "" if done.code == 0 else one_line(done.complaint)

    async def entries(self, old: str, new: str) -> list[Entry]:
        """What differs between two trees or commits."""
        return entries_of(await git(self.path, "diff-tree", "--raw", "--no-abbrev", *_DIFF, old, new))

    async def names(self, tree: str) -> list[bytes]:
        """Every path of a tree."""
        listing = await git(self.path, "ls-tree", "-rz", "--full-tree", "--name-only", tree)
        return [name for name in listing.split(b"\0") if name]

    async def undo(self, tree: str, entries: Iterable[Entry]) -> str:
        """The tree with these entries as they were."""
        rows = b"".join(f"{e.old_mode} {e.old_blob}\t".encode() + e.path + b"\0" for e in entries)
        with tempfile.TemporaryDirectory(prefix="undo-") as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            await git(self.path, "read-tree", tree, env=env)
            await git(self.path, "update-index", "-z", "--index-info", stdin=rows, env=env)
            return (await git(self.path, "write-tree", env=env)).decode().strip()

    async def sizes(self, entries: Iterable[Entry]) -> dict[str, int]:
        """Bytes of every changed file, by object name."""
        names = sorted({entry.blob for entry in entries if entry.has_content})
        listing = await git(self.path, "cat-file", "--batch-check", stdin="".join(f"{n}\n" for n in names).encode())
        rows = (line.split() for line in listing.decode().splitlines()) if names else ()
        return {name: int(size) for name, _, size in rows}

    async def links(self, entries: Iterable[Entry], sizes: dict[str, int]) -> dict[str, bytes]:
        """Targets of the changed symbolic links; one that is too long to be real is left out."""
        names = {entry.blob for entry in entries if entry.is_link and sizes[entry.blob] <= 4096}
        return {name: await git(self.path, "cat-file", "blob", name) for name in names}

    async def files(self, base: CommitSha, entries: Sequence[Entry], tree: str) -> tuple[FileChange, ...]:
        """The changed files with their line counts; one above 1 MiB counts as binary."""
        listing = await git(self.path, "-c", "core.bigFileThreshold=1m", "diff-tree", "--numstat", *_DIFF, base, tree)
        counts = {}
        for row in listing.split(b"\0")[:-1]:
            added, removed, path = row.split(b"\t", 2)
            counts[path] = (int(added), int(removed)) if added != b"-" else (None, None)
        return tuple(FileChange(entry.text, entry.status, *counts.get(entry.path, (None, None))) for entry in entries)

    async def commit(self, tree: str, parent: CommitSha, message: CommitMessage, *merged: CommitSha) -> CommitSha:
        """Our commit of this tree; `merged` are further parents. The same values make the same id."""
        match = _IDENTITY.fullmatch(message.author)
        name, email = (match["name"], match["email"]) if match else (message.author, "")
        who = {"NAME": name, "EMAIL": email, "DATE": f"@{int(message.at.timestamp())} +0000"}
        env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        parents = [word for commit in (parent, *merged) for word in ("-p", commit)]
        made = await git(self.path, "commit-tree", tree, *parents, "-F", "-", stdin=message.text.encode(), env=env)
        return CommitSha(made.decode().strip())


def entries_of(raw: bytes) -> list[Entry]:
    """What `git diff-tree --raw -z` or `git diff-index --raw -z` tells."""
    fields = raw.split(b"\0")
    found = []
    for facts, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, old_blob, blob, status = facts.decode().lstrip(":").split()
        found.append(Entry(path, status[0], old_mode, mode, blob, old_blob))
    return found
