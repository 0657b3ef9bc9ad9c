"""Merging with real git: a trial, and the three ways a pull request can be merged."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.forge.git.bare import BareRepo, GitFailed, Signature
from bot.demo.forge.git.diff import merge_base


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of merging two commits: a tree, or None with the paths in conflict."""

    tree: str | None
    conflicts: tuple[str, ...] = ()


def try_merge(repo: BareRepo, base: str, head: str) -> Trial:
    """Merge two commits without touching any ref."""
    return repo.remember(("merge", base, head), lambda: _try_merge(repo, base, head))


def commit_merge(repo: BareRepo, tree: str, parents: tuple[str, ...], message: str, author: Signature) -> str:
    """Write a commit of a tree: two parents make a merge, one a squash."""
    flags = [flag for parent in parents for flag in ("-p", parent)]
    env = author.environment("AUTHOR") | author.environment("COMMITTER")
    return repo.text("commit-tree", tree, *flags, stdin=message.encode(), env=env)


def rebase(repo: BareRepo, base: str, head: str, committer: Signature) -> str | None:
    """Replay head's own commits on base and return the last one, or None when they do not apply."""
    middle = merge_base(repo, base, head)
    if middle is None:
        return None
    picks = repo.text("rev-list", "--reverse", "--no-merges", f"{middle}..{head}").split()
    with _scratch(repo, base) as tree:
        try:
            env = committer.environment("COMMITTER")
            repo.run("cherry-pick", "--allow-empty", "--keep-redundant-commits", *picks, env=env, at=tree)
        except GitFailed:
            return None
        return repo.run("rev-parse", "HEAD", at=tree).decode().strip()


def _try_merge(repo: BareRepo, base: str, head: str) -> Trial:
    """`git merge-tree --write-tree` exits 1 on conflict (git 2.38 and later); older git merges in a worktree."""
    if _version(repo) < (2, 38):
        return _merge_in_worktree(repo, base, head)
    try:
        return Trial(repo.text("merge-tree", "--write-tree", base, head))
    except GitFailed as failed:
        return Trial(None, _paths_in_conflict(failed))


def _paths_in_conflict(failed: GitFailed) -> tuple[str, ...]:
    """The second section of merge-tree's output: `mode object stage<TAB>path`, ended by an empty line."""
    listed = failed.stdout.decode(errors="replace").partition("\n\n")[0].split("\n")[1:]
    return tuple(dict.fromkeys(line.partition("\t")[2] for line in listed))


def _merge_in_worktree(repo: BareRepo, base: str, head: str) -> Trial:
    with _scratch(repo, base) as tree:
        try:
            repo.run("merge", "--no-commit", "--no-ff", head, env=_NOBODY, at=tree)
        except GitFailed:
            return Trial(None)
        return Trial(repo.run("write-tree", at=tree).decode().strip())


@contextmanager
def _scratch(repo: BareRepo, commit: str) -> Iterator[Path]:
    """A throw-away worktree at a commit."""
    home = Path(tempfile.mkdtemp(prefix="forge-merge-"))
    tree = home / "tree"
    try:
        repo.run("worktree", "add", "--quiet", "--detach", str(tree), commit)
        yield tree
    finally:
        shutil.rmtree(home, ignore_errors=True)
        repo.run("worktree", "prune")


def _version(repo: BareRepo) -> tuple[int, ...]:
    words = repo.remember("version", lambda: repo.text("version")).split()
    return tuple(int(part) for part in words[2].split(".")[:2])


_NOBODY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "forge"), ("EMAIL", "forge@forge.example"))
}
