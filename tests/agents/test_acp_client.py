"""The ACP client against agents that answer wrongly, late or not at all."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.agents.profiles import AcpProfile, scripted
from bot.agents.registry import SandboxedAgents
from bot.sandbox.box import Limits
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.results import FaultKind, Progress, TurnAnswered, TurnEnded, TurnFailed, TurnOutcome
from tests.agents.world import ADAPTERS, World

pytestmark = pytest.mark.anyio

READ_AND = """import sys, json, time
ask = lambda: json.loads(sys.stdin.readline())['id']
say = lambda **message: print(json.dumps(message), flush=True)
wait = sys.stdin.read
"""
"""The beginning of an agent in a few lines: `ask()` reads a request and gives its id, `say()` answers."""
HELLO = READ_AND + "say(id=ask(), result={'protocolVersion': 1, 'agentCapabilities': {}})\n"
SESSION = HELLO + "say(id=ask(), result={'sessionId': 's'})\n"


def crash(outcome: TurnOutcome) -> str:
    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FaultKind.CRASHED
    return outcome.detail


async def test_an_error_reply_is_a_failure_with_its_reason(world: World) -> None:
    world.turns([{"error": "the key is\nnot valid"}], [{"say": "better now"}])
    turn = await world.turn()
    assert crash(turn.outcome) == "The agent reported an error: Internal error (the key is not valid)"
    assert (await world.turn(session=turn.session)).outcome == TurnEnded("better now")


async def test_noise_between_messages_is_skipped(world: World) -> None:
    world.turns([{"raw": "(node:7) Warning: deprecated"}, {"raw": "[1, 2]"}, {"raw": ""}, {"say": "fine"}])
    assert (await world.turn()).outcome == TurnEnded("fine")


@pytest.mark.parametrize(
    "line",
    ['{"jsonrpc": "2.0", "id": 2, "resu', "{" * 100_000, '{"a":' * 100_000, '{"id": [1]}', '{"id": 2, "error": 5}'],
    ids=["cut", "braces", "deep", "list-id", "number-error"],
)
async def test_a_broken_message_is_a_failure(world: World, line: str) -> None:
    world.turns([{"raw": line}, {"hang": 300}])
    started = time.monotonic()
    assert "broke the protocol" in crash((await world.turn()).outcome)
    assert time.monotonic() - started < 5


async def test_updates_of_a_newer_agent_are_skipped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    newer = [
        '{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"telepathy"}}}',
        '{"method":"session/update","params":{"sessionId":"s","update":7}}',
        '{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":["plan"]}}}',
        '{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"plan","entries":7}}}',
        '{"method":"session/update"}',
        '{"method":"nothing/known","params":null}',
    ]
    world.turns([*({"raw": line} for line in newer), {"say": "fine"}])
    assert (await world.turn()).outcome == TurnEnded("fine")
    assert caplog.records == []


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(
    ("path", "answer"), [("/task/a", "Allowed"), ("/etc/passwd", "Not allowed"), ("/task/../x", "Not allowed")]
)
async def test_permission_follows_the_path_even_if_only_the_id_is_sent(
    world: World, path: str, answer: str, bare: bool
) -> None:
    world.turns([{"permit": {"title": "Write it", "path": path, "kind": "edit", "bare": bare}}])
    assert (await world.turn()).outcome == TurnEnded(f"{answer}: Write it")


async def test_an_agent_that_cannot_load_gets_a_new_session(world: World) -> None:
    world.turns([{"say": "first"}], load=False)
    first = await world.turn()
    second = await world.turn(session=first.session)
    assert second.outcome == TurnEnded("first")
    assert second.session != first.session


async def test_a_profile_without_resume_names_no_session(world: World) -> None:
    world.turns([{"say": "first"}], [{"say": "second"}])
    base = scripted(world.script)
    profile = AcpProfile("forgetful", base.argv, binds=base.binds, resume="none")
    loadable = (await world.turn()).session
    turn = await world.ask(world.agents(profile), "forgetful", "go", loadable)
    assert (turn.outcome, turn.session) == (TurnEnded("first"), None)


async def test_what_a_load_replays_is_not_part_of_the_turn(world: World) -> None:
    program = READ_AND + (
        "say(id=ask(), result={'protocolVersion': 1, 'agentCapabilities': {'loadSession': True}})\n"
        "load = ask()\n"
        "old = {'type': 'text', 'text': 'QUESTION: an old one?'}\n"
        "for u in ({'sessionUpdate': 'tool_call', 'toolCallId': '1', 'title': 'old call'},\n"
        "          {'sessionUpdate': 'agent_message_chunk', 'content': old}):\n"
        "    say(method='session/update', params={'sessionId': 's', 'update': u})\n"
        "say(id=load, result={})\n"
        "say(id=ask(), result={'stopReason': 'end_turn'})\n"
    )
    agents = world.agents(AcpProfile("foreign", ("python3", "-IS", "-c", program)))
    turn = await world.ask(agents, "foreign", "go", "s")
    assert (turn.outcome, turn.session, world.heard) == (TurnEnded(""), "s", [Progress(session="s")])


@pytest.mark.parametrize(
    ("program", "detail"),
    [
        ("import sys; sys.exit('no key\\x07 found')", "(exit code 1): no key found"),
        ("print('Usage: agent [--acp]')", "(exit code 0): Usage: agent [--acp]"),
        ("import os; os.kill(os.getpid(), 9)", "ended before its turn did"),
        (READ_AND + "say(id=ask(), result={'protocolVersion': 2}); wait()", "speaks protocol version 2"),
        (READ_AND + "say(id=ask(), result=[]); wait()", "broke the protocol: 1 wrong fields"),
        (HELLO + "say(id=ask(), error={'code': -32000, 'message': 'Log in first'})", "error: Log in first"),
        (HELLO + "say(id=ask(), result={'sessionId': 'x' * 501})", "session id cannot be stored"),
        (HELLO + "say(id=ask(), result={'sessionId': 'a\\0b'})", "session id cannot be stored"),
        (SESSION + "say(id=ask(), result={'stopReason': 'max_tokens'})", "limit of tokens"),
        (SESSION + "say(id=ask(), result={'stopReason': 'bored'})", "broke the protocol"),
    ],
    ids=["exit", "usage", "killed", "version", "wrong", "login", "long-id", "odd-id", "tokens", "stop-reason"],
)
async def test_a_strange_program_is_a_failure_in_one_line(world: World, program: str, detail: str) -> None:
    assert detail in crash((await world.foreign("python3", "-IS", "-c", program)).outcome)


async def test_an_answer_counts_even_if_the_process_is_gone_before_it_is_read(world: World) -> None:
    program = SESSION + (
        "last = ask()\n"
        "def tell(text):\n"
        "    u = {'sessionUpdate': 'agent_message_chunk', 'content': {'type': 'text', 'text': text}}\n"
        "    return {'method': 'session/update', 'params': {'sessionId': 's', 'update': u}}\n"
        "burst = [tell('ANSWER: yes'), *[tell(' ')] * 20000, {'id': last, 'result': {'stopReason': 'end_turn'}}]\n"
        "sys.stdout.write(''.join(json.dumps(message) + '\\n' for message in burst))\n"
    )
    assert (await world.foreign("python3", "-IS", "-c", program)).outcome == TurnAnswered("yes")


async def test_an_agent_that_closes_its_output_is_not_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path, Sandbox(probe("none")), ADAPTERS[0])  # bubblewrap would keep the pipe open
    program = "import os, time; os.close(1); time.sleep(300)"
    assert "closed its output" in crash((await world.foreign("python3", "-IS", "-c", program)).outcome)
    assert world.alive() == []


async def test_a_missing_program_is_a_failure(world: World) -> None:
    assert "exit code 127" in crash((await world.foreign("no-such-agent", "--acp")).outcome)


async def test_an_agent_that_says_nothing_runs_into_its_time_limit(world: World) -> None:
    turn = await world.foreign("sleep", "300", limits=Limits(seconds=0.5))
    assert isinstance(turn.outcome, TurnFailed)
    assert turn.outcome.kind is FaultKind.TIMED_OUT


async def test_files_and_terminals_are_not_offered(world: World) -> None:
    program = SESSION + (
        "p = ask()\n"
        "say(id=9, method='fs/write_text_file', params={'sessionId': 's', 'path': '/task/x', 'content': 'x'})\n"
        "code = json.loads(sys.stdin.readline())['error']['code']\n"
        "u = {'sessionUpdate': 'agent_message_chunk', 'content': {'type': 'text', 'text': f'ANSWER: {code}'}}\n"
        "say(method='session/update', params={'sessionId': 's', 'update': u})\n"
        "say(id=p, result={'stopReason': 'end_turn'})\n"
    )
    assert (await world.foreign("python3", "-IS", "-c", program)).outcome == TurnAnswered("-32601")


async def test_an_agent_that_does_not_leave_is_killed(world: World) -> None:
    program = SESSION + "say(id=ask(), result={'stopReason': 'end_turn'}); time.sleep(300)"
    started = time.monotonic()
    assert (await world.foreign("python3", "-IS", "-c", program)).outcome == TurnEnded("")
    assert time.monotonic() - started < 10
    assert world.alive() == []


OBEDIENT = SESSION + (
    "ask(); open('ready', 'w')\n"
    "assert json.loads(sys.stdin.readline())['method'] == 'session/cancel'\n"
    "open('told', 'w'); time.sleep(300)\n"
)


async def test_an_agent_is_told_when_its_time_is_up(world: World) -> None:
    turn = await world.foreign("python3", "-IS", "-c", OBEDIENT, limits=Limits(seconds=0.7))
    assert isinstance(turn.outcome, TurnFailed)
    assert turn.outcome.kind is FaultKind.TIMED_OUT
    assert turn.session == "s"
    assert world.has("told")


async def test_an_agent_is_told_when_its_turn_is_cancelled(world: World) -> None:
    turn = asyncio.create_task(world.foreign("python3", "-IS", "-c", OBEDIENT))
    await world.until("ready")
    started = time.monotonic()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert time.monotonic() - started < 1, "an agent that does not heed the cancel is not waited for"
    assert world.has("told")
    assert world.alive() == []


async def test_cancelling_again_and_again_still_kills(world: World) -> None:
    world.turns([{"run": "touch ready"}, {"hang": 300}])
    turn = asyncio.create_task(world.turn())
    await world.until("ready")
    while not turn.done():
        turn.cancel()
        await asyncio.sleep(0)
    assert turn.cancelled()
    assert world.alive() == []


async def test_cancelling_at_any_moment_of_the_start_leaves_no_process(world: World) -> None:
    world.turns([{"hang": 300}])
    for milliseconds in range(0, 120, 15):
        turn = asyncio.create_task(world.turn())
        await asyncio.sleep(milliseconds / 1000)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert world.alive() == []


async def test_what_is_raised_while_hearing_reaches_the_caller(world: World) -> None:
    told: list[Progress] = []

    def refuse(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 1:
            raise LookupError("nobody listens")

    world.turns([{"say": "hello"}, {"hang": 0.3}, {"say": "done"}])
    hearing: Callable[[Progress], None] = refuse
    with pytest.raises(LookupError, match="nobody listens"):
        await world.agents().turn("scripted", world.box, "go", None, Limits(seconds=10), hearing)
    assert world.alive() == []


async def test_where_nothing_contains_a_process_only_our_own_agent_runs(bare_world: World) -> None:
    bare_world.turns([{"write": {"path": "a", "text": "x"}}, {"spawn": 300}, {"say": "done"}], [{"say": "again"}])
    stranger = AcpProfile("stranger", ("touch", str(bare_world.root / "ran")), "Some agent.")
    agents = bare_world.agents(stranger)
    assert list(agents.known()) == ["scripted"]
    turn = await bare_world.ask(agents, "scripted", "go")
    assert turn.outcome == TurnEnded("done")
    assert (bare_world.task / "a").read_text() == "x"
    assert bare_world.heard[-1].files == ("a",)
    assert (await bare_world.ask(agents, "scripted", "go", turn.session)).outcome == TurnEnded("again")
    refused = (await bare_world.ask(agents, "stranger", "go")).outcome
    assert refused == TurnFailed(
        FaultKind.REFUSED, "stranger may not run here: Nothing contains a process here. Install bubblewrap."
    )
    assert not bare_world.has("../ran")


def test_known_agents_have_one_line_each(contained: Sandbox, world: World) -> None:
    profiles = [scripted(world.script), AcpProfile("other", ("other", "--acp"))]
    assert SandboxedAgents(contained, profiles).known() == {
        "scripted": "Demo agent: replays prepared steps, without a language model.",
        "other": "An agent that speaks the Agent Client Protocol.",
    }
