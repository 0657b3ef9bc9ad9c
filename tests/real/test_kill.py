"""Twenty times `kill -9` in one story, at moments spread over its steps; the story ends as if nothing had happened."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.demo.forge.forge import wall_clock
from bot.settings import Settings
from bot.store.reads import ReadStore
from bot.task.events import ChangesMade, Published, TaskEvent, Verified, WorkspacePrepared
from bot.task.ids import IssueNumber
from bot.task.model import Phase, Task
from tests.real.served import Served, serve, words
from tests.worlds.leftovers import gone, nothing_left, processes_of, sandboxed_of
from tests.worlds.real_world import REPO, RealWorld

pytestmark = pytest.mark.anyio

SEED = 20
STORY_SECONDS = 120.0
DIE_SECONDS = 3.0
"""How soon a killed bot's sandboxes and its git commands are gone, too."""

FILES = {
    "README.md": "widgets\n",
    "widget.py": "size = 1\n",
    ".github/issuewright.yml": "checks:\n  tests: sleep 0.3; ! grep -rn BUG --include=*.py .\n",
}
REVIEW = "Please call it large."


def _writes(text: str, when: str = "") -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"think": 0.4}, {"write": {"path": "widget.py", "text": text}}, {"think": 0.2}]
    return {"when": when, "steps": [*steps, {"say": "Done."}]}


SCRIPT = {
    "turns": [
        _writes("size = 2\n", when="does not pass"),
        _writes("large = 2\n", when=REVIEW),
        _writes("size = 2  # BUG\n"),
    ]
}


@dataclass(frozen=True)
class Moment:
    """While the step with this key is in somebody's hands, plus up to `within` seconds."""

    key: str
    within: float
    times: int = 1


MOMENTS = {
    "label": (
        Moment("", 0.2),
        Moment("PrepareWorkspace:1", 0.3, 2),
        Moment("RunAgent:1.1", 0.8, 3),
        Moment("Verify:1.1", 0.3, 2),
        Moment("RunAgent:1.2", 0.8, 2),
        Moment("Verify:1.2", 0.3),
        Moment("Publish:1", 0.1, 3),
    ),
    "review": (
        Moment("", 0.2),
        Moment("PrepareWorkspace:2", 0.3),
        Moment("RunAgent:2.1", 0.8),
        Moment("Verify:2.1", 0.3),
        Moment("Publish:2", 0.1),
    ),
    "merge": (Moment("", 0.2),),
}
KILLS = sum(moment.times for moments in MOMENTS.values() for moment in moments)


def settings(world: RealWorld) -> Settings:
    return world.settings(SCRIPT, sweep_seconds=1, feedback_quiet_seconds=0)


@dataclass
class Murder:
    """One story, and a bot that is killed and started again while it is told."""

    world: RealWorld
    folder: Path
    served: Served
    store: ReadStore
    chance: random.Random
    interrupted: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    bereaved: int = 0
    """Sandboxed processes whose bot was killed."""

    async def restart(self) -> None:
        self.served = await serve(settings(self.world), self.folder / "serve.log")
        self.world.app.webhook_url = f"{self.served.url}/webhooks/github"

    async def task(self, issue: int) -> Task | None:
        return await self.store.latest_task(self.world.repo_id, IssueNumber(issue))

    async def at(self, issue: int, moment: Moment) -> None:
        """Wait until the step is being performed, or is over already."""
        if not moment.key:
            return

        async def there() -> bool:
            task = await self.task(issue)
            held = [effect.key for effect in await self.store.open_effects() if effect.owner is not None]
            over = [] if task is None else await self.store.history(task.id)
            return moment.key in held or any(_step_of(recorded.event) == moment.key for recorded in over)

        await until(there, f"nobody takes up {moment.key}", self.served.log)

    async def strike(self) -> None:
        """`kill -9` after a while; whatever it had started dies, too."""
        contained = set(sandboxed_of(self.folder / "data"))
        await self.served.kill()
        self.kills += 1
        self.bereaved += len(contained)
        for effect in await self.store.open_effects():
            if effect.owner is not None:
                self.interrupted[effect.kind] += 1
        dying = asyncio.create_task(gone(contained, self.folder, DIE_SECONDS))
        await self.restart()
        await dying

    async def scene(self, name: str, issue: int, done: Callable[[Task], bool]) -> Task:
        """Kill at every moment of the scene, then let it come to its end."""
        for moment in MOMENTS[name]:
            for _ in range(moment.times):
                await self.at(issue, moment)
                await asyncio.sleep(self.chance.uniform(0, moment.within))
                await self.strike()

        async def there() -> bool:
            task = await self.task(issue)
            return task is not None and done(task)

        await until(there, f"the scene {name} does not end", self.served.log)
        task = await self.task(issue)
        assert task is not None
        return task


