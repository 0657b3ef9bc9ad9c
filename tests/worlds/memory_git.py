"""Commits in memory: a name for a parent and a set of files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.task.ids import CommitSha

Files = dict[str, str]


@dataclass
class MemoryGit:
    """Every commit that ever was; names are content hashes, as in git."""

    commits: dict[CommitSha, tuple[CommitSha | None, Files]] = field(default_factory=dict)
    merged: dict[CommitSha, CommitSha] = field(default_factory=dict)
    """Second parents."""

    def commit(
        self, parent: CommitSha | None, files: Files, note: str = "", merged: CommitSha | None = None
    ) -> CommitSha:
        named = json.dumps([parent, files, note, *([merged] if merged else [])], sort_keys=True).encode()
        sha = CommitSha(hashlib.sha1(named, usedforsecurity=False).hexdigest())
        self.commits[sha] = (parent, dict(files))
        if merged is not None:
            self.merged[sha] = merged
        return sha

    def merge(self, onto: CommitSha, base: CommitSha, note: str) -> tuple[CommitSha, tuple[str, ...]] | None:
        """A commit of both, and which files hold both sides; None: `base` is in `onto` already."""
        if base in self.past(onto):
            return None
        root, ours, theirs = (self.files(one) for one in (self.fork(base, onto), onto, base))
        merged, conflicts = dict(ours), []
        for path in sorted({*root, *ours, *theirs}):
            before, mine, other = (tree.get(path) for tree in (root, ours, theirs))
            if other in (before, mine):
                continue
            if mine == before:
                merged.pop(path, None)
                merged |= {} if other is None else {path: other}
            else:
                conflicts.append(path)
                merged[path] = f"<<<<<<< ours\n{mine or ''}=======\n{other or ''}>>>>>>> theirs\n"
        return self.commit(onto, merged, note, base), tuple(conflicts)

    def files(self, sha: CommitSha) -> Files:
        return dict(self.commits[sha][1])

    def fork(self, base: CommitSha, head: CommitSha) -> CommitSha:
        """Where `head` left the line of `base`."""
        line = {*self.past(base)}
        return next((commit for commit in self.past(head) if commit in line), base)

    def past(self, commit: CommitSha | None) -> Iterator[CommitSha]:
        """The commit and its forebears, the nearer ones first."""
        waiting = [commit]
        for one in waiting:
            if one is not None:
                yield one
                waiting += [self.commits[one][0], self.merged.get(one)]
