"""What changed between two commits, read from `git diff`: files, patches, hunks, moved lines."""

import re
from dataclasses import dataclass

from bot.demo.forge.git.bare import BareRepo, Commit, GitFailed

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a diff. `patch` is None for a binary file."""

    path: str
    previous: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base and head around their merge base; `commits` are those of head that base lacks, oldest first."""

    base: str
    head: str
    merge_base: str
    behind: int
    commits: tuple[Commit, ...]
    files: tuple[ChangedFile, ...]


def merge_base(repo: BareRepo, one: str, other: str) -> str | None:
    """The best common ancestor, or None for unrelated histories."""

    def ask() -> str | None:
        try:
            return repo.text("merge-base", one, other)
        except GitFailed:
            return None

    return repo.remember(("merge-base", one, other), ask)


def contains(repo: BareRepo, descendant: str, ancestor: str) -> bool:
    """Is `ancestor` part of the history of `descendant`?"""
    return merge_base(repo, descendant, ancestor) == ancestor


def commits_between(repo: BareRepo, base: str, head: str) -> tuple[Commit, ...]:
    """Commits of head that base lacks, oldest first."""
    return repo.remember(
        ("commits", base, head), lambda: tuple(repo.log("--reverse", "--topo-order", f"{base}..{head}"))
    )


def changed_files(repo: BareRepo, base: str, head: str) -> tuple[ChangedFile, ...]:
    """The files that differ between two commits (or trees)."""
    return repo.remember(("files", base, head), lambda: _read_files(repo, base, head))


def unified(repo: BareRepo, base: str, head: str) -> str:
    """The whole diff as text, as `Accept: application/vnd.github.diff` gives it."""
    return repo.run("diff", "-M", "--no-color", "--no-ext-diff", base, head, "--").decode(errors="replace")


def compare(repo: BareRepo, base: str, head: str) -> Comparison | None:
    """Three-dot comparison, or None for unrelated histories."""
    middle = merge_base(repo, base, head)
    if middle is None:
        return None
    behind = len(commits_between(repo, head, base))
    return Comparison(base, head, middle, behind, commits_between(repo, base, head), changed_files(repo, middle, head))


def hunk_up_to(patch: str, line: int, side: str) -> str | None:
    """The hunk of a patch cut after the given line of one side, or None when the diff does not show that line."""
    hunk: list[str] = []
    old = new = 0
    for text in patch.split("\n"):
        head = _HUNK.match(text)
        if head:
            hunk, old, new = [text], int(head[1]), int(head[3])
            continue
        hunk.append(text)
        if text[:1] in (" ", "+", "") and side == "RIGHT" and new == line:
            return "\n".join(hunk)
        if text[:1] in (" ", "-", "") and side == "LEFT" and old == line:
            return "\n".join(hunk)
        old += text[:1] in (" ", "-", "")
        new += text[:1] in (" ", "+", "")
    return None


def moved_line(repo: BareRepo, old: str, new: str, path: str, line: int) -> int | None:
    """Where a line of a file is in a later commit, or None when that line was changed or removed."""
    patch = repo.run("diff", "-U0", "--no-color", "--no-ext-diff", old, new, "--", path).decode(errors="replace")
    shift = 0
    for head in _HUNK.finditer(patch):
        start, count, added = int(head[1]), int(head[2] or 1), int(head[4] or 1)
        if count and start <= line < start + count:
            return None
        if line < start or (count == 0 and line <= start):
            break
        shift += added - count
    return line + shift


def _read_files(repo: BareRepo, base: str, head: str) -> tuple[ChangedFile, ...]:
    options = ("-M", "--no-color", "--no-ext-diff", "--full-index")
    raw = repo.run("diff", *options, "--raw", "-z", base, head, "--").decode(errors="replace").split("\0")[:-1]
    patches = _split_patches(repo.run("diff", *options, base, head, "--").decode(errors="replace"))
    files = []
    while raw:
        _old_mode, _new_mode, old_sha, new_sha, status = raw.pop(0).split(" ")
        first = raw.pop(0)
        second = raw.pop(0) if status[0] in "RC" else None
        patch = patches.pop(0)
        if status == "T":  # a changed file type is shown as a removal and an addition
            patch = "\n".join(part for part in (patch, patches.pop(0)) if part)
        added, removed = _counts(patch)
        sha = old_sha if status == "D" else new_sha
        kind = _STATUS.get(status[0], "changed")
        previous = first if second else None
        files.append(ChangedFile(second or first, previous, kind, sha, added, removed, patch))
    return tuple(files)


def _split_patches(diff: str) -> list[str | None]:
    """One body per file, from its first hunk on; None where there is none (binary, mode or name only)."""
    bodies: list[str | None] = []
    for part in re.split(r"^diff --git .*\n", diff, flags=re.MULTILINE)[1:]:
        hunk = _HUNK.search(part)
        bodies.append(part[hunk.start() :].rstrip("\n") if hunk else None)
    return bodies


def _counts(patch: str | None) -> tuple[int, int]:
    lines = (patch or "").split("\n")
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)
