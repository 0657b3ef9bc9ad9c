"""Work and agent state as bytes, so that a worktree can go and the task can go on, here or elsewhere."""

import tempfile
from collections.abc import Sequence

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.workspace.errors import GitFailed
from bot.workspace.folders import TaskFolders
from bot.workspace.git import git
from bot.workspace.quarantine import Quarantine

STATE_BYTES = 64 << 20
"""Largest compressed HOME that is kept; a larger one is let go, and the agent starts a new session."""
_UNPACKED_BYTES = 512 << 20
_SAVE = """cd "$1" && most=$2 && shift 2 && [ -n "$(find . -mindepth 1 "$@" -print | head -n 1)" ] &&
sum=$(find . "$@" -type f -printf '%s\\n' | { sum=0; while read -r size; do sum=$((sum + size)); done; echo $sum; }) &&
[ "$sum" -le "$most" ] &&
find . -mindepth 1 "$@" \\( -type f -o -type d -o -type l \\) -print0 |
tar --null --no-recursion -T - -czf - 2>/dev/null"""
"""The arguments behind the first two go into find: what is left out."""
_ALWAYS_LEFT_OUT = (".cache", ".npm")
_RESTORE = 'tar -xzf - -C "$1" --no-same-owner'


async def save_work(quarantine: Quarantine, base: CommitSha, commit: CommitSha) -> bytes:
    """`base..commit` as a git bundle; empty when there is nothing between them."""
    if base == commit:
        return b""
    ref = f"refs/saved/{commit}"
    await git(quarantine.path, "update-ref", ref, commit)
    return await git(quarantine.path, "bundle", "create", "--quiet", "-", ref, f"^{base}")


async def restore_work(quarantine: Quarantine, bundle: bytes) -> None:
    """The objects of a bundle of ours are in the quarantine. The mirror must have its base."""
    if not bundle:
        return
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(bundle)
        file.flush()
        listing = await git(quarantine.path, "bundle", "unbundle", file.name)
    for line in listing.decode().splitlines():
        commit, _, ref = line.partition(" ")
        await git(quarantine.path, "update-ref", ref, commit)


async def save_state(sandbox: Sandbox, task: TaskFolders, caches: Sequence[str] = ()) -> bytes | None:
    """HOME as a compressed tar of files, folders and links, made inside; None when empty or too large.

    `caches` are paths below it that are left out, with `.cache` and `.npm`.
    """
    if not task.home.exists():
        return None
    box = Box((Bind(task.home, "/home/agent"),), "/", tenant=task.number)
    kept = bytearray()
    paths = [word for cache in (*_ALWAYS_LEFT_OUT, *caches) for word in ("-o", "-path", f"./{cache}")][1:]
    left_out = ["(", *paths, ")", "-prune", "-o"]
    argv = ["/bin/sh", "-c", _SAVE, "save", sandbox.path(box, "/home/agent"), str(_UNPACKED_BYTES), *left_out]
    limits = Limits(seconds=300, output_bytes=STATE_BYTES)
    finished = await sandbox.run(box, argv, limits, on_output=kept.extend, trusted=True)
    return bytes(kept) if finished.exit_code == 0 and kept else None


async def restore_state(sandbox: Sandbox, task: TaskFolders, state: bytes) -> None:
    """Unpack a saved HOME, inside."""
    home = sandbox.make_folder(task.home, task.number)
    box = Box((Bind(home, "/home/agent", writable=True),), "/", tenant=task.number)
    argv = ["/bin/sh", "-c", _RESTORE, "restore", sandbox.path(box, "/home/agent")]
    finished = await sandbox.run(box, argv, Limits(seconds=300), stdin=state, trusted=True)
    if finished.exit_code != 0:
        raise GitFailed("restore state", finished.exit_code, finished.output.decode(errors="replace"))
