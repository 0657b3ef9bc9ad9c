"""Merge the base into a task's branch, on objects alone: no worktree, no hook and no merge driver takes part."""

from bot.task.ids import CommitSha
from bot.task.results import Harvest, Harvested, HarvestRefused
from bot.workspace.git import Bounds, attempt
from bot.workspace.quarantine import Quarantine
from bot.workspace.remote import one_line
from bot.workspace.values import CommitMessage, Merge, MergeRefused

FILES = 200
"""In conflict at most; more is a person's."""
_BOUNDS = Bounds(memory=3 << 30, seconds=300)
_MARKERS = "^(<<<<<<<|[|]{7}|>>>>>>>) "


async def merge(
    quarantine: Quarantine, onto: CommitSha, base: CommitSha, message: CommitMessage
) -> Merge | MergeRefused | None:
    """A commit of both; files in conflict hold both sides, between markers. None: `onto` has the base already."""
    if (await attempt(quarantine.path, "merge-base", "--is-ancestor", base, onto)).code == 0:
        return None
    flags = ("--write-tree", "-z", "--name-only", "--no-messages")
    done = await attempt(quarantine.path, "merge-tree", *flags, onto, base, bounds=_BOUNDS)
    if done.code not in (0, 1):
        return MergeRefused(f"git cannot merge the base into the branch: {one_line(done.complaint)}.")
    try:
        tree, *names = [name.decode() for name in done.out.split(b"\0") if name]
    except UnicodeDecodeError:
        return MergeRefused("A file that conflicts with the base has a name that is not UTF-8.")
    if len(names) > FILES:
        return MergeRefused(f"{len(names)} files conflict with the base; at most {FILES} are given to an agent.")
    return Merge(await quarantine.commit(tree, onto, message, base), tuple(names))


async def resolved(
    quarantine: Quarantine, merge: Merge, base: CommitSha, harvest: Harvest, message: CommitMessage
) -> Harvest:
    """What was made of a merge, as one commit with its two parents. What still holds markers is not taken over."""
    if isinstance(harvest, HarvestRefused):
        return harvest
    tree = await quarantine.tree_of(harvest.commit if isinstance(harvest, Harvested) else merge.commit)
    if left := await _marked(quarantine, tree, merge.conflicts):
        return HarvestRefused(tuple(f"`{name}` still holds conflict markers." for name in left))
    ours, theirs = [await quarantine.commit_of(f"{merge.commit}^{number}") for number in (1, 2)]
    if ours is None or theirs is None:
        raise ValueError(f"{merge.commit} is no merge")
    files = await quarantine.changes(base, base, tree)
    return Harvested(await quarantine.commit(tree, ours, message, theirs), files)


async def _marked(quarantine: Quarantine, tree: str, names: tuple[str, ...]) -> list[str]:
    """Those of the files that still hold a conflict marker."""
    if not names:
        return []
    done = await attempt(quarantine.path, "grep", "-lzE", "--full-name", "-e", _MARKERS, tree, "--", *names)
    if done.code > 1:
        raise ValueError(f"git grep: {done.complaint}")
    return [name.decode(errors="replace").partition(":")[2] for name in done.out.split(b"\0") if name]
