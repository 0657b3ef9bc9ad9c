"""A lab: two commits of a tiny repository, certified for real, in the real sandbox."""

import os
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from bot.flow.steps.shelf import Turns
from bot.flow.trees import TaskTrees
from bot.sandbox.box import Limits
from bot.sandbox.process import Sandbox
from bot.task.certificate import Certificate
from bot.task.ids import BranchName, CommitSha, InstallationId, RepoRef, TaskId
from bot.verify.certify import Certified, Order, certify
from bot.verify.command import Command
from bot.verify.findings import scope, weakened
from bot.verify.run import Rig
from bot.verify.runner import SandboxChecks
from bot.workspace.values import Fetched, Remote
from bot.workspace.workspaces import GitWorkspaces
from tests.sandbox.real import real_capability

Files = Mapping[str, str | None]
"""Path to text; None removes the file."""

TOOLS = Path(__file__).parent / "tools"
SITE = Path(sysconfig.get_path("purelib"))
TINY = f"python3 -I {TOOLS}/tinytest.py"
PYTEST = (
    f"env PYTHONPATH={SITE} PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 PYTHONDONTWRITEBYTECODE=1"
    " python3 -m pytest -q -p no:cacheprovider --junitxml=$REPORTS/junit.xml"
)
_WHEN = "2026-01-02T03:04:05Z"
_WHO = {f"GIT_{role}_{key}": "ann@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
_ENV = {**_WHO, "GIT_AUTHOR_DATE": _WHEN, "GIT_COMMITTER_DATE": _WHEN, "GIT_CONFIG_GLOBAL": os.devnull}


def git(folder: Path, *words: str) -> str:
    """The same files make the same commit."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**_ENV, "PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def history(folder: Path, *states: Files) -> list[CommitSha]:
    """A repository on `main` with one commit for each state; a later one changes what the earlier ones left."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commits = []
    for state in states:
        write(folder, state)
        git(folder, "add", "-A", "-f")
        git(folder, "commit", "-q", "--allow-empty", "-m", "x")
        commits.append(CommitSha(git(folder, "rev-parse", "HEAD")))
    return commits


@dataclass
class MemoryShelf:
    """Implements `bot.verify.baseline.Shelf`."""

    kept: dict[str, bytes] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)

    async def load(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def keep(self, key: str, data: bytes) -> None:
        self.kept[key] = data

    def hold(self, key: str) -> AbstractAsyncContextManager[None]:
        return self.turns.hold(key)


@dataclass
class Lab:
    """Certifies; everything lies below `root`. Baselines are shared by all that it certifies."""

    root: Path
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    sandbox: Sandbox = field(default_factory=lambda: Sandbox(real_capability(), toolchains=[TOOLS, SITE]))
    count: int = 0
    asked: str = ""
    """Body of the issue."""

    async def certified(
        self, base: Files, head: Files, *commands: str, setup: str = "", required: bool = True
    ) -> Certified:
        """`head` is what differs from `base`."""
        self.count += 1
        return await self.of(self.root / f"r{self.count}", (base, head), commands or (TINY,), setup, required)

    async def certificate(self, base: Files, head: Files, *commands: str, setup: str = "") -> Certificate:
        return (await self.certified(base, head, *commands, setup=setup)).certificate

    async def of(
        self, folder: Path, states: Sequence[Files], commands: Sequence[str], setup: str = "", required: bool = True
    ) -> Certified:
        commits = history(folder, *states)
        git(folder, "branch", "-q", "base", commits[0])
        return await self.certify_commits(folder, commits[0], commits[-1], commands, setup, required)

    async def certify_commits(
        self,
        folder: Path,
        base: CommitSha,
        head: CommitSha,
        commands: Sequence[str],
        setup: str = "",
        required: bool = True,
    ) -> Certified:
        workspaces = GitWorkspaces(folder.with_suffix(".work"), self.sandbox)
        task, repo = TaskId(1), RepoRef(9, "ann/app", InstallationId(1))
        remote = Remote(str(folder / ".git"), "")
        fetched = await workspaces.fetch(task, repo, remote, BranchName("base"), BranchName("main"))
        assert isinstance(fetched, Fetched)
        named = tuple(
            Command(f"check{number or ''}", command, required=required) for number, command in enumerate(commands)
        )
        checks = SandboxChecks(self.sandbox)
        rig = Rig(
            TaskTrees(workspaces, task),
            checks,
            named,
            Command("setup", setup, required=True) if setup else None,
            Limits(seconds=120),
        )
        order = Order(base, head, "given", "bubblewrap", await checks.tools(named), weakened(named), scope, self.asked)
        certified = await certify(rig, order, self.shelf)
        await workspaces.close(task)
        return certified
