"""A repository as people see it: a remote, and a clone in which they work."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bot.task.ids import CommitSha

PEOPLE = {f"GIT_{role}_{key}": "ann@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


def git(where: Path, *words: str, check: bool = True) -> str:
    """git as a person runs it on a machine of his own."""
    env = {"PATH": os.environ["PATH"], "HOME": str(where), **PEOPLE}
    done = subprocess.run(["git", *words], cwd=where, env=env, capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Origin:
    """`remote.git` and `clone` side by side."""

    root: Path

    @classmethod
    def new(cls, root: Path) -> "Origin":
        """One commit on main, with a few files."""
        origin = cls(root)
        root.mkdir()
        git(root, "init", "-q", "--bare", "-b", "main", "remote.git")
        git(root, "init", "-q", "-b", "main", "clone")
        git(origin.clone, "remote", "add", "origin", str(origin.remote))
        files = {"a.txt": "hello\n", "src/x.py": "x = 1\n", ".gitignore": "*.log\nbuild/\n", "kept.log": "tracked\n"}
        for name, text in files.items():
            origin.write(name, text)
        git(origin.clone, "add", "-f", "-A")
        origin.commit("First")
        return origin

    @property
    def remote(self) -> Path:
        return self.root / "remote.git"

    @property
    def clone(self) -> Path:
        return self.root / "clone"

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str, branch: str = "main") -> CommitSha:
        """Commit everything and push it."""
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", message)
        git(self.clone, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return CommitSha(git(self.clone, "rev-parse", "HEAD"))

    def tip(self, branch: str) -> str:
        """Where the remote branch is; empty when there is none."""
        return git(self.remote, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False)