def _step_of(event: TaskEvent) -> str:
    """The key of the step that this event ends."""
    match event:
        case WorkspacePrepared(run):
            return f"PrepareWorkspace:{run}"
        case ChangesMade(run, attempt):
            return f"RunAgent:{run}.{attempt}"
        case Verified(run, attempt):
            return f"Verify:{run}.{attempt}"
        case Published(run):
            return f"Publish:{run}"
        case _:
            return ""


async def until(there: Callable[[], Awaitable[bool]], why: str, log: Path) -> None:
    began = time.monotonic()
    while not await there():
        assert time.monotonic() - began < 30, f"{why}\n{words(log)[-20000:]}"
        await asyncio.sleep(0.01)


async def test_twenty_kills_in_one_story_change_nothing(quick_path: Path) -> None:
    began = time.monotonic()
    world = RealWorld(quick_path, FILES)
    async with world.serve(deliver=True):
        served = await serve(settings(world), quick_path / "serve.log")
        world.app.webhook_url = f"{served.url}/webhooks/github"
        store = await ReadStore.open_read_only(
            "sqlite:///issuewright.db", clock=wall_clock, data_dir=quick_path / "data"
        )
        story = Murder(world, quick_path, served, store, random.Random(SEED))
        try:
            await told(story)
            await idle(story)
            await nothing_is_left_over(story)
            code, seconds = await story.served.terminate()
            assert (code, seconds < 5) == (0, True)
        finally:
            if story.served.process.returncode is None:
                await story.served.kill()
            await store.close()
    await nothing_left(quick_path, DIE_SECONDS)
    assert story.kills == KILLS == 20
    assert {"PrepareWorkspace", "RunAgent", "Verify", "Publish"} <= set(story.interrupted), story.interrupted
    assert story.bereaved >= story.interrupted["RunAgent"], "the search for processes is blind"
    assert time.monotonic() - began < STORY_SECONDS


async def told(story: Murder) -> None:
    """The story, and how GitHub looks at its end."""
    world = story.world
    issue = world.open_issue("Make the widget bigger")
    world.label(issue)
    task = await story.scene("label", issue, lambda task: task.phase is Phase.IN_REVIEW)
    assert task.pull is not None
    world.review(task.pull, REVIEW)
    await story.scene("review", issue, lambda task: task.run == 2 and task.phase is Phase.IN_REVIEW)
    world.merge(task.pull)
    await story.scene("merge", issue, lambda task: task.phase is Phase.DONE)


async def idle(story: Murder) -> None:
    """Wait until nothing but the next sweep is to be done, and the worktrees are gone."""

    async def there() -> bool:
        waiting = {effect.kind for effect in await story.store.open_effects() if not effect.dead}
        return waiting <= {"Sweep"}

    await until(there, "there is always something to do", story.served.log)


async def nothing_is_left_over(story: Murder) -> None:
    """One pull request, one of each comment, each attempt told once; no lease, no worktree, no process."""
    world, (pull,) = story.world, story.world.pulls
    issue = next(issue.number for issue in world.issues if issue.pull is None)
    assert pull.merged_at is not None
    assert len(world.marked(issue, "status:")) == 1
    assert len(world.marked(issue, "ready:")) == 1
    assert len(world.marked(pull.number, "updated:")) == 1
    assert len(world.said(issue)) + len(world.said(pull.number)) == 3
    assert world.labels(issue) == set()
    assert set(world.branches) == {"main"}
    assert world.tree(world.branches["main"]) == {**FILES, "widget.py": "large = 2\n"}
    commits = world.forge.world.repo(REPO).git.log(f"{pull.base_sha}..{pull.head_sha}")
    assert len(commits) == 2 + 1, "two attempts, and one after the review"

    task = await story.task(issue)
    assert task is not None
    events = Counter(type(recorded.event).__name__ for recorded in await story.store.history(task.id))
    assert (events["Published"], events["Verified"], events["ChangesMade"]) == (2, 3, 3)
    assert not [effect for effect in await story.store.open_effects() if effect.dead], words(story.served.log)
    assert list((story.folder / "data" / "work" / "tasks").iterdir()) == []
    assert set(processes_of(story.folder)) == {story.served.process.pid}
