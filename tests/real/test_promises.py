"""What the bot promises people and operators, measured on a real `issuewright serve`."""

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.task.events import ChangesMade, WorkspacePrepared
from bot.task.ids import TaskId
from bot.task.model import Phase
from tests.real.live import DIE_SECONDS, LONGEST_WAIT, Live, live
from tests.worlds.leftovers import gone, nothing_left, sandboxed_of
from tests.worlds.real_bot import RealBot

pytestmark = pytest.mark.anyio

STOP_ACTS_WITHIN = 3.0
"""Seconds from the comment `/agent stop` until the agent's processes are gone."""
TERM_ACTS_WITHIN = 5.0
"""Seconds from SIGTERM until the server has ended."""
SELDOM = 3600
"""Seconds between sweeps: what happens, happens by webhook."""

FILES = {"README.md": "widgets\n", ".github/issuewright.yml": "checks:\n  tests: test -f README.md\n"}


def turn(*steps: dict[str, Any], when: str = "") -> dict[str, Any]:
    return {"when": when, "steps": list(steps)}


def write(path: str, text: str) -> dict[str, Any]:
    return {"write": {"path": path, "text": text}}


HANGS = {"turns": [turn(write("half.py", "half\n"), {"hang": 60})]}
GOES_ON = {"turns": [turn(write("rest.py", "rest\n"), {"say": "Both halves are there."})]}


async def hanging(both: Live) -> int:
    """An issue whose agent has written half of its work, and hangs."""
    issue = both.world.open_issue("Two halves")
    both.world.label(issue)

    async def there() -> bool:
        return bool(both.in_worktrees("half.py"))

    await both.until(there, "the first half of the work")
    await asyncio.sleep(0.3)
    assert await both.held() == ["RunAgent:1.1"]
    assert sandboxed_of(both.data)
    return issue


async def went_on(both: Live, issue: int) -> None:
    """The work ended with what was saved, and what came after."""
    task = await both.task(issue, lambda task: task.phase is Phase.IN_REVIEW)
    assert task.head is not None
    assert both.world.tree(task.head) == {**FILES, "half.py": "half\n", "rest.py": "rest\n"}
    await both.idle()


async def test_a_stop_acts_within_three_seconds_and_keeps_the_work(quick_path: Path) -> None:
    async with live(quick_path, FILES, HANGS, sweep_seconds=SELDOM) as both:
        issue = await hanging(both)
        agent = set(sandboxed_of(both.data))
        began = time.monotonic()
        both.world.comment(issue, "/agent stop")
        await gone(agent, both.data, STOP_ACTS_WITHIN)
        assert time.monotonic() - began < STOP_ACTS_WITHIN

        await both.idle()
        assert "**Stopped**" in both.world.marked(issue, "status:")[0].body
        assert len(both.world.marked(issue, "reply:")) == 1
        assert both.in_worktrees("*") == []
        both.world.settings(GOES_ON)
        both.world.comment(issue, "/agent retry")
        await went_on(both, issue)


async def test_a_command_is_answered_while_an_agent_works(quick_path: Path) -> None:
    async with live(quick_path, FILES, HANGS, sweep_seconds=SELDOM) as both:
        issue = await hanging(both)
        assert "**Working**" in both.world.marked(issue, "status:")[0].body
        both.world.comment(issue, "/agent help")

        async def answered() -> bool:
            return len(both.world.marked(issue, "reply:")) == 1

        await both.until(answered, "an answer")
        assert "RunAgent:1.1" in await both.held()


async def test_the_status_follows_a_working_agent(quick_path: Path) -> None:
    script = {"turns": [turn({"think": 5}, write("fix.py", "good\n"))]}
    bot = RealBot(quick_path, script)
    async with bot.on_stage(), bot.at_work(progress_every=timedelta(0)):
        issue = bot.world.open_issue("Fix it")
        bot.world.label(issue)
        seen = ""
        async with asyncio.timeout(LONGEST_WAIT):
            while "Now:" not in seen:
                await asyncio.sleep(0.05)
                seen = "".join(comment.body for comment in bot.world.marked(issue, "status:"))
        assert "Now: Thinking (a pause of the script" in seen
        assert (await bot.task(issue)).phase is Phase.WORKING
        held = [effect.key for effect in await bot.store.open_effects() if effect.owner is not None]
        assert "RunAgent:1.1" in held
    assert len(bot.world.marked(issue, "status:")) == 1
    await nothing_left(quick_path / "data", DIE_SECONDS)


