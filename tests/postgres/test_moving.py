"""A run that goes from machine to machine and back: work and the agent's memory come along, old files do not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.store.claims import PATIENCE
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.model import Phase
from tests.tester import SmallBot

pytestmark = pytest.mark.anyio

SCRIPT = {
    "turns": [
        {"steps": [{"write": {"path": "one.py", "text": "BUG"}}, {"say": "First."}]},
        {"steps": [{"write": {"path": "two.py", "text": "2"}}, {"say": "Second."}]},
        {"steps": [{"write": {"path": "one.py", "text": "1"}}, {"write": {"path": "three.py", "text": "3"}}]},
    ]
}


@dataclass
class Colleague(SmallBot):
    """One of several bots on one database; each has a disk of its own."""

    url: str = ""

    async def open_store(self) -> Store:
        return await Store.open(self.url, pace=Pace(), clock=self.clock, data_dir=self.folder)

    def join(self, other: "Colleague") -> None:
        """Work in the same world as the other one."""
        self.clock, self.git, self.world, self.github = other.clock, other.git, other.world, other.github
        for door in (self.workspaces, self.agents.workspaces):
            door.world, door.git = self.world, self.git
        self.checks.git = self.git

    async def until(self, kind: str) -> None:
        """Perform what is due, up to and with a step of this kind."""
        for _ in range(50):
            claimed = await self.worker.step()
            if claimed is not None and type(claimed.effect).__name__ == kind:
                return
        raise AssertionError(f"there is no {kind} to do")


@pytest.fixture
async def bots(database: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[tuple[Colleague, Colleague]]:
    here, there = (Colleague(tmp_path / name, SCRIPT, url=database) for name in ("here", "there"))
    there.join(here)
    for bot in (here, there):
        bot.folder.mkdir()
        await bot.start()
    yield here, there
    for bot in (here, there):
        await bot.stop()


async def test_a_run_that_moves_twice_loses_nothing(bots: tuple[Colleague, Colleague]) -> None:
    here, there = bots
    issue = here.world.open_issue("Fix the widget")
    here.world.label(issue)
    await here.deliver()
    await here.until("RunAgent")
    task = await here.task(issue)
    here.workspaces.trees[task.id]["junk.py"] = "what lies here is not what counts"
    here.clock.now += PATIENCE
    await there.until("Verify")
    assert there.workspaces.trees == {}, "a check needs no worktree"
    await there.until("RunAgent")
    assert sorted(there.workspaces.trees[task.id]) == [".github/issuewright.yml", "README.md", "one.py", "two.py"]
    here.clock.now += PATIENCE
    await here.until("Verify")
    await here.until("RunAgent")
    assert "junk.py" not in here.workspaces.trees[task.id]
    await here.settle()
    assert (await here.task(issue)).phase is Phase.IN_REVIEW
    files = here.head_files(await here.pull_of(issue))
    assert [files[f"{name}.py"] for name in ("one", "two", "three")] == ["1", "2", "3"]
    assert "junk.py" not in files
    assert len(here.world.pulls) == 1


async def test_a_machine_tidies_up_what_went_on_elsewhere(bots: tuple[Colleague, Colleague]) -> None:
    here, there = bots
    issue = here.world.open_issue("Fix the widget")
    here.world.label(issue)
    await here.deliver()
    await here.until("RunAgent")
    here.clock.now += PATIENCE
    await there.settle()
    task = await there.task(issue)
    assert task.phase is Phase.IN_REVIEW
    assert (list(here.workspaces.trees), list(there.workspaces.trees)) == ([task.id], [])
    await there.worker.steps.tidy()
    await here.worker.steps.tidy()
    assert await there.store.claim("there") is None, "it lies here, and is for this machine"
    await here.settle()
    assert here.workspaces.trees == {}
    assert (await here.task(issue)).phase is Phase.IN_REVIEW
