"""Agents that stall, start too late, run out of time, or hide the error of their model."""

import time
from dataclasses import replace
from typing import Any

import pytest

from bot.agents.profiles import AcpProfile, CommandProfile, scripted
from bot.agents.registry import SandboxedAgents
from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Limits
from bot.task.results import FaultKind, TurnEnded, TurnFailed, Usage
from tests.agents.test_acp_client import HELLO, READ_AND, SESSION, crash
from tests.agents.world import World

pytestmark = pytest.mark.anyio


async def turn(world: World, profile: AcpProfile | CommandProfile, last_call: LastCall = never, **limits: Any) -> Turn:
    agents = SandboxedAgents(world.sandbox, [profile])
    most = Limits(**{"seconds": 20.0, **limits})
    return await agents.turn(profile.name, world.box, "go", None, most, world.heard.append, last_call)


def foreign(program: str, **more: Any) -> AcpProfile:
    return AcpProfile("foreign", ("python3", "-IS", "-c", program), **more)


async def test_an_agent_that_says_nothing_is_ended_with_the_setting(world: World) -> None:
    world.turns([{"say": "I begin"}, {"hang": 300}])
    ended = await turn(world, replace(scripted(world.script), stall_seconds=1.5))
    assert ended.outcome == TurnFailed(
        FaultKind.STALLED,
        "The agent said nothing and asked its model nothing for 1.5 s and was ended; "
        "`agents.NAME.stall_minutes` sets how long it may be silent.",
    )
    assert ended.session is not None


async def test_a_silent_agent_whose_model_is_asked_goes_on(world: World) -> None:
    world.turns([{"run": "sleep 2"}, {"say": "done"}])
    profile = replace(scripted(world.script), stall_seconds=1.0)
    assert isinstance((await turn(world, profile)).outcome, TurnFailed)
    assert (await turn(world, profile, time.monotonic)).outcome == TurnEnded("done")


async def test_a_command_that_says_nothing_is_ended(world: World) -> None:
    silent = CommandProfile("silent", ("sleep", "300"), stall_seconds=1.0)
    outcome = (await turn(world, silent)).outcome
    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FaultKind.STALLED
    talks = ("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo $i >&2; sleep 0.3; done; echo fine")
    assert (await turn(world, replace(silent, argv=talks, stall_seconds=2.0))).outcome == TurnEnded("fine")


async def test_an_agent_that_never_gets_ready(world: World) -> None:
    ended = await turn(world, foreign(HELLO + "wait()", start_seconds=1.0))
    assert crash(ended.outcome) == "The agent was not ready 1 s after its start."


async def test_an_agent_is_asked_to_wrap_up_and_its_last_words_are_kept(world: World) -> None:
    world.whole_script(
        [
            {"steps": [{"write": {"path": "half.txt", "text": "half"}}, {"hang": 300}]},
            {"when": "Your time is nearly over", "steps": [{"append": {"path": "half.txt", "text": " done"}},
                                                            {"say": "Half is done; the rest is left."}]},
        ]
    )  # fmt: skip
    ended = await turn(world, replace(scripted(world.script), goes_on=True), seconds=15)
    assert ended.outcome == TurnFailed(
        FaultKind.TIMED_OUT,
        "The agent used up its 15 s; `limits.minutes` sets how long it may work.",
        "Half is done; the rest is left.",
    )
    assert (world.task / "half.txt").read_text() == "half done"


async def test_an_agent_that_does_not_heed_the_notice_ends_at_its_deadline(world: World) -> None:
    deaf = SESSION + "ask()\nwait()"
    ended = await turn(world, foreign(deaf, goes_on=True), seconds=2)
    assert isinstance(ended.outcome, TurnFailed)
    assert (ended.outcome.kind, ended.outcome.last_words) == (FaultKind.TIMED_OUT, "")


async def test_an_error_told_as_a_good_end_is_found(world: World) -> None:
    world.turns([{"say": "Error: 400 the budget is used up"}])
    profile = scripted(world.script)
    assert isinstance((await turn(world, profile)).outcome, TurnEnded)
    told = (await turn(world, replace(profile, error_texts=("Error:",)))).outcome
    assert crash(told) == "The agent's model reported an error: Error: 400 the budget is used up"


async def test_a_command_that_exits_well_after_an_error_of_its_model(world: World) -> None:
    profile = CommandProfile("c", ("echo", "litellm.BadRequestError: no"), error_texts=("litellm.",))
    assert "litellm.BadRequestError: no" in crash((await turn(world, profile)).outcome)


@pytest.mark.parametrize(
    ("counted", "usage"),
    [("prompt", Usage(100, 20, 10)), ("session", Usage(100, 20, 10)), ("last_step", None), ("none", None)],
)
async def test_tokens_are_counted_by_what_the_agent_means(world: World, counted: str, usage: Usage | None) -> None:
    told = "{'totalTokens': 120, 'inputTokens': 100, 'outputTokens': 20, 'cachedReadTokens': 10}"
    program = SESSION + f"say(id=ask(), result={{'stopReason': 'end_turn', 'usage': {told}}})\nwait()"
    assert (await turn(world, foreign(program, counted=counted))).usage == usage


@pytest.mark.parametrize("count", ["-5", "'many'", "10**400", "True"])
async def test_a_count_that_cannot_be_is_none(world: World, count: str) -> None:
    usage = f"{{'inputTokens': {count}, 'outputTokens': 20}}"
    update = "{'sessionUpdate': 'agent_message_chunk', 'content': {'type': 'text', 'text': 'hi'}, '_meta': meta}"
    program = (
        "import sys; sys.set_int_max_str_digits(0)\n"
        f"{SESSION}request = ask()\nmeta = {{'usage': {usage}}}\n"
        f"say(method='session/update', params={{'sessionId': 's', 'update': {update}}})\n"
        "say(id=request, result={'stopReason': 'end_turn'})\nwait()"
    )
    ended = await turn(world, foreign(program, counted="call"))
    assert (ended.outcome, ended.usage) == (TurnEnded("hi"), None)


async def test_name_and_version_are_told(world: World) -> None:
    program = READ_AND + (
        "say(id=ask(), result={'protocolVersion': 1, 'agentInfo': {'name': 'Some\\nAgent', 'version': '1.2'}})\n"
        "say(id=ask(), result={'sessionId': 's'})\nsay(id=ask(), result={'stopReason': 'end_turn'})\nwait()"
    )
    assert (await turn(world, foreign(program, version="0"))).agent == "Some Agent 1.2"
    silent = SESSION + "say(id=ask(), result={'stopReason': 'end_turn'})\nwait()"
    assert (await turn(world, foreign(silent, version="3.4"))).agent == "foreign 3.4"
