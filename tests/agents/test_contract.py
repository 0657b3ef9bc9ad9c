"""What every agent door keeps, whatever it is that it drives. A further adapter joins in `world.ADAPTERS`."""

import asyncio
import re
import time

import pytest

from bot.sandbox.box import Limits
from bot.task.results import (
    FaultKind,
    PlanStep,
    TurnAnswered,
    TurnAsked,
    TurnDeclined,
    TurnEnded,
    TurnFailed,
    TurnOutcome,
)
from tests.agents.world import World

pytestmark = pytest.mark.anyio


async def test_edits_land_and_the_last_message_is_the_summary(any_world: World) -> None:
    (any_world.task / "old.txt").write_text("one two\n")
    any_world.turns(
        [
            {"run": "chmod 666 old.txt 2>/dev/null || cp old.txt new && mv new old.txt"},
            {"write": {"path": "src/new.py", "text": "print('hello')\n"}},
            {"append": {"path": "src/new.py", "text": "print('again')\n"}},
            {"replace": {"path": "old.txt", "old": "two", "new": "three"}},
            {"run": "python3 src/new.py > printed.txt"},
            {"write": {"path": "gone.txt", "text": "x"}},
            {"delete": "gone.txt"},
            {"say": "All done."},
        ]
    )
    turn = await any_world.turn()
    assert turn.outcome == TurnEnded("All done.")
    assert (any_world.task / "printed.txt").read_text() == "hello\nagain\n"
    assert (any_world.task / "old.txt").read_text() == "one three\n"
    assert not any_world.has("gone.txt")


async def test_progress_tells_plan_files_and_tool_calls(any_world: World) -> None:
    plan = [{"text": "look", "status": "completed"}, {"text": "write\x1b[2J it", "status": "in_progress"}]
    any_world.turns(
        [{"plan": plan}, {"write": {"path": "a/b.txt", "text": "x"}}, {"run": "true"}, {"say": "Done\nnow."}]
    )
    await any_world.turn()
    last = any_world.heard[-1]
    assert last.doing == "now."
    if not any_world.adapter.tells:
        return
    assert last.plan == (PlanStep("look", "completed"), PlanStep("write[2J it", "in_progress"))
    assert last.files == ("a/b.txt",)
    assert last.turns == 2


async def test_progress_is_coalesced(any_world: World) -> None:
    any_world.turns([{"say": f"line {number}"} for number in range(300)])
    started = time.monotonic()
    await any_world.turn()
    assert len(any_world.heard) <= 5 * (time.monotonic() - started) + 2
    assert any_world.heard[-1].doing == "line 299"


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ({"ask": "1. Which port?\n2. Which host?"}, TurnAsked("1. Which port?\n2. Which host?")),
        ({"decline": "It works as written."}, TurnDeclined("It works as written.")),
        ({"answer": "Because of the cache."}, TurnAnswered("Because of the cache.")),
    ],
    ids=["asks", "declines", "answers"],
)
async def test_a_marked_last_message_is_the_outcome(
    any_world: World, step: dict[str, str], outcome: TurnOutcome
) -> None:
    any_world.turns([{"say": "Let me see."}, step, {"say": "never reached"}])
    assert (await any_world.turn()).outcome == outcome


async def test_a_session_goes_on_in_a_new_process(any_world: World) -> None:
    if not any_world.adapter.resumes:
        pytest.skip("this adapter starts a new session every time")
    any_world.turns([{"say": "QUESTION: from the first turn"}, {"run": "true"}, {"ask": "Which?"}], [{"say": "second"}])
    first = await any_world.turn()
    second = await any_world.turn(session=first.session)
    assert (first.outcome, second.outcome) == (TurnAsked("Which?"), TurnEnded("second"))
    assert first.session is not None
    assert second.session == first.session


@pytest.mark.parametrize("session", ["0" * 32, "../../etc/passwd", ""])
async def test_an_unknown_session_becomes_a_new_one(any_world: World, session: str) -> None:
    any_world.turns([{"say": "first"}], [{"say": "second"}])
    turn = await any_world.turn(session=session)
    assert turn.outcome == TurnEnded("first")
    assert turn.session != session


async def test_a_crash_is_told_with_its_exit_code_and_last_words(any_world: World) -> None:
    any_world.turns([{"say": "so far so good"}, {"crash": 7}], [{"say": "after the crash"}])
    turn = await any_world.turn()
    assert isinstance(turn.outcome, TurnFailed)
    assert turn.outcome.kind is FaultKind.CRASHED
    assert re.search(r"\bexit code 7\)?: scripted agent: crash with exit code 7$", turn.outcome.detail)
    if any_world.adapter.resumes:
        assert (await any_world.turn(session=turn.session)).outcome == TurnEnded("after the crash")


async def test_a_turn_ends_at_its_time_limit(any_world: World) -> None:
    any_world.turns([{"spawn": 300}, {"hang": 300}])
    started = time.monotonic()
    turn = await any_world.turn(limits=Limits(seconds=0.8))
    assert time.monotonic() - started < 4
    assert turn.outcome == TurnFailed(
        FaultKind.TIMED_OUT, "The agent used up its 0.8 s; `limits.minutes` sets how long it may work."
    )
    assert any_world.alive() == []


@pytest.mark.parametrize("step", [{"hang": 300}, {"run": "sleep 300"}, {"think": 300}], ids=["hang", "run", "think"])
async def test_cancelling_leaves_no_process(any_world: World, step: dict[str, object]) -> None:
    any_world.turns([{"spawn": 300}, {"run": "trap '' TERM; setsid sleep 300 & touch ready"}, step])
    turn = asyncio.create_task(any_world.turn())
    await any_world.until("ready")
    assert any_world.alive() != []
    started = time.monotonic()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert any_world.alive() == []
    assert time.monotonic() - started < 1


async def test_a_child_that_hides_is_gone_after_a_good_turn(any_world: World) -> None:
    any_world.turns([{"spawn": 300}, {"say": "done"}])
    assert (await any_world.turn()).outcome == TurnEnded("done")
    assert any_world.alive() == []


async def test_a_flood_ends_at_the_output_limit(any_world: World) -> None:
    any_world.turns([{"flood": 64 << 20}])
    turn = await any_world.turn(limits=Limits(seconds=20, output_bytes=1 << 20))
    assert turn.outcome == TurnFailed(
        FaultKind.OUTPUT_LIMIT, "The agent wrote more than 1048576 bytes in one turn and was ended."
    )


async def test_disk_space_is_limited(any_world: World) -> None:
    any_world.turns([{"run": "head -c 30000000 /dev/zero > big"}, {"hang": 60}])
    turn = await any_world.turn(limits=Limits(seconds=60, disk_bytes=20 * 10**6))
    assert isinstance(turn.outcome, TurnFailed)
    assert turn.outcome.kind is FaultKind.DISK_LIMIT
    assert turn.outcome.detail.endswith("of disk space; at most 20 MB may be used.")


async def test_an_unknown_agent_is_refused(any_world: World) -> None:
    any_world.turns([])
    turn = await any_world.ask(any_world.agents(), "nobody", "go", "kept")
    assert turn.outcome == TurnFailed(FaultKind.REFUSED, "No agent is called 'nobody' here; known: scripted.")
    assert turn.session == "kept"
