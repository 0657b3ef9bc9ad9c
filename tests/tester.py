"""A conversation in the small world: verbs of people, steps of the machine, and what must hold at the end.

The database, the receiver, intake, sweep, worker and every step are the real ones; GitHub, git, agent and checks are
the small doors of tests/worlds.
"""

import hashlib
import hmac
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx

from bot.flow.observe import Observer
from bot.flow.steps.bench import Bench
from bot.flow.steps.perform import Steps
from bot.flow.sweep import Sweeper
from bot.flow.worker import Worker
from bot.store.store import Store
from bot.task.effects import Pace, Sweep
from bot.task.ids import IssueNumber, PullNumber, TaskId
from bot.task.model import FINAL, Task
from bot.task.results import SandboxLevel
from bot.web.webhooks import Receiver
from tests.worlds.clock import StillClock
from tests.worlds.memory_git import Files, MemoryGit
from tests.worlds.small_doors import Script, SmallAgents, SmallChecks, SmallWorkspaces
from tests.worlds.small_github import SmallGitHub
from tests.worlds.small_world import BOT, REPO, SmallWorld, Webhook

SECRET = b"a webhook secret for tests"
QUIET = timedelta(seconds=60)
MOST_EFFECTS = 500
"""A conversation that needs more than this does not settle."""

CONFIG = "checks:\n  tests: run-the-tests\n"


@dataclass
class Disturbance:
    """What goes wrong in a conversation: at most one crash, and what happens to webhooks."""

    crash_at: int = -1
    """Number of the effect at which the process dies; -1: never."""
    crash_after: bool = False
    """After the effect was performed and before it was recorded; else before it was performed."""
    deliver: Callable[[list[Webhook]], list[Webhook]] = list
    """What becomes of the webhooks that wait: doubled, shuffled, lost."""
    sweep: bool = False
    """Look for what no webhook told."""


