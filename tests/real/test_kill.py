"""Twenty times `kill -9` in one story, at moments spread over its steps; the story ends as if nothing had happened."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.task.events import ChangesMade, Published, TaskEvent, Verified, WorkspacePrepared
from bot.task.ids import IssueNumber
from bot.task.model import Phase, Task
from tests.real.live import DIE_SECONDS, Live, live
from tests.real.served import words
from tests.worlds.leftovers import gone, processes_of, sandboxed_of
from tests.worlds.real_world import REPO

pytestmark = pytest.mark.anyio

SEED = 20
STOP_SECONDS = 5.0
"""How soon a bot that has nothing to do ends when it is told to."""

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


@dataclass
class Story:
    """One story, and a bot that is killed and started again while it is told."""

    live: Live
    chance: random.Random
    interrupted: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    bereaved: int = 0
    """Sandboxed processes whose bot was killed."""

    async def at(self, issue: int, moment: Moment) -> None:
        """Wait until the step is being performed, or is over already."""
        store = self.live.store

        async def there() -> bool:
            task = await store.latest_task(self.live.world.repo_id, IssueNumber(issue))
            over = [] if task is None else await store.history(task.id)
            return moment.key in await self.live.held() or any(_step_of(one.event) == moment.key for one in over)

        if moment.key:
            await self.live.until(there, moment.key)

    async def strike(self) -> None:
        """`kill -9`, and start again; whatever the dead one had started dies, too."""
        contained = set(sandboxed_of(self.live.data))
        await self.live.served.kill()
        self.kills += 1
        self.bereaved += len(contained)
        self.interrupted.update(key.partition(":")[0] for key in await self.live.held())
        dying = asyncio.create_task(gone(contained, self.live.data, DIE_SECONDS))
        await self.live.restart()
        await dying

    async def scene(self, name: str, issue: int, done: Callable[[Task], bool]) -> Task:
        """Kill at every moment of the scene, then let it come to its end."""
        for moment in MOMENTS[name]:
            for _ in range(moment.times):
                await self.at(issue, moment)
                await asyncio.sleep(self.chance.uniform(0, moment.within))
                await self.strike()
        return await self.live.task(issue, done)


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


async def test_twenty_kills_in_one_story_change_nothing(quick_path: Path) -> None:
    async with live(quick_path, FILES, SCRIPT, sweep_seconds=1) as both:
        story = Story(both, random.Random(SEED))
        await told(story)
        await both.idle()
        await nothing_is_left_over(both)
        code, seconds = await both.served.terminate()
        assert (code, seconds < STOP_SECONDS) == (0, True)
    assert story.kills == KILLS == 20
    assert {"PrepareWorkspace", "RunAgent", "Verify", "Publish"} <= set(story.interrupted), story.interrupted
    assert story.bereaved >= story.interrupted["RunAgent"], "the search for processes is blind"


async def test_what_a_killed_bot_had_started_dies_with_it(quick_path: Path) -> None:
    files = {**FILES, ".github/issuewright.yml": "checks:\n  tests: sleep 60\n"}
    async with live(quick_path, files, SCRIPT) as both:
        both.world.label(both.world.open_issue("Make the widget bigger"))

        async def verifying() -> bool:
            return any("sleep 60" in line for line in sandboxed_of(both.data).values())

        await both.until(verifying, "a check")
        check = set(sandboxed_of(both.data))
        await both.served.kill()
        await gone(check, both.data, DIE_SECONDS)


async def told(story: Story) -> None:
    """Label, pull request after a failing attempt, review, second commit, merge."""
    world = story.live.world
    issue = world.open_issue("Make the widget bigger")
    world.label(issue)
    task = await story.scene("label", issue, lambda task: task.phase is Phase.IN_REVIEW)
    assert task.pull is not None
    world.review(task.pull, REVIEW)
    await story.scene("review", issue, lambda task: task.run == 2 and task.phase is Phase.IN_REVIEW)
    world.merge(task.pull)
    await story.scene("merge", issue, lambda task: task.phase is Phase.DONE)


async def nothing_is_left_over(both: Live) -> None:
    """One pull request, one of each comment, each attempt told once; no lease, no worktree, no process."""
    world, (pull,) = both.world, both.world.pulls
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

    task = await both.task(issue, lambda task: True)
    events = Counter(type(recorded.event).__name__ for recorded in await both.store.history(task.id))
    assert (events["Published"], events["Verified"], events["ChangesMade"]) == (2, 3, 3)
    assert not [effect for effect in await both.store.open_effects() if effect.dead], words(both.served.log)
    assert list((both.data / "work" / "tasks").iterdir()) == []
    assert set(processes_of(both.data)) == {both.served.process.pid}
