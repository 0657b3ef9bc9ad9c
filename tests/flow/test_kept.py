"""However a turn ends, what it had done is harvested into an artifact, and a further run goes on from it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.flow.steps.bench import WORK
from bot.task.events import AgentFailed
from bot.task.history import newest
from bot.task.ids import TaskId
from bot.task.model import Phase
from bot.task.results import FaultKind, TurnFailed, TurnOutcome
from tests.flow.conversations import FILES, GOOD, script, turn, write
from tests.tester import SmallBot
from tests.worlds.small_doors import SmallAgents

pytestmark = pytest.mark.anyio

HALF = script(turn(write("half.py", "half\n")))


@pytest.fixture
async def bot(quick_path: Path) -> AsyncIterator[SmallBot]:
    bot = SmallBot(quick_path, HALF, dict(FILES))
    await bot.start()
    yield bot
    await bot.stop()


@dataclass
class Ending(SmallAgents):
    """Whose turns do their steps, and end badly."""

    kind: FaultKind = FaultKind.CRASHED

    def _play(self, task: TaskId, steps: list[dict[str, Any]]) -> TurnOutcome:
        super()._play(task, steps)
        return TurnFailed(self.kind, "It ended badly.")


@pytest.mark.parametrize(
    "kind", [kind for kind in FaultKind if kind not in {FaultKind.REFUSED, FaultKind.REPEATED}], ids=str
)
async def test_work_is_kept_however_a_turn_ends(bot: SmallBot, kind: FaultKind) -> None:
    steps = bot.worker.steps
    agents = Ending(bot.agents.workspaces, HALF, kind=kind)
    bot.worker.steps = replace(steps, bench=replace(steps.bench, agents=agents))
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    task = await bot.task(issue)
    failed = newest(await bot.store.history(task.id), AgentFailed)
    assert task.phase is Phase.FAILED
    assert failed is not None
    assert failed.attempt == 1 or kind is FaultKind.CRASHED
    assert task.commit is not None
    assert await bot.store.find_artifact(task.id, WORK, task.commit) is not None
    assert "What was done is kept" in bot.said(issue)[0]
    bot.worker.steps, bot.agents.script = steps, script(GOOD)
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    head = (await bot.task(issue)).head
    assert head is not None
    assert {"half.py", "fix.py"} <= bot.git.files(head).keys()
