"""A bot in the real world: real HTTP, git, sandboxed agent, checks and database; stepped by hand, or at work."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx

from bot.demo.forge.model import Issue
from bot.store.store import Store
from bot.task.model import FINAL, Task
from bot.web.asgi import Receive, Scope, Send
from bot.web.webhooks import PATH, Receiver
from bot.wiring import Bot, build, pace
from tests.worlds.leftovers import processes_of
from tests.worlds.machine import Heard, Machine
from tests.worlds.memory_git import Files
from tests.worlds.plain import plain
from tests.worlds.real_world import BOT, REPO, SECRET, RealWorld

CHECK = 'test -z "$(grep -rn BUG --include=*.py .)"'
"""What the small world's `run-the-tests` is here: it fails on a commit that has a BUG in a file."""

_MARKER = re.compile(r"<!-- issuewright:(?P<key>\S+):[0-9a-f]{32} -->")


@dataclass
class RealBot(Machine):
    """One bot, one forge. Use `async with bot.on_stage()` around everything."""

    world: RealWorld = field(init=False)
    bot: Bot = field(init=False)

    def __post_init__(self) -> None:
        files = {path: text.replace("run-the-tests", CHECK) for path, text in self.files.items()}
        self.world = RealWorld(self.folder, files, self.clock)
        self.world.app.webhook_url = f"http://bot{PATH}"
        self.world.forge.hooks.transport = httpx.ASGITransport(app=self._receive)

    @asynccontextmanager
    async def on_stage(self) -> AsyncIterator["RealBot"]:
        """The forge answers and the bot is started while the block runs."""
        async with self.world.serve(deliver=False):
            await self.start()
            try:
                yield self
            finally:
                await self.stop()

    @asynccontextmanager
    async def at_work(self, progress_every: timedelta) -> AsyncIterator[None]:
        """The worker works by itself, and webhooks are delivered as they come, while the block runs."""
        bench = self.worker.steps.bench
        pace = replace(bench.pace, progress_every=progress_every)
        self.worker.steps = replace(self.worker.steps, bench=replace(bench, pace=pace))

        async def deliver() -> None:
            while True:
                await self.deliver()
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            working = [group.create_task(self.worker.serve()), group.create_task(deliver())]
            try:
                yield
            finally:
                for task in working:
                    task.cancel()

    async def start(self) -> None:
        settings = self.world.settings(self.script)
        self.store = await Store.open(
            settings.database_url, pace=pace(settings), clock=self.clock, data_dir=settings.data_dir
        )
        self.bot = build(settings, self.store, clock=self.clock)
        self.worker = self.bot.worker
        self.worker.rethrow = True

    async def stop(self) -> None:
        await self.bot.close()

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Receiver(self.store, SECRET.encode(), _nothing, Counter())(scope, receive, send)

    async def deliver(self) -> int:
        hooks = self.world.forge.hooks
        waiting = list(hooks.pending)
        hooks.pending.clear()
        sent = set()
        for delivery in self.disturbance.deliver(waiting):
            assert (await hooks.send(delivery)).status_code == 202
            sent.add(delivery.guid)
        return len(sent)

    def waiting(self) -> int:
        return len(self.world.forge.hooks.pending)

    @property
    def repo_id(self) -> int:
        return self.world.repo_id

    def numbers(self) -> list[int]:
        return [issue.number for issue in self.world.issues]

    def said(self, number: int) -> list[str]:
        return [*(comment.body for comment in self.world.said(number)), *self.world.reviewed(number)]

    def comment_saying(self, number: int, words: str) -> int:
        return [comment.id for comment in self.world.said(number) if words in comment.body][-1]

    def heard(self) -> list[Heard]:
        return [
            Heard(issue.number, comment.id, comment.body, comment.author.login)
            for issue in self.world.issues
            for comment in issue.comments
            if comment.author.login != BOT
        ]

    def markers(self) -> list[str]:
        return [marker for number in self.numbers() for marker in self._markers(number)]

    def _markers(self, number: int) -> list[str]:
        return [found["key"] for body in self.said(number) if (found := _MARKER.search(body))]

    # ── what can be seen ──

    def picture(self) -> dict[str, object]:
        """The whole world as people see it, in the words of `SmallBot.picture`."""
        world = self.world
        heads = {pull.number: pull.head_ref for pull in world.pulls}

        def name(number: int) -> str:
            return heads.get(number, f"#{number}")

        return {
            "comments": sorted(
                [
                    (name(issue.number), comment.author.login, plain(comment.body, name))
                    for issue in world.issues
                    for comment in issue.comments
                ]
                + [
                    (name(issue.number), BOT, plain(body, name))
                    for issue in world.issues
                    for body in world.reviewed(issue.number)
                ]
            ),
            "labels": {name(issue.number): sorted(world.labels(issue.number)) for issue in world.issues},
            "open": {name(issue.number): issue.state == "open" for issue in world.issues},
            "pulls": {
                pull.head_ref: (
                    pull.issue.title,
                    pull.draft,
                    pull.merged_at is not None,
                    pull.issue.state == "open",
                    plain(pull.issue.body or "", name),
                )
                for pull in world.pulls
            },
            "heads": {pull.head_ref: self._files(pull.head_sha) for pull in world.pulls},
            "branches": {branch: self._files(sha) for branch, sha in world.branches.items()},
            "reactions": sorted(
                (name(issue.number), content) for issue in world.issues for content in _reactions(issue)
            ),
            "checks": sorted(
                (run.conclusion or "", str(run.output["title"]))
                for run in world.forge.world.repo(REPO).check_runs.values()
            ),
        }

    def _files(self, commit: str) -> Files:
        return {path: text.replace(CHECK, "run-the-tests") for path, text in self.world.tree(commit).items()}

    async def must_hold(self) -> None:
        """What is true at the end of every conversation."""
        for issue in self.world.issues:
            markers = Counter(self._markers(issue.number))
            assert all(times == 1 for times in markers.values()), f"said twice on #{issue.number}: {markers}"
        for number in (issue.number for issue in self.world.issues if issue.pull is None):
            of_issue = [pull for pull in self.world.pulls if f"Closes #{number}\n" in (pull.issue.body or "")]
            assert sum(pull.issue.state == "open" for pull in of_issue) <= 1, f"two open pull requests for #{number}"
        await self.every_command_is_answered()
        await self.no_lease_is_held()
        for listed in await self.store.tasks():
            self._task_must_hold(listed.task)
        assert list((self.folder / "data" / "work" / "tasks").glob("*")) == [], "a worktree is left over"
        assert processes_of(self.folder / "data") == {}, "a process is left over"

    def _task_must_hold(self, task: Task) -> None:
        if task.phase in FINAL:
            labels = self.world.labels(task.issue.number)
            assert "agent:run" not in labels, f"task {task.id} is {task.phase}, the label stayed"


def _reactions(issue: Issue) -> list[str]:
    of_comments = [one for comment in issue.comments for one in comment.reactions]
    return [one.content for one in (*issue.reactions, *of_comments)]


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the tests post to the receiver alone")
