"""The worker: what it does with failures, stops and idleness."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.flow.retry import ATTEMPTS, OUTAGE_ATTEMPTS, GiveUp, Later, decide, pause
from bot.github.errors import NotInstalled, RateLimited, Refused, Unavailable
from bot.github.payloads import PayloadError
from bot.task.ids import InstallationId, TaskId
from bot.task.model import Phase
from bot.workspace.errors import RemoteUnavailable
from tests.flow.conversations import CONVERSATIONS
from tests.tester import SmallBot
from tests.worlds.clock import StillClock

NOW = StillClock().now
UNTIL = NOW + timedelta(minutes=7)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("error", "attempt", "decision"),
    [
        (RateLimited(UNTIL, "writes"), 99, Later(UNTIL, "writes: next try at 09:07:00 UTC", counted=False, ours=False)),
        (Unavailable("502"), 1, Later(NOW + timedelta(seconds=2), "502", counted=True, ours=False)),
        (Unavailable("502"), OUTAGE_ATTEMPTS, GiveUp("502", ours=False)),
        (RemoteUnavailable("no route"), 2, Later(NOW + timedelta(seconds=4), "no route", counted=True, ours=False)),
        (PayloadError("no number"), 1, GiveUp("no number", ours=False)),
        (KeyError("x"), 1, Later(NOW + timedelta(seconds=2), "KeyError: 'x'", counted=True, ours=True)),
        (KeyError("x"), ATTEMPTS, GiveUp("KeyError: 'x'", ours=True)),
    ],
)
async def test_a_failure_is_decided_by_error_and_attempt(
    error: Exception, attempt: int, decision: Later | GiveUp
) -> None:
    assert decide(error, attempt, NOW) == decision


async def test_a_refusal_is_final_and_a_lost_installation_is_not() -> None:
    assert isinstance(decide(Refused(422, "Validation Failed", "comment"), 1, NOW), GiveUp)
    assert isinstance(decide(NotInstalled(InstallationId(1), "suspended"), 1, NOW), Later)


async def test_pauses_grow_to_five_minutes() -> None:
    assert [pause(attempt).total_seconds() for attempt in (1, 2, 3, 8, 99)] == [2, 4, 8, 256, 300]


@pytest.fixture
async def bot(quick_path: Path) -> SmallBot:
    conversation = CONVERSATIONS["merged"]
    return SmallBot(quick_path, conversation.script, dict(conversation.files))


async def test_a_refused_comment_stops_nothing(bot: SmallBot) -> None:
    await bot.start()
    bot.world.refused.append("**Ready for review:**")
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    dead = [effect for effect in await bot.store.open_effects() if effect.dead]
    assert [(effect.kind, "422" in effect.fault) for effect in dead] == [("Announce", True)]
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW
    bot.world.merge(await bot.pull_of(issue))
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.DONE
    await bot.must_hold()
    await bot.stop()


async def test_ten_deliveries_of_one_label_make_one_task(bot: SmallBot) -> None:
    await bot.start()
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    for _ in range(10):
        for webhook, guid in list(bot.sent):
            assert await bot.post(webhook, guid) == 202
    await bot.settle()
    assert len(await bot.store.tasks()) == 1
    await bot.must_hold()
    await bot.stop()


async def test_an_idle_worker_leaves_the_database_alone(bot: SmallBot) -> None:
    await bot.start()
    working = asyncio.create_task(bot.worker.serve())
    await asyncio.sleep(0.3)
    before = bot.store.commits
    await asyncio.sleep(0.5)
    assert bot.store.commits - before <= 2
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await bot.stop()


async def test_a_stopping_worker_gives_its_work_back_uncounted(bot: SmallBot) -> None:
    await bot.start()
    reached, agents = asyncio.Event(), bot.agents

    async def hang(*_: object) -> None:
        reached.set()
        await asyncio.sleep(60)

    agents.before_turn = hang
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.deliver()
    working = asyncio.create_task(bot.worker.serve())
    await asyncio.wait_for(reached.wait(), 10)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    [effect] = [effect for effect in await bot.store.open_effects() if effect.kind == "RunAgent"]
    assert (effect.owner, effect.attempts) == (None, 0)
    await bot.stop()


async def test_a_stop_ends_the_turn_and_keeps_what_was_done(bot: SmallBot) -> None:
    await bot.start()
    reached = asyncio.Event()
    issue = bot.world.open_issue("Fix the widget")

    async def half_done(*_: object) -> None:
        [tree] = bot.workspaces.trees.values()
        tree["half.py"] = "half\n"
        reached.set()
        await asyncio.sleep(60)

    bot.agents.before_turn = half_done
    bot.world.label(issue)
    await bot.deliver()
    working = asyncio.create_task(bot.worker.serve())
    await asyncio.wait_for(reached.wait(), 10)
    bot.agents.before_turn = None
    bot.world.comment(issue, "/agent stop")
    await bot.deliver()
    for _ in range(100):
        if not bot.workspaces.trees:
            break
        await asyncio.sleep(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    stopped = await bot.task(issue)
    assert stopped.phase is Phase.CANCELLED
    assert stopped.commit is not None
    assert bot.git.files(stopped.commit)["half.py"] == "half\n"
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert bot.head_files(await bot.pull_of(issue))["half.py"] == "half\n"
    await bot.must_hold()
    await bot.stop()


async def test_a_sweep_asks_for_a_worktree_that_was_left_over(bot: SmallBot) -> None:
    await bot.start()
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    task = await bot.task(issue)
    bot.workspaces.trees[task.id] = {"left": "over"}
    bot.workspaces.trees[TaskId(99)] = {"of another": "database"}
    bot.disturbance.sweep = True
    await bot.settle()
    assert not bot.workspaces.trees
    await bot.stop()


async def test_a_slow_clean_up_is_cancelled_once_and_its_lease_let_go(bot: SmallBot) -> None:
    await bot.start()
    reached, cleaned = asyncio.Event(), asyncio.Event()

    async def slow_to_die(*_: object) -> None:
        try:
            reached.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1.2)  # longer than two heartbeats
            cleaned.set()

    bot.agents.before_turn = slow_to_die
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.deliver()
    working = asyncio.create_task(bot.worker.serve())
    await asyncio.wait_for(reached.wait(), 10)
    bot.world.comment(issue, "/agent stop")
    await bot.deliver()
    await asyncio.wait_for(cleaned.wait(), 10)
    for _ in range(100):
        if not bot.workspaces.trees:
            break
        await asyncio.sleep(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert not bot.workspaces.trees
    assert not [effect for effect in await bot.store.open_effects() if effect.owner or effect.kind == "RunAgent"]
    await bot.stop()


async def test_a_result_that_cannot_be_stored_is_a_failed_step(bot: SmallBot) -> None:
    bot.script = {"turns": [{"steps": [{"write": {"path": "fix.py", "text": "good"}}, {"say": "\ud800"}]}]}
    bot.agents.script = bot.script
    await bot.start()
    bot.worker.rethrow = False
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.deliver()
    working = asyncio.create_task(bot.worker.serve())
    for _ in range(200):
        if [e for e in await bot.store.open_effects() if e.kind == "RunAgent" and e.owner is None and e.attempts]:
            break
        await asyncio.sleep(0.02)
    assert not working.done()
    [effect] = [e for e in await bot.store.open_effects() if e.kind == "RunAgent"]
    assert "surrogates" in effect.fault or "utf" in effect.fault.lower()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await bot.stop()