@dataclass
class SmallBot:
    """One bot, one small world."""

    folder: Path
    script: Script
    files: Files = field(default_factory=lambda: {"README.md": "widgets\n", ".github/issuewright.yml": CONFIG})
    disturbance: Disturbance = field(default_factory=Disturbance)
    max_parallel: int = 3

    def __post_init__(self) -> None:
        self.clock = StillClock()
        self.git = MemoryGit()
        self.world = SmallWorld(self.git, self.clock)
        self.world.branches["main"] = self.git.commit(None, self.files)
        self.github = SmallGitHub(self.world)
        self.workspaces = SmallWorkspaces(self.world, self.git)
        self.agents = SmallAgents(self.workspaces, self.script)
        self.effects = 0
        self.deliveries = 0
        self.sent: list[tuple[Webhook, UUID]] = []

    async def start(self) -> None:
        """Begin, or begin again after a crash: only the database and the disk are as they were."""
        file = self.folder / "bot.db"
        if not file.exists():
            file.write_bytes(await _empty_database())
        self.store = await Store.open(f"sqlite:///{file}", pace=Pace(), clock=self.clock, data_dir=self.folder)
        observer = Observer(self.store, self.github, "scripted")
        bench = Bench(
            store=self.store,
            github=self.github,
            workspaces=self.workspaces,
            agents=self.agents,
            checks=SmallChecks(self.git),
            clock=self.clock,
            pace=Pace(),
            sandbox=SandboxLevel.CHECKOUT,
            may_run_checks=True,
            author="issuewright[bot] <bot@example.com>",
        )
        steps = Steps(bench, observer, Sweeper(self.store, self.github, observer, self.clock))
        self.worker = Worker("tester", self.store, steps, self.clock, self.max_parallel, rethrow=True)

    async def stop(self) -> None:
        await self.store.close()

    async def crash(self) -> None:
        """The process dies: what was claimed stays claimed until the next start."""
        await self.stop()
        await self.start()

    # ── webhooks ──

    async def post(self, webhook: Webhook, delivery: UUID) -> int:
        """Send a signed delivery to the real receiver; returns the status."""
        body = json.dumps(webhook.payload).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": webhook.event,
            "X-GitHub-Delivery": str(delivery),
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
        }
        transport = httpx.ASGITransport(app=Receiver(self.store, SECRET, _nothing, Counter()))
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            return (await client.post("/webhooks/github", content=body, headers=headers)).status_code

    async def deliver(self) -> int:
        """Deliver what waits, as the disturbance has it; returns how many deliveries were new."""
        waiting, self.world.webhooks = self.world.webhooks, []
        guids: dict[int, UUID] = {}
        for webhook in self.disturbance.deliver(waiting):
            if id(webhook) not in guids:
                self.deliveries += 1
                guids[id(webhook)] = UUID(int=self.deliveries)
            assert await self.post(webhook, guids[id(webhook)]) == 202
            self.sent.append((webhook, guids[id(webhook)]))
        return len(guids)

    # ── the machine ──

    async def settle(self, *, patience: timedelta = QUIET) -> None:
        """Deliver, sweep and work until nothing is due; time passes as far as the quiet minute asks for."""
        await self._work()
        self.clock.advance(seconds=patience.total_seconds())
        await self._work()

    async def _work(self) -> None:
        for _ in range(20):
            delivered = await self.deliver()
            if self.disturbance.sweep:
                await self.store.want("world", Sweep())
            performed = await self._perform_due()
            if not delivered and not performed:
                return
            if self.disturbance.sweep and not self.world.webhooks and performed == 1:
                return
        raise AssertionError("the conversation does not settle")

    async def _perform_due(self) -> int:
        performed = 0
        while await self.step():
            performed += 1
            assert performed < MOST_EFFECTS, "the conversation does not settle"
        return performed

    async def step(self) -> bool:
        """One effect, disturbed if it is the one; False when nothing is due."""
        await self.store.admit(self.max_parallel)
        claimed = await self.store.claim("tester")
        if claimed is None:
            return False
        number, self.effects = self.effects, self.effects + 1
        if number == self.disturbance.crash_at:
            if self.disturbance.crash_after:
                await self.worker.perform(claimed)
            await self.crash()
        else:
            await self.worker.record(claimed, await self.worker.perform(claimed))
        return True

    # ── what can be seen ──

    async def task(self, issue: int) -> Task:
        task = await self.store.latest_task(REPO.id, IssueNumber(issue))
        assert task is not None, f"no task for #{issue}"
        return task

    async def pull_of(self, issue: int) -> int:
        task = await self.task(issue)
        assert task.pull is not None, f"no pull request for #{issue}"
        return task.pull

    def said(self, number: int) -> list[str]:
        """What the bot says on an issue or pull request, oldest first."""
        return [c.body for c in self.world.comments.values() if c.issue == number and c.author == BOT]

    def head_files(self, pull: int) -> Files:
        return self.git.files(self.world.pulls[pull].head)

    def picture(self) -> dict[str, object]:
        """The whole world as people see it, without ids that depend on the order of things."""
        world = self.world
        branch_of = {number: pull.head_branch for number, pull in world.pulls.items()}

        def name(number: int) -> str:
            return branch_of.get(PullNumber(number), f"#{number}")

        def plain(text: str) -> str:
            text = re.sub(r"#(\d+)\b", lambda match: name(int(match[1])), text)
            text = re.sub(r"task:?\s?\d+", "<task>", re.sub(r"started \d\d:\d\d", "started <time>", text))
            return re.sub(r"\b[0-9a-f]{7,40}\b", "<sha>", text)

        return {
            "comments": sorted((name(c.issue), c.author.login, plain(c.body)) for c in world.comments.values()),
            "labels": {name(number): sorted(issue.labels) for number, issue in world.issues.items()},
            "open": {name(number): issue.is_open for number, issue in world.issues.items()},
            "pulls": {
                pull.head_branch: (pull.title, pull.draft, pull.merged, pull.is_open, plain(pull.body))
                for pull in world.pulls.values()
            },
            "heads": {pull.head_branch: self.git.files(pull.head) for pull in world.pulls.values()},
            "branches": {branch: self.git.files(sha) for branch, sha in world.branches.items()},
            "reactions": sorted((name(number), content) for number, _, content in world.reactions),
            "checks": sorted((run.conclusion, run.title) for run in world.check_runs.values()),
        }

    async def must_hold(self) -> None:
        """What is true at the end of every conversation."""
        for number, issue in self.world.issues.items():
            if issue.is_pull:
                continue
            statuses = [m for m in self.world.markers.values() if m.startswith("status:")]
            assert len(statuses) == len(set(statuses)), "two status comments for one task"
            pulls = [p for p in self.world.pulls.values() if f"Closes #{number}" in p.body and p.is_open]
            assert len(pulls) <= 1, f"two open pull requests for #{number}"
        for effect in await self.store.open_effects():
            assert effect.owner is None, f"a lease is held: {effect}"
            assert effect.dead or effect.kind in {"Sweep"}, f"still to do: {effect}"
        for listed in await self.store.tasks():
            await self._task_must_hold(listed.task)

    async def _task_must_hold(self, task: Task) -> None:
        assert TaskId(task.id) not in self.workspaces.trees, f"a worktree is left over: task {task.id} {task.phase}"
        if task.phase in FINAL:
            labels = self.world.issues[task.issue.number].labels
            assert "agent:run" not in labels, f"task {task.id} is {task.phase}, the label stayed"


_EMPTY: list[bytes] = []


async def _empty_database() -> bytes:
    """A migrated database without content: made once, as migrating takes longer than most conversations."""
    if not _EMPTY:
        with tempfile.TemporaryDirectory() as folder:
            store = await Store.open("sqlite:///bot.db", pace=Pace(), clock=StillClock(), data_dir=Path(folder))
            await store.close()
            _EMPTY.append((Path(folder) / "bot.db").read_bytes())
    return _EMPTY[0]


async def _nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the tests post to the receiver alone")
