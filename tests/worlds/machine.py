"""A bot in a world, stepped by hand: what both worlds have in common."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from bot.flow.worker import Worker
from bot.store.store import Store
from bot.task.effects import Sweep
from bot.task.ids import IssueNumber
from bot.task.model import Task
from tests.worlds.clock import StillClock
from tests.worlds.memory_git import Files
from tests.worlds.small_doors import Script
from tests.worlds.small_world import WRITERS

QUIET = timedelta(seconds=60)
MOST_EFFECTS = 500
"""A conversation that needs more than this does not settle."""

CONFIG = "checks:\n  tests: run-the-tests\n"


class World(Protocol):
    """What people do."""

    def open_issue(self, title: str, body: str = "", by: str = "stranger") -> int: ...
    def edit_issue(self, number: int, body: str, by: str = "stranger") -> None: ...
    def label(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None: ...
    def unlabel(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None: ...
    def name_repository(self, by: str = "maintainer") -> None: ...
    def comment(self, number: int, body: str, by: str = "maintainer") -> int: ...
    def thumbs_up(self, comment: int, by: str = "maintainer") -> None: ...
    def review(
        self,
        pull: int,
        body: str = "",
        inline: Sequence[tuple[str, int, str]] = (),
        state: str = "CHANGES_REQUESTED",
        by: str = "reviewer",
    ) -> int: ...
    def merge(self, number: int, by: str = "maintainer") -> None: ...
    def close_pull(self, number: int, by: str = "maintainer") -> None: ...
    def reopen_pull(self, number: int, by: str = "maintainer") -> None: ...
    def retarget(self, number: int, base: str, by: str = "maintainer") -> None: ...
    def to_draft(self, number: int, by: str = "maintainer") -> None: ...
    def close_issue(self, number: int, by: str = "maintainer") -> None: ...
    def reopen_issue(self, number: int, by: str = "maintainer") -> None: ...
    def push(self, branch: str, files: Files, by: str = "maintainer") -> None: ...
    def head_branch(self, pull: int) -> str: ...


@dataclass(frozen=True)
class Heard:
    """A comment of a person."""

    number: int
    """Of the issue or pull request."""
    id: int
    body: str
    by: str


@dataclass
class Disturbance:
    """What goes wrong in a conversation: crashes, and what happens to webhooks."""

    crash_at: int = -1
    """Number of the effect at which the process dies; -1: never."""
    crash_after: bool = False
    """After the effect was performed and before it was recorded; else before it was performed."""
    crash_every: int = 0
    """At every n-th performance; 2: each effect crashes once, as the next performance is its repetition."""
    crash_from: int = 0
    """The first of those."""
    deliver: Callable[[list[Any]], list[Any]] = list
    """What becomes of the webhooks that wait: doubled, shuffled, lost."""
    sweep: bool = False
    """Look for what no webhook told."""

    def crashes(self, number: int) -> bool:
        """Does the process die at this effect?"""
        return number == self.crash_at or (self.crash_every > 0 and number % self.crash_every == self.crash_from)


@dataclass
class Machine(ABC):
    """One bot, one world."""

    folder: Path
    script: Script
    files: Files = field(default_factory=lambda: {"README.md": "widgets\n", ".github/issuewright.yml": CONFIG})
    disturbance: Disturbance = field(default_factory=Disturbance)
    max_parallel: int = 3
    world: World = field(init=False)
    store: Store = field(init=False)
    worker: Worker = field(init=False)
    clock: StillClock = field(init=False, default_factory=StillClock)
    effects: int = field(init=False, default=0)
    _read: dict[int, int] = field(init=False, default_factory=dict)

    @abstractmethod
    async def start(self) -> None:
        """Begin, or begin again after a crash: only the database and the disk are as they were."""

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    async def deliver(self) -> int:
        """Deliver what waits, as the disturbance has it; returns how many deliveries were new."""

    @abstractmethod
    def waiting(self) -> int:
        """Webhooks that wait for their delivery."""

    @property
    @abstractmethod
    def repo_id(self) -> int: ...

    @abstractmethod
    def numbers(self) -> list[int]:
        """Of every issue and pull request."""

    @abstractmethod
    def said(self, number: int) -> list[str]:
        """What the bot says on an issue or pull request, oldest first."""

    @abstractmethod
    def heard(self) -> list[Heard]:
        """What people say."""

    @abstractmethod
    def markers(self) -> list[str]:
        """The hidden keys of all comments of the bot."""

    # ── the machine ──

    async def crash(self) -> None:
        """The process dies: what was claimed stays claimed until the next start."""
        await self.stop()
        await self.start()

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
            if self.disturbance.sweep and not self.waiting() and performed == 1:
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
        if self.disturbance.crashes(number):
            if self.disturbance.crash_after:
                await self.worker.perform(claimed)
            await self.crash()
        else:
            await self.worker.record(claimed, await self.worker.perform(claimed))
        return True

    # ── what can be seen ──

    async def task(self, issue: int) -> Task:
        task = await self.store.latest_task(self.repo_id, IssueNumber(issue))
        assert task is not None, f"no task for #{issue}"
        return task

    async def pull_of(self, issue: int) -> int:
        task = await self.task(issue)
        assert task.pull is not None, f"no pull request for #{issue}"
        return task.pull

    def next_comment(self, number: int) -> str:
        """The oldest comment of the bot that was not read yet."""
        read = self._read.get(number, 0)
        said = self.said(number)
        assert read < len(said), f"the bot says nothing more on #{number}"
        self._read[number] = read + 1
        return said[read]

    def unread(self) -> list[str]:
        """What the bot said and nobody read."""
        return [text for number in self.numbers() for text in self.said(number)[self._read.get(number, 0) :]]

    def approve_plan(self, issue: int, by: str = "maintainer") -> None:
        """👍 on the newest plan."""
        self.world.thumbs_up(self.comment_saying(issue, "**The plan**"), by)

    @abstractmethod
    def comment_saying(self, number: int, words: str) -> int:
        """The newest comment of the bot with these words."""

    async def every_command_is_answered(self) -> None:
        """Once; a stranger hears it at most once in a task."""
        for comment in self.heard():
            if not re.search(r"^/agent\b", comment.body, re.MULTILINE):
                continue
            about = (f"reply:comment:{comment.id}:", f"refuse:comment:{comment.id}")
            answers = [marker for marker in self.markers() if marker.startswith(about)]
            if comment.by in WRITERS:
                assert len(answers) == 1, f"{comment} has the answers {answers}"
            else:
                assert len(answers) <= 1, f"{comment} has the answers {answers}"

    async def no_lease_is_held(self) -> None:
        """Nothing is in anybody's hands, and nothing waits but the next sweep."""
        for effect in await self.store.open_effects():
            assert effect.owner is None, f"a lease is held: {effect}"
            assert effect.dead or effect.kind in {"Sweep"}, f"still to do: {effect}"
