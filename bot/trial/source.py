"""The person's own repository: look at it, lend its objects, and give a branch back. Nothing else there is touched.

git runs as the person and with their configuration: they trust this repository. Hooks, file system monitors, network
and housekeeping are off, and no `GIT_…` variable of a surrounding git reaches it.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bot.demo.forge.git.bare import BareRepo
from bot.task import repo_config
from bot.task.repo_config import BadConfig
from bot.trial.unfit import Unfit

_OFF = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.writeCommitGraph": "false",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
}
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # looking at the state does not refresh the index
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_FETCH = (
    *("fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--no-prune", "--no-auto-maintenance"),
    *("--no-recurse-submodules", "--"),
)
_NEVER = "0" * 40
"""The old value of a ref that must not exist yet."""


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that can be tried on. `top` is its work tree, or the bare repository itself."""

    top: Path
    bare: bool
    objects: Path
    head: str
    branch: str
    """Name of the base branch in the trial: the one that is checked out, or `main`."""
    agent: str | None
    """The agent that its own `.github/issuewright.yml` asks for."""
    kib: int
    """How much its objects take on disk."""
    notes: tuple[str, ...]
    """What the person should know, one sentence each."""

    @property
    def name(self) -> str:
        """Fit for a repository on GitHub."""
        folder = self.top.parent if self.top.name == ".git" else self.top
        return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name.removesuffix(".git")).strip("-.")[:100] or "repository"

    def lend(self, forge: BareRepo) -> None:
        """The forge's empty repository has HEAD as its only branch; it borrows the objects and copies none."""
        alternates = forge.path / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_text(f"{self.objects}\n")
        with (forge.path / "config").open("a") as config:
            config.write("[core]\n\talternateRefsCommand = true\n")  # the person's other branches are not looked at
        forge.set_ref(f"refs/heads/{self.branch}", self.head)

    def take_back(self, place: Path, ref: str, commit: str, wanted: str) -> str:
        """A new branch at `commit`, which `ref` of another repository or bundle brings; its name.

        A branch that is there is never moved: the name gets a number. Work tree, index, configuration and FETCH_HEAD
        stay as they are.
        """
        _git(self.top, *_FETCH, str(place), ref)
        for name in _names(wanted):
            made = _attempt(self.top, "update-ref", "-m", "issuewright try", f"refs/heads/{name}", commit, _NEVER)
            if made.returncode == 0:
                return name
        raise Unfit(f"No branch can be made in {self.top}: {_last_line(made.stderr)}.")


@dataclass(frozen=True, slots=True)
class Two:
    """Two commits of a person's repository."""

    top: Path
    base: str
    head: str
    objects: Path

    def lend(self, place: Path) -> None:
        """A bare repository at `place` with these commits as the branches `base` and `head`; no object is copied."""
        _git(self.top, "init", "--quiet", "--bare", "--template=", str(place))
        (place / "objects" / "info" / "alternates").write_text(f"{self.objects}\n")
        for name, commit in (("base", self.base), ("head", self.head)):
            _git(place, "update-ref", f"refs/heads/{name}", commit)


def two(path: Path, base: str, head: str) -> Two:
    """The commits that these names mean in the repository at `path`. Raises Unfit."""
    if not path.is_dir():
        raise Unfit(f"{path} is {'no folder' if path.exists() else 'not there'}.")
    top, _ = _top(path)
    _head(top)
    _refuse_parts(top)
    return Two(top, _commit(top, base), _commit(top, head), _objects(top))


