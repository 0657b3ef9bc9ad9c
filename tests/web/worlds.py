"""A real store, a clock that is moved by hand, and tasks that have been through something."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.store.store import Store
from bot.store.values import Claimed
from bot.task.effects import Pace, RunAgent, Verify
from bot.task.events import AgentResult, ChangesMade, Labelled, Published, TaskEvent, Verified, WorkspacePrepared
from bot.task.ids import (
    ArtifactId,
    BranchName,
    CommitSha,
    FactKey,
    InstallationId,
    IssueNumber,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
    TaskId,
)
from bot.task.results import CheckResult, ChecksOrigin, FileChange, SandboxLevel, Verification

START = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
REPO = RepoRef(77, "acme/widgets", InstallationId(9))
BASE = CommitSha("b" * 40)
SECRET = b"a secret of the App"
DATABASE = "web.db"


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


async def open_store(folder: Path, clock: ManualClock) -> Store:
    return await Store.open(f"sqlite:///{DATABASE}", pace=Pace(), clock=clock, data_dir=folder)


def body_of(action: str = "labeled", **fields: object) -> bytes:
    return json.dumps({"action": action, **fields}).encode()


class Tale:
    """Moves one task along as the worker would, by claiming and finishing its effects."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.id = TaskId(0)

    async def begins(self, issue: int, title: str, by: str = "ana", event: int | None = None) -> "Tale":
        admitted = await self.store.keep(None, "admitted", f"{issue}.{event}", b"The body.")
        label = event or 900 + issue
        labelled = Labelled(
            IssueRef(REPO, IssueNumber(issue)), Login(by), label, self.clock(), title, admitted, "codex"
        )
        begun = await self.store.begin(labelled, FactKey(f"label:{label}"))
        assert begun is not None
        self.id = begun.task.id
        return self

    async def tells(self, event: TaskEvent, key: str) -> None:
        await self.store.apply(self.id, event, FactKey(key))

    async def is_prepared(self) -> None:
        await self.store.admit(10)
        self.clock.advance(seconds=3)
        prepared = WorkspacePrepared(await self._run(), BASE, BranchName("main"), None, False, 3)
        await self.finishes("PrepareWorkspace", prepared)

    async def turn_ends(self, result: AgentResult, seconds: float = 340) -> None:
        self.clock.advance(seconds=seconds)
        await self.finishes("RunAgent", result)

    async def is_verified(self, checks: Sequence[CheckResult], attempt: int, commit: CommitSha) -> None:
        self.clock.advance(seconds=41)
        verification = Verification(commit, tuple(checks), ChecksOrigin.CONFIGURED, SandboxLevel.OVERLAY, self.clock())
        await self.finishes("Verify", Verified(await self._run(), attempt, verification))

    async def verified_with_log(self, text: bytes) -> ArtifactId:
        """The first attempt passes its one check."""
        log = await self.log("1.1/pytest", text)
        await self.is_verified([check("pytest", 0, log)], 1, CommitSha("1" * 40))
        return log

    async def is_published(self, pull: int, head: CommitSha) -> None:
        self.clock.advance(seconds=4)
        report = "https://github.example/checks/1"
        await self.finishes("Publish", Published(await self._run(), PullNumber(pull), head, False, report))

    async def finishes(self, kind: str, event: TaskEvent | None = None) -> None:
        """Claim until this kind comes, finishing with nothing what lies before it."""
        claimed = await self.claims(kind)
        await self.store.finish(claimed, event)

    async def claims(self, kind: str) -> Claimed:
        while (claimed := await self.store.claim("laptop")) is not None:
            if claimed.task == self.id and type(claimed.effect).__name__ == kind:
                return claimed
            await self.store.finish(claimed)
        raise AssertionError(f"there is no {kind} to claim")

    async def goes_quiet(self) -> None:
        """Perform what is left to say, without result."""
        while (claimed := await self.store.claim("laptop")) is not None:
            if isinstance(claimed.effect, RunAgent | Verify):
                await self.store.release(claimed, self.clock() + timedelta(minutes=5), count=False)
                continue
            await self.store.finish(claimed)

    async def log(self, name: str, text: bytes) -> ArtifactId:
        return await self.store.keep(self.id, "log", name, text)

    async def _run(self) -> int:
        task = await self.store.task(self.id)
        assert task is not None
        return task.run


def changes(
    commit: str, attempt: int, summary: str, run: int = 1, files: Mapping[str, tuple[int, int]] | None = None
) -> ChangesMade:
    shown = files or {"src/auth/refresh.py": (31, 12), "tests/test_refresh.py": (51, 5)}
    listed = tuple(FileChange(path, "M", added, removed) for path, (added, removed) in shown.items())
    return ChangesMade(run, attempt, CommitSha(commit), listed, summary, "session-1")


def check(name: str, exit_code: int | None, log: ArtifactId | None = None, note: str = "") -> CheckResult:
    return CheckResult(name, f"{name} -q --junitxml=$REPORTS/junit.xml", True, exit_code, 12.4, note, log)
