"""Commits in memory: a name for a parent and a set of files."""

import hashlib
import json
from dataclasses import dataclass, field

from bot.task.ids import CommitSha

Files = dict[str, str]


@dataclass
class MemoryGit:
    """Every commit that ever was; names are content hashes, as in git."""

    commits: dict[CommitSha, tuple[CommitSha | None, Files]] = field(default_factory=dict)

    def commit(self, parent: CommitSha | None, files: Files, note: str = "") -> CommitSha:
        named = json.dumps([parent, files, note], sort_keys=True).encode()
        sha = CommitSha(hashlib.sha1(named, usedforsecurity=False).hexdigest())
        self.commits[sha] = (parent, dict(files))
        return sha

    def files(self, sha: CommitSha) -> Files:
        return dict(self.commits[sha][1])

    def is_ancestor(self, old: CommitSha, new: CommitSha | None) -> bool:
        while new is not None and new != old:
            new = self.commits[new][0]
        return new == old
