"""One bare repository on disk: processes with a clean environment, refs, commits, contents."""

import os
import subprocess
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")
_FORMAT = "%x00".join(("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"))
_FIELDS = 10
_SETTINGS = {
    "gc.auto": "0",
    "receive.autogc": "false",
    "receive.hideRefs": "refs/pull",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "core.logAllRefUpdates": "false",
}

Files = Mapping[str, str | bytes | None]
"""Path to content; None deletes the path."""


def clean_environment() -> dict[str, str]:
    """An environment in which no configuration of the machine or its user reaches git, and nothing prompts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote a commit, and when."""

    name: str
    email: str
    when: datetime

    def environment(self, role: str) -> dict[str, str]:
        """Variables that make git use this signature; `role` is AUTHOR or COMMITTER."""
        return {
            f"GIT_{role}_NAME": self.name,
            f"GIT_{role}_EMAIL": self.email,
            f"GIT_{role}_DATE": self.when.isoformat(),
        }

    def line(self) -> str:
        """The form of a fast-import stream."""
        return f"{self.name} <{self.email}> {int(self.when.timestamp())} +0000"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as read from git."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


class GitFailed(Exception):
    """Git exited with an error; the text is its stderr."""

    def __init__(self, status: int, stdout: bytes, stderr: bytes) -> None:
        super().__init__(stderr.decode(errors="replace").strip() or f"git exited {status}")
        self.status = status
        self.stdout = stdout


@dataclass(slots=True)
class BareRepo:
    """A bare repository. Answers about immutable objects are remembered, so that polling costs no process."""

    path: Path
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def create(cls, path: Path, default_branch: str) -> "BareRepo":
        """Make an empty repository without hooks or templates."""
        path.mkdir(parents=True)
        repo = cls(path)
        repo.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", ".")
        with (path / "config").open("a") as config:
            for key, value in _SETTINGS.items():
                section, name = key.split(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        return repo

    def run(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, at: Path | None = None
    ) -> bytes:
        """Run git and return its stdout; raises GitFailed."""
        done = subprocess.run(
            ["git", *args],
            cwd=at or self.path,
            env={**clean_environment(), **(env or {})},
            input=stdin,
            capture_output=True,
        )
        if done.returncode:
            raise GitFailed(done.returncode, done.stdout, done.stderr)
        return done.stdout

    def text(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Like `run`, as stripped text."""
        return self.run(*args, stdin=stdin, env=env).decode(errors="replace").strip()

    def remember(self, key: Hashable, ask: Callable[[], _T]) -> _T:
        """The answer to a question whose answer can never change."""
        if key not in self._known:
            self._known[key] = ask()
        answer: _T = self._known[key]
        return answer

    def refs(self) -> dict[str, str]:
        """All branches and tags: full ref name to object name."""
        out = self.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        return {name: sha for name, _, sha in (line.partition(" ") for line in out.splitlines())}

    def resolve(self, name: str) -> str | None:
        """The commit that a ref or a (short) object name means, or None."""
        if name.startswith("-") or "\0" in name:
            return None
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GitFailed:
            return None

    def set_ref(self, ref: str, sha: str | None) -> None:
        """Point a ref at a commit; None deletes it."""
        self.run("update-ref", *(("-d", ref) if sha is None else (ref, sha)))

    def valid_ref(self, ref: str) -> bool:
        """Would git accept this full ref name?"""
        try:
            self.run("check-ref-format", ref)
        except GitFailed:
            return False
        return True

    def commit(self, sha: str) -> Commit:
        """One commit by its full object name."""
        return self.remember(("commit", sha), lambda: self.log("-1", sha)[0])

    def log(self, *revisions: str) -> list[Commit]:
        """Commits as `git log` gives them, newest first."""
        out = self.run("log", "-z", f"--format={_FORMAT}", *revisions, "--").decode(errors="replace")
        fields = out.split("\0")
        return [_commit(fields[at : at + _FIELDS]) for at in range(0, len(fields) - 1, _FIELDS)]

    def write(
        self,
        branch: str,
        files: Files,
        message: str,
        author: Signature,
        parent: str | None = None,
        executable: Collection[str] = (),
    ) -> str:
        """Commit files on a branch (created from `parent` when given) and return the new commit."""
        ref = f"refs/heads/{branch}"
        text = message.encode()
        head = f"commit {ref}\nauthor {author.line()}\ncommitter {author.line()}\ndata {len(text)}\n"
        parts = [head.encode(), text, b"\n", f"from {parent}\n".encode() if parent else b""]
        for path, content in files.items():
            parts += _file_command(path, content, path in executable)
        self.run("fast-import", "--quiet", "--force", "--date-format=raw", stdin=b"".join(parts))
        return self.text("rev-parse", ref)

    def entry(self, sha: str, path: str) -> tuple[str, str, str] | None:
        """Mode, type and object name of a path in a commit."""
        if not path.strip("/"):
            return ("040000", "tree", self.commit(sha).tree)
        if "\0" in path or not {".", ".."}.isdisjoint(path.split("/")):
            return None
        out = self.text("--literal-pathspecs", "ls-tree", "-z", sha, "--", path.strip("/"))
        if not out:
            return None
        mode, kind, name = out.split("\t")[0].split(" ")
        return mode, kind, name

    def children(self, tree: str) -> list[tuple[str, str, str, int]]:
        """Mode-type, object name, file name and size of the entries of a tree."""
        rows = []
        for line in self.run("ls-tree", "-z", "-l", tree).decode(errors="replace").split("\0")[:-1]:
            meta, _, name = line.partition("\t")
            _mode, kind, sha, size = meta.split()
            rows.append((kind, sha, name, 0 if size == "-" else int(size)))
        return rows

    def blob(self, sha: str) -> bytes:
        """The content of a blob."""
        return self.run("cat-file", "blob", sha)


def _file_command(path: str, content: str | bytes | None, executable: bool) -> list[bytes]:
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if content is None:
        return [f"D {quoted}\n".encode()]
    data = content.encode() if isinstance(content, str) else content
    mode = "100755" if executable else "100644"
    return [f"M {mode} inline {quoted}\ndata {len(data)}\n".encode(), data, b"\n"]


def _commit(fields: list[str]) -> Commit:
    sha, tree, parents, a_name, a_mail, a_date, c_name, c_mail, c_date, message = fields
    author = Signature(a_name, a_mail, datetime.fromisoformat(a_date))
    committer = Signature(c_name, c_mail, datetime.fromisoformat(c_date))
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))
