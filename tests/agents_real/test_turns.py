"""Single turns of a real agent: cancelled, killed, refused by its model, writing where it must not."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agents.catalogue import known
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.results import TurnEnded, TurnFailed
from tests.agents_real.world import KEY, Desk, remembered
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio

SLEEP = "MODEL[write kept.txt half ;; run touch /task/ready; setsid sleep 300 & sleep 300 ;; say Slept.]"
AGAIN = "MODEL[run cat /task/kept.txt > /task/seen.txt ;; say Went on.]"


@pytest.fixture
def desk(agent: str, folder: Path, server: ModelServer, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, Sandbox(probe("auto")), agent, folder, server)
    yield desk
    assert desk.alive() == [], "a process outlived its turn"


async def _goes_on(desk: Desk, session: str | None) -> None:
    """A new process knows the interrupted turn and finds its files."""
    calls = len(desk.server.requests)
    turn = await desk.turn(f"Go on. {AGAIN}", session)
    assert turn.outcome == TurnEnded("Went on.")
    assert (desk.task / "seen.txt").read_text() == "half\n"
    if known()[desk.agent].resume == "load":
        assert turn.session == session
        assert remembered(desk.server, "kept.txt half", calls), "the new process knows nothing of the old one's turn"


async def test_a_cancel_in_a_tool_call_leaves_nothing_and_the_session_goes_on(desk: Desk) -> None:
    turn = asyncio.create_task(desk.turn(SLEEP))
    await desk.until("ready", turn)
    began = time.monotonic()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert desk.alive() == []
    assert time.monotonic() - began < 10
    await _goes_on(desk, desk.session)


async def test_a_killed_agent_goes_on_in_a_new_process(desk: Desk) -> None:
    turn = asyncio.create_task(desk.turn(SLEEP))
    await desk.until("ready", turn)
    await asyncio.sleep(2)  # the session was told by then, and is on its disk
    for pid in desk.alive():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    ended = await turn
    assert isinstance(ended.outcome, TurnFailed)
    await _goes_on(desk, ended.session or desk.session)


async def test_an_error_of_the_model_is_a_failure_and_the_next_turn_is_in_step(desk: Desk) -> None:
    turn, egress = await desk.turn_and_egress("MODEL[error 400 The scripted model refuses.]")
    assert isinstance(turn.outcome, TurnFailed), turn.outcome
    assert egress.spent.failures > 0
    assert "The scripted model refuses" in egress.spent.fault
    after = await desk.turn("MODEL[write after.txt well ;; say In step.]", turn.session)
    assert after.outcome == TurnEnded("In step.")
    assert (desk.task / "after.txt").read_text() == "well\n"


async def test_nothing_is_written_outside_the_worktree(desk: Desk) -> None:
    outside = desk.root / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    places = [f"{outside}/naive.txt", "/usr/evil.txt", f"{desk.install}/evil.txt"]
    steps = " ;; ".join(f"run echo evil > {place} || true" for place in places)
    turn = await desk.turn(f"MODEL[write {outside}/escaped.txt evil ;; {steps} ;; write fine.txt good ;; say Tried.]")
    assert isinstance(turn.outcome, TurnEnded | TurnFailed)
    assert list(outside.iterdir()) == []
    assert [place for place in places if os.path.exists(place)] == []  # noqa: ASYNC240 - a moment


async def test_the_key_never_goes_in(desk: Desk) -> None:
    turn = await desk.turn("MODEL[run env > /task/env.txt; cp -r $HOME /task/home; true ;; say Looked.]")
    assert turn.outcome == TurnEnded("Looked.")
    assert (desk.task / "env.txt").exists()
    half, pipe = KEY[: len(KEY) // 2], asyncio.subprocess.PIPE
    grep = await asyncio.create_subprocess_exec("grep", "-rl", half, str(desk.task), stdout=pipe)
    assert (await grep.communicate())[0] == b""
    assert {seen.key for seen in desk.server.requests} == {KEY}
