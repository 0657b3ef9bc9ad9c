"""A bot in the small world: its doors, what can be seen, and what must hold at the end.

The database, the receiver, intake, sweep, worker and every step are the real ones; GitHub, git, agent and checks are
the small doors of tests/worlds.
"""

import hashlib
import hmac
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx

from bot.flow.observe import Observer
from bot.flow.steps.bench import Bench
from bot.flow.steps.perform import Steps
from bot.flow.sweep import Sweeper
from bot.flow.worker import Worker
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.ids import PullNumber, TaskId
from bot.task.model import FINAL, Task
from bot.task.results import SandboxLevel
from bot.web.webhooks import Receiver
from tests.worlds.clock import StillClock
from tests.worlds.machine import Heard, Machine
from tests.worlds.memory_git import Files, MemoryGit
from tests.worlds.plain import plain
from tests.worlds.small_doors import SmallAgents, SmallChecks, SmallWorkspaces
from tests.worlds.small_github import SmallGitHub
from tests.worlds.small_world import BOT, REPO, SmallWorld, Webhook

SECRET = b"a webhook secret for tests"


@dataclass
class SmallBot(Machine):
    """One bot, one small world."""

    world: SmallWorld = field(init=False)

    def __post_init__(self) -> None:
        self.git = MemoryGit()
        self.world = SmallWorld(self.git, self.clock)
        self.world.branches["main"] = self.git.commit(None, self.files)
        self.github = SmallGitHub(self.world)
        self.workspaces = SmallWorkspaces(self.world, self.git)
        self.agents = SmallAgents(self.workspaces, self.script)
        self.checks = SmallChecks(self.git)
        self.deliveries = 0
        self.sent: list[tuple[Webhook, UUID]] = []

    async def start(self) -> None:
        """Begin, or begin again after a crash: only the database and the disk are as they were."""
        self.store = await self.open_store()
        observer = Observer(self.store, self.github, "scripted", self.clock)
        bench = Bench(
            store=self.store,
            github=self.github,
            workspaces=self.workspaces,
            agents=self.agents,
            checks=self.checks,
            clock=self.clock,
            pace=Pace(),
            sandbox=SandboxLevel.CHECKOUT,
            may_run_checks=True,
            author="issuewright[bot] <bot@example.com>",
        )
        steps = Steps(bench, observer, Sweeper(self.store, self.github, observer, self.clock))
        self.worker = Worker("tester", self.store, steps, self.clock, self.max_parallel, rethrow=True)

    async def open_store(self) -> Store:
        """The real one, on a file of its own."""
        file = self.folder / "bot.db"
        if not file.exists():
            file.write_bytes(await _empty_database())
        return await Store.open(f"sqlite:///{file}", pace=Pace(), clock=self.clock, data_dir=self.folder)

    async def stop(self) -> None:
        await self.store.close()

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

    def waiting(self) -> int:
        return len(self.world.webhooks)

    # ── what can be seen ──

    @property
    def repo_id(self) -> int:
        return REPO.id

    def numbers(self) -> list[int]:
        return list(self.world.issues)

    def said(self, number: int) -> list[str]:
        """What the bot says on an issue or pull request, oldest first."""
        return [c.body for c in self.world.comments.values() if c.issue == number and c.author == BOT]

    def comment_saying(self, number: int, words: str) -> int:
        return [c.id for c in self.world.comments.values() if c.issue == number and words in c.body][-1]

    def heard(self) -> list[Heard]:
        people = (one for one in self.world.comments.values() if one.author != BOT)
        return [Heard(one.issue, one.id, one.body, one.author.login) for one in people]

    def markers(self) -> list[str]:
        return list(self.world.markers.values())

    def head_files(self, pull: int) -> Files:
        return self.git.files(self.world.pulls[pull].head)

    def picture(self) -> dict[str, object]:
        """The whole world as people see it, without ids that depend on the order of things."""
        world = self.world
        branch_of = {number: pull.head_branch for number, pull in world.pulls.items()}

        def name(number: int) -> str:
            return branch_of.get(PullNumber(number), f"#{number}")

        return {
            "comments": sorted((name(c.issue), c.author.login, plain(c.body, name)) for c in world.comments.values()),
            "labels": {name(number): sorted(issue.labels) for number, issue in world.issues.items()},
            "open": {name(number): issue.is_open for number, issue in world.issues.items()},
            "pulls": {
                pull.head_branch: (pull.title, pull.draft, pull.merged, pull.is_open, plain(pull.body, name))
                for pull in world.pulls.values()
            },
            "heads": {pull.head_branch: self.git.files(pull.head) for pull in world.pulls.values()},
            "branches": {branch: self.git.files(sha) for branch, sha in world.branches.items()},
            "reactions": sorted(
                (name(world.comments[comment].issue if comment else number), content)
                for number, comment, content in world.reactions
            ),
            "checks": sorted((run.conclusion.value, run.title) for run in world.check_runs.values()),
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
        await self.every_command_is_answered()
        await self.no_lease_is_held()
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
