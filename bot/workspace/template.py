"""The template of a commit: its tree checked out once, with a private `.git` whose index is fresh."""

from pathlib import Path

from bot.sandbox.box import Bind, Box, Limits, Overlay
from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.workspace.errors import GitFailed
from bot.workspace.folders import remove
from bot.workspace.inside import CHECK_OUT, GIT_INSIDE, REFRESH, TASK
from bot.workspace.sealed import TREE, Key, seal

LIMITS = Limits(seconds=900)


def key(mirror: Path, commit: CommitSha) -> Key:
    return Key("templates", mirror.stem, commit)


async def build(sandbox: Sandbox, mirror: Path, commit: CommitSha, entry: Path) -> bool:
    """Check out, give it to the bot, and then note the files as they now are, so that nobody has to hash them again.

    Ownership is part of what git remembers of a file, as is the time of its change: hence the second pass, over the
    sealed tree. Its index is taken over from there; only our own git has run so far. Raises GitFailed.
    """
    store = Bind(mirror / "objects", str(mirror / "objects"))
    tree = sandbox.make_folder(entry / TREE)
    plain = Box((Bind(tree, TASK, writable=True), store), TASK, GIT_INSIDE)
    await run(sandbox, plain, CHECK_OUT, sandbox.path(plain, TASK), commit, store.target)
    seal(entry)
    overlay = Overlay((tree,), sandbox.make_room(entry / "room", 0), TASK)
    await run(sandbox, Box((store,), TASK, GIT_INSIDE, overlay=overlay), REFRESH)
    index = overlay.upper / ".git" / "index"
    index.chmod(0o644)
    index.replace(tree / ".git" / "index")
    await remove(sandbox, overlay.room)
    return True


async def run(sandbox: Sandbox, box: Box, script: str, *words: str) -> bytes:
    """One of our own scripts; all of its output. Raises GitFailed."""
    whole = bytearray()
    argv = ["/bin/sh", "-c", script, "git", *words]
    finished = await sandbox.run(box, argv, LIMITS, on_output=whole.extend, trusted=True)
    if finished.exit_code != 0:
        said = finished.output.decode(errors="replace").strip()
        raise GitFailed("in the sandbox", finished.exit_code, f"{finished.ending}: {said}")
    return bytes(whole)
