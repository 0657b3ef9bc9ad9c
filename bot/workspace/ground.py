"""What a worktree stands on: a template, and above it the layer of a set-up."""

from pathlib import Path

from bot.sandbox.box import Bind
from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.workspace import template
from bot.workspace.errors import GitFailed
from bot.workspace.git import attempt, git
from bot.workspace.quarantine import Quarantine
from bot.workspace.sealed import Sealed


def stores(quarantine: Quarantine) -> tuple[Bind, ...]:
    """Everything that a private `.git` borrows, read-only and at its own path: the stores name each other by it."""
    folders = (quarantine.mirror / "objects", quarantine.path / "objects")
    return tuple(Bind(store, str(store)) for store in folders)


async def ground(sealed: Sealed, quarantine: Quarantine, commit: CommitSha) -> CommitSha:
    """The newest commit of the base branch that this one builds on. Templates are made of people's commits alone."""
    mirror = quarantine.mirror
    if sealed.there(template.key(mirror, commit)):
        return commit
    if (await attempt(mirror, "cat-file", "-e", f"{commit}^{{commit}}")).code == 0:
        return commit
    listing = await git(mirror, "for-each-ref", "--sort=-committerdate", "--format=%(objectname)", "refs/heads")
    tips = listing.decode().split()
    if not tips:
        raise GitFailed("find the base", None, f"{mirror.name} has no branch")
    for tip in tips:
        done = await attempt(quarantine.path, "merge-base", tip, commit)
        if done.code == 0:
            return CommitSha(done.out.decode().strip())
    return CommitSha(tips[0])


async def stand_on_template(
    sealed: Sealed, sandbox: Sandbox, user: Path, quarantine: Quarantine, commit: CommitSha
) -> None:
    """The template of this commit is there, and `user` refers to it."""
    mirror = quarantine.mirror

    async def build(entry: Path) -> bool:
        return await template.build(sandbox, mirror, commit, entry)

    await sealed.stand_on(user, template.key(mirror, commit), build)
