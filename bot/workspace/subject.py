"""What a verification needs of two commits: the contents of what changed, and commits that take files of both."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha
from bot.workspace.git import git
from bot.workspace.policy import Entry
from bot.workspace.quarantine import Quarantine
from bot.workspace.values import CommitMessage

LARGEST = 1 << 20
"""Bytes of a file whose content is handed out; of a larger one it is only said that it changed."""
ALTOGETHER = 64 << 20
"""Bytes of all contents of one comparison."""
UNREAD = b"\0"
"""Stands for a content that was too large: no tool takes it for text."""

Laid = Mapping[str, bytes | CommitSha]
"""What a path holds in a composed commit: this content, or whatever it is in that commit, be it nothing."""

_GONE = f"0 {'0' * 40}"
_MESSAGE = CommitMessage("Composed to verify", "issuewright <>", datetime.fromtimestamp(0, UTC))
"""The same parts make the same commit."""


async def changed(quarantine: Quarantine, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]:
    """Every path that differs, with its content on both sides; submodules hold none."""
    new, old = (await quarantine.entries(base, head), await quarantine.entries(head, base))
    contents = await _contents(quarantine, [*new, *old])
    before = {entry.path: contents.get(entry.blob) for entry in old if entry.has_content}
    after = {entry.path: contents.get(entry.blob) for entry in new if entry.has_content}
    paths = sorted({entry.path for entry in new})
    return tuple(ChangedFile(path.decode(errors="replace"), before.get(path), after.get(path)) for path in paths)


async def compose(quarantine: Quarantine, onto: CommitSha, laid: Laid) -> CommitSha:
    """A commit on `onto` that differs from it in these paths; `onto` itself when nothing is laid."""
    if not laid:
        return onto
    rows = []
    for path, source in sorted(laid.items()):
        if isinstance(source, bytes):
            blob = (await git(quarantine.path, "hash-object", "-w", "--stdin", stdin=source or b"\n")).decode().strip()
            rows.append(f"100644 {blob}\t{path}")
        else:
            rows.append(f"{await _entry(quarantine, source, path)}\t{path}")
    with tempfile.TemporaryDirectory(prefix="compose-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        await git(quarantine.path, "read-tree", onto, env=env)
        index = "".join(f"{row}\0" for row in rows).encode(errors="surrogateescape")
        await git(quarantine.path, "update-index", "--replace", "-z", "--index-info", stdin=index, env=env)
        tree = (await git(quarantine.path, "write-tree", env=env)).decode().strip()
    return onto if tree == await quarantine.tree_of(onto) else await quarantine.commit(tree, onto, _MESSAGE)


async def _entry(quarantine: Quarantine, commit: CommitSha, path: str) -> str:
    """Mode and object of a path, as `update-index --index-info` reads them."""
    listing = await git(quarantine.path, "ls-tree", "-z", "--full-tree", commit, "--", path)
    for row in listing.split(b"\0"):
        facts, _, name = row.partition(b"\t")
        if name == path.encode(errors="surrogateescape"):
            mode, kind, blob = facts.decode().split()
            return f"{mode} {blob}" if kind != "tree" else _GONE
    return _GONE


async def _contents(quarantine: Quarantine, entries: Sequence[Entry]) -> dict[str, bytes]:
    """By object name."""
    sizes = await quarantine.sizes(entries)
    room, wanted = ALTOGETHER, []
    for name, size in sorted(sizes.items()):
        if size <= min(LARGEST, room):
            wanted.append(name)
            room -= size
    if not wanted:
        return dict.fromkeys(sizes, UNREAD)
    batch = await git(quarantine.path, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode())
    found, at = dict.fromkeys(sizes, UNREAD), 0
    for name in wanted:
        end = batch.index(b"\n", at) + 1
        size = int(batch[at:end].split()[2])
        found[name] = batch[end : end + size]
        at = end + size + 1
    return found
