"""The scripted model server keeps its own convention, on every wire."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.worlds.model_server import ModelServer

SCHEMA = {"type": "object", "properties": {"file_path": {}, "content": {}}, "required": ["file_path"]}
SHELL = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
PROMPT = "MODEL[write a.txt hello ;; run cat a.txt ;; say All done.]"

WIRES: dict[str, tuple[str, dict[str, Any]]] = {
    "anthropic": (
        "/v1/messages",
        {
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [{"name": "Write", "input_schema": SCHEMA}, {"name": "Bash", "input_schema": SHELL}],
        },
    ),
    "chat": (
        "/v1/chat/completions",
        {
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [
                {"type": "function", "function": {"name": "write_file", "parameters": SCHEMA}},
                {"type": "function", "function": {"name": "shell", "parameters": SHELL}},
            ],
        },
    ),
    "responses": (
        "/v1/responses",
        {"input": PROMPT, "tools": [{"type": "function", "name": "shell", "parameters": SHELL}]},
    ),
    "gemini": (
        "/v1beta/models/m:generateContent",
        {
            "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
            "tools": [{"functionDeclarations": [{"name": "write_file", "parameters": SCHEMA}]}],
        },
    ),
}


@pytest.fixture(name="server")
def _server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.mark.parametrize("wire", WIRES)
def test_the_first_step_is_a_call_of_a_declared_tool_as_json_and_as_events(server: ModelServer, wire: str) -> None:
    path, body = WIRES[wire]
    whole = httpx.post(server.url + path, json=body, headers={"authorization": "Bearer k"})
    assert "a.txt" in whole.text
    assert server.requests[-1].key == "k"
    streamed = httpx.post(
        server.url + path.replace(":generateContent", ":streamGenerateContent"), json={**body, "stream": True}
    )
    assert streamed.headers["content-type"] == "text/event-stream"
    assert "a.txt" in streamed.text


def test_the_number_of_calls_picks_the_step(server: ModelServer) -> None:
    path, body = WIRES["anthropic"]
    call = {"role": "assistant", "content": [{"type": "tool_use", "name": "Write", "input": {}}]}
    second = httpx.post(server.url + path, json={**body, "messages": [*body["messages"], call]}).json()
    assert second["content"][0]["input"] == {"command": "cat a.txt"}
    third = httpx.post(server.url + path, json={**body, "messages": [*body["messages"], call, call]}).json()
    assert third["content"][0]["text"] == "All done."
    assert third["usage"]["input_tokens"] == 1000
    assert third["usage"]["cache_read_input_tokens"] == 200


def test_errors_have_the_shape_of_the_wire(server: ModelServer) -> None:
    body = {"messages": [{"role": "user", "content": "MODEL[error 429 slow down]"}]}
    answer = httpx.post(f"{server.url}/v1/messages", json=body)
    assert answer.status_code == 429
    assert answer.json()["error"] == {"type": "rate_limit_error", "message": "slow down"}


def test_a_chat_stream_tells_usage_only_when_asked(server: ModelServer) -> None:
    path, body = WIRES["chat"]
    silent = httpx.post(server.url + path, json={**body, "stream": True}).text
    asked = httpx.post(server.url + path, json={**body, "stream": True, "stream_options": {"include_usage": True}}).text
    assert "prompt_tokens" not in silent
    last = [line for line in asked.splitlines() if line.startswith("data: {")][-1]
    assert json.loads(last.removeprefix("data: "))["usage"]["prompt_tokens"] == 1200
