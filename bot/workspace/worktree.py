"""The worktree of a task and the clean checkout of a commit, both made inside a sandbox."""

from pathlib import Path

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.workspace.errors import GitFailed
from bot.workspace.folders import TaskFolders, own, remove
from bot.workspace.quarantine import Quarantine

HOME, TASK, REPORTS = "/home/agent", "/task", "/reports"

GIT_INSIDE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    **{f"GIT_{role}_{key}": "agent" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
    "GIT_CONFIG_COUNT": "5",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "gc.auto",
    "GIT_CONFIG_VALUE_2": "0",
    "GIT_CONFIG_KEY_3": "core.bigFileThreshold",
    "GIT_CONFIG_VALUE_3": "1m",
    "GIT_CONFIG_KEY_4": "advice.addEmbeddedRepo",
    "GIT_CONFIG_VALUE_4": "false",
}
"""For our own git commands inside a sandbox; the agent's git sees none of it."""

_CHECK_OUT = """set -eu
tree=$1 commit=$2; shift 2
cd "$tree"
git init -q -b work --template= .
mkdir -p .git/objects/info
printf '%s\\n' "$@" > .git/objects/info/alternates
git config user.name agent
git config user.email agent@localhost
git update-ref refs/heads/work "$commit"
git read-tree -mu HEAD
"""
_LIMITS = Limits(seconds=900)


def objects(quarantine: Quarantine) -> tuple[Bind, ...]:
    """Everything that a private `.git` borrows, read-only and at its own path: the stores name each other by it."""
    stores = (quarantine.mirror / "objects", quarantine.path / "objects")
    return tuple(Bind(store, str(store)) for store in stores)


def box(task: TaskFolders) -> Box:
    """What the agent sees: its worktree, its HOME, borrowed objects."""
    binds = (Bind(task.tree, TASK, writable=True), Bind(task.home, HOME, writable=True))
    return Box((*binds, *objects(Quarantine(task.quarantine))), TASK)


async def open_tree(sandbox: Sandbox, task: TaskFolders, start: CommitSha) -> bool:
    """The worktree exists, made from `start`; True if a complete one was there already."""
    if task.opened.exists():
        return True
    await remove(sandbox, task.tree)
    sandbox.make_folder(task.tree)
    sandbox.make_folder(task.home)
    await _check_out(sandbox, Quarantine(task.quarantine), task.tree, start)
    task.opened.write_text(f"{start}\n")
    return False


async def open_checkout(sandbox: Sandbox, task: TaskFolders, commit: CommitSha) -> Box:
    """A new checkout of exactly this commit, an empty HOME, and a folder for reports."""
    await drop_checkout(sandbox, task)
    own(task.check)
    tree, home, reports = (sandbox.make_folder(task.check / name) for name in ("tree", "home", "reports"))
    quarantine = Quarantine(task.quarantine)
    await _check_out(sandbox, quarantine, tree, commit)
    binds = tuple(Bind(*pair, writable=True) for pair in ((tree, TASK), (home, HOME), (reports, REPORTS)))
    return Box((*binds, *objects(quarantine)), TASK, {"REPORTS": REPORTS})


async def drop_checkout(sandbox: Sandbox, task: TaskFolders) -> None:
    for name in ("tree", "home", "reports"):
        await remove(sandbox, task.check / name)
    if task.check.exists():
        task.check.rmdir()


async def _check_out(sandbox: Sandbox, quarantine: Quarantine, tree: Path, commit: CommitSha) -> None:
    stores = objects(quarantine)
    world = Box((Bind(tree, TASK, writable=True), *stores), TASK, GIT_INSIDE)
    argv = ["/bin/sh", "-c", _CHECK_OUT, "checkout", sandbox.path(world, TASK), commit, *(s.target for s in stores)]
    finished = await sandbox.run(world, argv, _LIMITS, trusted=True)
    if finished.exit_code != 0:
        said = finished.output.decode(errors="replace").strip()
        raise GitFailed(f"check out {commit}", finished.exit_code, f"{finished.ending}: {said}")
