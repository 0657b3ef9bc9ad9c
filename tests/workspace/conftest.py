"""A desk: the workspace door over real git and a real sandbox, with one task in work."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sandbox.box import Limits
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.task.ids import BranchName, CommitSha, InstallationId, RepoRef, TaskId
from bot.task.results import Harvest
from bot.workspace.values import CommitMessage, Fetched, Remote
from bot.workspace.workspaces import GitWorkspaces
from tests.sandbox.real import real_capability
from tests.workspace.origin import Origin

MESSAGE = CommitMessage("Fix it\n\nBecause.", "Bot <bot@example.org>", datetime(2026, 1, 2, tzinfo=UTC))
MAIN, BRANCH = BranchName("main"), BranchName("agent/7-fix")


@dataclass
class Desk:
    """One task of one repository, with what was fetched last."""

    origin: Origin
    sandbox: Sandbox
    door: GitWorkspaces
    root: Path
    base: CommitSha = field(default=CommitSha(""), init=False)

    @property
    def task(self) -> TaskId:
        return TaskId(7)

    @property
    def repo(self) -> RepoRef:
        return RepoRef(99, "ann/app", InstallationId(1))

    @property
    def remote(self) -> Remote:
        return Remote(str(self.origin.remote), "")

    async def fetch(self) -> Fetched:
        fetched = await self.door.fetch(self.task, self.repo, self.remote, MAIN, BRANCH)
        assert isinstance(fetched, Fetched)
        self.base = fetched.base
        return fetched

    async def agent(self, script: str) -> str:
        """What the agent does in its worktree, as it may: in the sandbox."""
        box = self.door.box(self.task)
        finished = await self.sandbox.run(box, ["bash", "-c", script], Limits(seconds=60))
        return finished.output.decode(errors="replace")

    async def harvest(self, parent: CommitSha | None = None) -> Harvest:
        return await self.door.harvest(self.task, self.base, parent or self.base, MESSAGE)


@pytest.fixture(scope="session")
def capability() -> Capability:
    return real_capability()


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.new(tmp_path / "origin")


@pytest.fixture
def empty_desk(origin: Origin, capability: Capability, tmp_path: Path) -> Desk:
    sandbox = Sandbox(capability)
    return Desk(origin, sandbox, GitWorkspaces(tmp_path / "data", sandbox), tmp_path / "data")


@pytest.fixture
async def desk(empty_desk: Desk) -> Desk:
    """Fetched, with an open worktree."""
    await empty_desk.fetch()
    await empty_desk.door.open(empty_desk.task, empty_desk.repo, empty_desk.base)
    return empty_desk