async def test_a_server_that_is_told_to_end_does_so_and_its_work_goes_on(quick_path: Path) -> None:
    async with live(quick_path, FILES, HANGS, sweep_seconds=SELDOM) as both:
        issue = await hanging(both)
        code, seconds = await both.served.terminate()
        assert code == 0
        assert seconds < TERM_ACTS_WITHIN
        await nothing_left(both.data, 0.5)
        assert await both.held() == []
        both.world.settings(GOES_ON)
        await both.restart()
        await went_on(both, issue)


async def test_two_issues_run_side_by_side(quick_path: Path) -> None:
    script = {
        "turns": [
            turn({"think": 1.5}, write("paint.py", "red\n"), when="Paint it"),
            turn({"think": 1.5}, write("fix.py", "good\n")),
        ]
    }
    async with live(quick_path, FILES, script, sweep_seconds=SELDOM) as both:
        issues = {both.world.open_issue("Fix it"): "fix.py", both.world.open_issue("Paint it"): "paint.py"}
        for issue in issues:
            both.world.label(issue)
        turns = []
        for issue, path in issues.items():
            task = await both.task(issue, lambda task: task.phase is Phase.IN_REVIEW)
            assert task.head is not None
            assert set(both.world.tree(task.head)) == {*FILES, path}
            turns.append(await _turn_of(both, task.id))
        assert max(begin for begin, _ in turns) < min(end for _, end in turns), turns
        await both.idle()


async def _turn_of(both: Live, task: TaskId) -> tuple[datetime, datetime]:
    """When the agent of the first run had its turn."""
    history = await both.store.history(task)
    begin, end = (
        [one.at for one in history if isinstance(one.event, kind)] for kind in (WorkspacePrepared, ChangesMade)
    )
    return begin[0], end[0]


async def test_a_comment_that_is_refused_for_ever_stops_nothing_else(quick_path: Path) -> None:
    script = {
        "turns": [
            turn(write("fix.py", "better\n"), when="Please rename it"),
            turn(write("fix.py", "good\n")),
        ]
    }
    async with live(quick_path, FILES, script, sweep_seconds=SELDOM) as both:
        issue = both.world.open_issue("Fix it")
        both.world.label(issue)
        task = await both.task(issue, lambda task: task.phase is Phase.IN_REVIEW)
        assert task.pull is not None
        refusal = {"message": "Validation Failed"}
        rule = both.world.forge.faults.refuse("POST", f"/issues/{task.pull}/comments$", 422, body=refusal)
        both.world.review(task.pull, "Please rename it")
        await both.task(issue, lambda task: task.run == 2 and task.phase is Phase.IN_REVIEW)
        await both.idle()
        assert rule.hits == 1
        dead = [effect.kind for effect in await both.store.open_effects() if effect.dead]
        assert dead == ["Announce"]
        assert both.world.tree(both.world.pulls[0].head_sha)["fix.py"] == "better\n"
        assert "run 2" in both.world.marked(issue, "status:")[0].body

        both.world.merge(task.pull)
        await both.task(issue, lambda task: task.phase is Phase.DONE)
        await both.idle()
        assert "**Merged**" in both.world.marked(issue, "status:")[0].body


async def test_the_same_delivery_ten_times_gives_one_task(quick_path: Path) -> None:
    script = {"turns": [turn(write("fix.py", "good\n"))]}
    async with live(quick_path, FILES, script, deliver=False, sweep_seconds=SELDOM) as both:
        hooks = both.world.forge.hooks
        issue = both.world.open_issue("Fix it")
        hooks.pending.clear()
        both.world.label(issue)
        label = hooks.pending.pop()
        assert not hooks.pending
        await asyncio.gather(*(hooks.send(replace(label)) for _ in range(9)))
        await both.task(issue, lambda task: task.phase is Phase.IN_REVIEW)
        assert (await hooks.send(label)).status_code == 202
        await both.idle()
        assert [listed.task.issue.number for listed in await both.store.tasks()] == [issue]
        assert len(both.world.marked(issue, "status:")) == 1
        assert len(both.world.pulls) == 1
