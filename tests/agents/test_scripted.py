"""The scripted agent: it conforms to the protocol, says what it is, and keeps its session."""

import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import acp
import pytest
from acp import schema

from bot.agents.scripted import agent as scripted_agent
from bot.task.results import TurnEnded
from tests.agents.world import World

pytestmark = pytest.mark.anyio


class Recorder:
    """A client of the SDK that keeps what it hears."""

    def __init__(self) -> None:
        self.updates: list[Any] = []

    async def session_update(self, session_id: str, update: Any, **more: Any) -> None:
        self.updates.append(update)

    async def request_permission(self, **request: Any) -> schema.RequestPermissionResponse:
        chosen = schema.AllowedOutcome(outcome="selected", option_id=request["options"][0].option_id)
        return schema.RequestPermissionResponse(outcome=chosen)

    def texts(self) -> list[str]:
        return [update.content.text for update in self.updates if isinstance(update, schema.AgentMessageChunk)]


@asynccontextmanager
async def connected(folder: Path, script: dict[str, Any]) -> AsyncIterator[tuple[Recorder, Any]]:
    """The agent as the SDK alone starts it."""
    (folder / "script.json").write_text(json.dumps(script))
    recorder = Recorder()
    argv = ["-IS", scripted_agent.__file__, str(folder / "script.json")]
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    client = cast(acp.Client, recorder)
    async with acp.spawn_agent_process(client, sys.executable, *argv, env=env, cwd=folder) as (agent, _):
        yield recorder, agent


EVERY_STEP: list[dict[str, Any]] = [
    {"say": "hello"},
    {"plan": ["one", {"text": "two", "status": "completed"}]},
    {"think": 0.3},
    {"write": {"path": "a/b", "text": "x\n"}},
    {"append": {"path": "a/b", "text": "y\n"}},
    {"replace": {"path": "a/b", "old": "x", "new": "z"}},
    {"replace": {"path": "a/b", "old": "not there", "new": ""}},
    {"delete": "a/b"},
    {"delete": "a/b"},
    {"run": "echo out; exit 3"},
    {"permit": "May I?"},
    {"hang": 0},
    {"ask": "What now?"},
]


async def test_every_message_conforms(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with connected(tmp_path, {"turns": [{"steps": EVERY_STEP}]}) as (heard, agent):
            hello = await agent.initialize(1, schema.ClientCapabilities())
            assert hello.protocol_version == 1
            assert hello.agent_capabilities.load_session
            assert "no language model" in hello.agent_info.title
            session = (await agent.new_session(str(tmp_path), mcp_servers=[])).session_id
            answer = await agent.prompt(session, [acp.text_block("go")])
    assert answer.stop_reason == "end_turn"
    assert caplog.records == [], "the SDK complained about a message"
    assert heard.texts() == [scripted_agent.NOTICE, "hello", "Allowed: May I?", "QUESTION: What now?"]
    ended = [u for u in heard.updates if isinstance(u, schema.ToolCallProgress) and u.status]
    assert [u.status for u in ended].count("failed") == 3
    diff = next(part for u in ended for part in u.content or [] if isinstance(part, schema.FileEditToolCallContent))
    assert (diff.path, diff.old_text, diff.new_text) == (str(tmp_path / "a/b"), None, "x\n")
    run: Any = next(u for u in ended if u.raw_output)
    assert (run.raw_output, run.content[0].content.text) == ({"exit_code": 3}, "out\n")


async def test_loading_replays_the_conversation(tmp_path: Path) -> None:
    script = {"turns": [{"steps": [{"say": "first"}]}, {"steps": [{"say": "second"}]}]}
    async with connected(tmp_path, script) as (_, agent):
        await agent.initialize(1)
        session = (await agent.new_session(str(tmp_path), mcp_servers=[])).session_id
        await agent.prompt(session, [acp.text_block("go")])
    async with connected(tmp_path, script) as (heard, agent):
        await agent.initialize(1)
        await agent.load_session(str(tmp_path), session, [])
        assert heard.texts() == [scripted_agent.NOTICE, "first"]
        await agent.prompt(session, [acp.text_block("on")])
        assert heard.texts()[2:] == [scripted_agent.NOTICE, "second"]
        with pytest.raises(acp.RequestError, match="Resource not found"):
            await agent.load_session(str(tmp_path), "f" * 32, [])


def test_a_turn_is_chosen_by_words_of_the_prompt_or_by_its_number() -> None:
    turns = [{"steps": [1]}, {"when": "fix", "steps": [2]}, {"steps": [3]}]
    chosen = [scripted_agent.choose(cast(Any, turns), *ask) for ask in [("a", 0), ("a", 1), ("a", 5), ("do fix", 0)]]
    assert cast(Any, chosen) == [[1], [3], [3], [2]]
    assert scripted_agent.choose([], "a", 0) == [{"say": "The script has no turn for this prompt."}]


async def test_it_says_what_it_is_when_the_script_says_nothing(world: World) -> None:
    world.turns([])
    assert (await world.turn()).outcome == TurnEnded(scripted_agent.NOTICE)


async def test_a_failing_command_ends_the_turn_only_if_it_must_pass(world: World) -> None:
    world.turns([{"run": "false"}, {"run": "echo no tests; false", "must": True}, {"say": "never"}])
    assert (await world.turn()).outcome == TurnEnded("`echo no tests; false` failed with exit code 1.\n\nno tests")


async def test_it_cannot_write_where_the_box_does_not_let_it(world: World) -> None:
    world.turns([{"write": {"path": "/usr/evil", "text": "x"}}, {"run": "touch /etc/evil", "must": True}])
    outcome = (await world.turn()).outcome
    assert isinstance(outcome, TurnEnded)
    assert "Read-only file system" in outcome.summary