def _commit(top: Path, name: str) -> str:
    found = _said(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if not found:
        raise Unfit(f"{name!r} names no commit of {top}.")
    return found


def _objects(top: Path) -> Path:
    return Path(_git(top, "rev-parse", "--path-format=absolute", "--git-path", "objects"))


def look(path: Path) -> Source:
    """What is at `path`, or in the folders above it. Raises Unfit."""
    if not path.is_dir():
        raise Unfit(f"{path} is {'no folder' if path.exists() else 'not there'}.")
    top, bare = _top(path)
    head = _head(top)
    _refuse_parts(top)
    branch = _said(top, "symbolic-ref", "--quiet", "--short", "HEAD")
    notes = _notes(path, top, bare, branch)
    config = repo_config.parse(_attempt(top, "cat-file", "blob", f"HEAD:{repo_config.PATH}").stdout or None)
    if isinstance(config, BadConfig):
        raise Unfit(f"{top}: {config.reason}")
    return Source(
        top=top,
        bare=bare,
        objects=_objects(top),
        head=head,
        branch=branch if branch and branch.partition("/")[0] != "agent" else "main",
        agent=config.agent,
        kib=sum(map(int, re.findall(r"^size(?:-pack)?: (\d+)$", _git(top, "count-objects", "-v"), re.MULTILINE))),
        notes=notes,
    )


def _top(path: Path) -> tuple[Path, bool]:
    """The work tree around `path`, or the git folder itself."""
    if shutil.which("git") is None:
        raise Unfit("git is not installed.")
    asked = _attempt(path, "rev-parse", "--is-inside-work-tree", "--absolute-git-dir")
    complaint = asked.stderr.decode(errors="replace")
    if "dubious ownership" in complaint:
        raise Unfit(
            f"{path} belongs to another user, so git does not read it; if you trust it: "
            f"git config --global --add safe.directory {path}"
        )
    if asked.returncode != 0:
        raise Unfit(f"{path} is in no git repository ({_last_line(asked.stderr)}).")
    inside, folder = asked.stdout.decode().splitlines()
    return (Path(_git(path, "rev-parse", "--show-toplevel")), False) if inside == "true" else (Path(folder), True)


def _head(top: Path) -> str:
    if _said(top, "rev-parse", "--show-object-format") != "sha1":
        raise Unfit(f"{top} names its objects by SHA-256, which GitHub does not take yet.")
    head = _said(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        raise Unfit(f"{top} has no commit yet: commit something first.")
    return head


def _refuse_parts(top: Path) -> None:
    """A repository that does not have all of its history cannot lend it."""
    if _said(top, "rev-parse", "--is-shallow-repository") == "true":
        raise Unfit(f"{top} is a shallow clone: bring in the rest first with git -C {top} fetch --unshallow")
    if _said(top, "config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$"):
        raise Unfit(f"{top} is a partial clone (--filter), which lacks objects: try it on a full clone.")


def _notes(path: Path, top: Path, bare: bool, branch: str) -> tuple[str, ...]:
    notes = []
    if not bare and path.resolve() != top.resolve():
        notes.append(f"{path} lies in the repository {top}: all of that is used.")
    if not branch:
        notes.append("HEAD is detached: the commit that is checked out is the base.")
    changes = "" if bare else _git(top, "status", "--porcelain", "--no-renames", "--ignore-submodules=all")
    if changes:
        notes.append(f"Uncommitted changes ({len(changes.splitlines())}) are not part of it: HEAD is the base.")
    if _said(top, "ls-tree", "--name-only", "HEAD", "--", ".gitmodules"):
        notes.append("Submodules are not checked out: their folders are empty for the agent and the checks.")
    patterns = (".gitattributes", ":(glob)**/.gitattributes")
    if _attempt(top, "grep", "-q", "-F", "filter=lfs", "HEAD", "--", *patterns).returncode == 0:
        notes.append("Files in Git LFS are pointers only for the agent and the checks.")
    return tuple(notes)


def _names(wanted: str) -> list[str]:
    """Names to try in turn; the last ones for a repository that has a branch called `agent`."""
    flat = wanted.replace("/", "-")
    return [wanted, *(f"{wanted}-{number}" for number in range(2, 100)), flat, f"issuewright-{flat}"]


def _attempt(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = [word for key, value in _OFF.items() for word in ("-c", f"{key}={value}")]
    return subprocess.run(
        ["git", *settings, *words], cwd=folder, env={**env, **_ENVIRONMENT}, stdin=subprocess.DEVNULL,
        capture_output=True,
    )  # fmt: skip


def _said(folder: Path, *words: str) -> str:
    """What git says; nothing when it fails."""
    done = _attempt(folder, *words)
    return "" if done.returncode else os.fsdecode(done.stdout).strip()


def _git(folder: Path, *words: str) -> str:
    done = _attempt(folder, *words)
    if done.returncode != 0:
        raise Unfit(f"git {words[0]} does not work in {folder}: {_last_line(done.stderr)}.")
    return os.fsdecode(done.stdout).strip()


def _last_line(complaint: bytes) -> str:
    lines = [line.strip() for line in complaint.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ").rstrip(".") if lines else "git gave no reason"
