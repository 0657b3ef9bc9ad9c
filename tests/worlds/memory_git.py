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

    def commit(self, parent: CommitSha | None, files: Files, note: str = "") -> CommitSha:
        named = json.dumps([parent, files, note], sort_keys=True).encode()
        sha = CommitSha(hashlib.sha1(named, usedforsecurity=False).hexdigest())
        self.commits[sha] = (parent, dict(files))
        return sha

    def files(self, sha: CommitSha) -> Files:
        return dict(self.commits[sha][1])

    def fork(self, base: CommitSha, head: CommitSha) -> CommitSha:
        """Where `head` left the line of `base`."""
        line = {*self.past(base)}
        return next((commit for commit in self.past(head) if commit in line), base)

    def past(self, commit: CommitSha | None) -> Iterator[CommitSha]:
        """The commit and its forebears."""
        while commit is not None:
            yield commit
            commit = self.commits[commit][0]
