"""An issue becomes a merged pull request, with a real agent; and what happens when the budget ends."""

from pathlib import Path

import pytest

from bot.agents.catalogue import known
from bot.task.events import AgentFailed
from bot.task.history import newest
from bot.task.model import Phase
from bot.task.results import FaultKind
from tests.agents_real.world import KEY, CliBot, remembered
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio

FIRST = "MODEL[plan look, change ;; write fix.py good ;; run cat /task/fix.py ;; say The widget is mended.]"
SECOND = "MODEL[write more.py better ;; say It is renamed.]"


async def test_an_issue_becomes_a_merged_pull_request(
    agent: str, folder: Path, server: ModelServer, quick_path: Path
) -> None:
    bot = CliBot(quick_path, {}, agent=agent, install=folder, server=server)
    async with bot.on_stage():
        issue = bot.open_issue("Fix the widget", f"It is broken. {FIRST}")
        bot.world.label(issue)
        await bot.settle()
        pull = await bot.pull_of(issue)
        assert bot.tree_of(pull)["fix.py"] == "good\n"
        task = await bot.store.latest_task(bot.repo_id, issue)
        assert task is not None
        session, calls = task.session, len(server.requests)

        bot.world.review(pull, f"Please rename it. {SECOND}")
        await bot.settle()
        assert bot.tree_of(pull)["more.py"] == "better\n"
        task = await bot.store.latest_task(bot.repo_id, issue)
        assert task is not None
        assert task.session == session
        if known()[agent].resume == "load":
            assert session is not None
            assert remembered(server, "The widget is mended.", calls), "the follow-up knows nothing of the first turn"

        bot.world.merge(pull)
        await bot.settle()
        task = await bot.store.latest_task(bot.repo_id, issue)
        assert task is not None
        assert task.phase is Phase.DONE
        await bot.must_hold()
    assert {seen.key for seen in server.requests} == {KEY}


async def test_a_turn_ends_when_its_budget_does_and_its_work_is_kept(
    agent: str, folder: Path, server: ModelServer, quick_path: Path
) -> None:
    bot = CliBot(quick_path, {}, agent=agent, install=folder, server=server, limits="turn_calls = 3")
    steps = " ;; ".join(f"run echo {number} >> /task/count.txt" for number in range(9))
    async with bot.on_stage():
        issue = bot.open_issue("Count", f"MODEL[write fix.py good ;; {steps} ;; say Counted.]")
        bot.world.label(issue)
        await bot.settle()
        task = await bot.store.latest_task(bot.repo_id, issue)
        assert task is not None
        failed = newest(await bot.store.history(task.id), AgentFailed)
        assert failed is not None
        assert (task.phase, failed.kind) == (Phase.FAILED, FaultKind.BUDGET)
        assert "limits.turn_calls" in failed.detail
        assert failed.commit is not None, "what was done is kept"
        await bot.must_hold()
