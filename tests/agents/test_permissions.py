"""What an agent may do without asking further: everything inside the worktree, once."""

import pytest
from acp import schema

from bot.agents.permissions import decide
from bot.agents.toolcalls import ToolCall, ToolCalls, inside

OPTIONS = [
    schema.PermissionOption(option_id=kind, name=kind, kind=kind)
    for kind in ("allow_always", "allow_once", "reject_always", "reject_once")
]


def chosen(call: ToolCall, options: list[schema.PermissionOption] = OPTIONS) -> str | None:
    outcome = decide(call, options, "/task").outcome
    return outcome.option_id if isinstance(outcome, schema.AllowedOutcome) else None


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("/task/a/b.py", "a/b.py"),
        ("a/b.py", "a/b.py"),
        ("/task", "."),
        ("file:///task/a%20b", "a b"),
        ("/task/../etc/passwd", None),
        ("../secret", None),
        ("/tasks/a", None),
        ("/etc/passwd", None),
        ("file:///etc/passwd", None),
        ("~/.ssh/id", None),
    ],
)
def test_inside_is_judged_after_normalising(path: str, relative: str | None) -> None:
    assert inside(path, "/task") == relative


def test_inside_is_allowed_once_and_outside_rejected() -> None:
    assert chosen(ToolCall(paths={"/task/a"})) == "allow_once"
    assert chosen(ToolCall(kind="execute")) == "allow_once"
    assert chosen(ToolCall(paths={"/task/a", "/etc/b"})) == "reject_once"


def test_without_a_matching_option_the_request_is_cancelled() -> None:
    always = [option for option in OPTIONS if option.kind.endswith("always")]
    assert chosen(ToolCall(paths={"/task/a"}), always) is None
    assert chosen(ToolCall(paths={"/etc/a"}), always) == "reject_always"
    assert chosen(ToolCall(paths={"/etc/a"}), []) is None


@pytest.mark.parametrize("kind", ["edit", "delete", "move"])
def test_an_edit_that_names_no_path_is_rejected(kind: str) -> None:
    assert chosen(ToolCall(title="Change something", kind=kind)) == "reject_once"
    assert chosen(ToolCall(title="Change something", kind=kind, paths={"/task/a"})) == "allow_once"


def test_a_call_of_which_nothing_is_known_is_rejected() -> None:
    assert chosen(ToolCall()) == "reject_once"
    assert chosen(ToolCall(title="List the files")) == "allow_once"


@pytest.mark.parametrize(
    "raw",
    [
        {"file_path": "/etc/x"},
        {"filePath": "/etc/x"},
        {"absolute_path": "/etc/x"},
        {"edits": [{"target_file": "/etc/x"}]},
        {"paths": ["a", "/etc/x"]},
    ],
)
def test_paths_in_raw_input_count(raw: dict[str, object]) -> None:
    calls = ToolCalls()
    calls.told(schema.ToolCallStart(session_update="tool_call", tool_call_id="1", title="Write", raw_input=raw))
    assert chosen(calls.told(schema.ToolCallUpdate(tool_call_id="1"))) == "reject_once"


def test_a_path_cannot_be_taken_back() -> None:
    calls = ToolCalls()
    for path in ("/etc/x", "/task/x"):
        place = schema.ToolCallLocation(path=path)
        calls.told(schema.ToolCallProgress(session_update="tool_call_update", tool_call_id="1", locations=[place]))
    assert chosen(calls.told(schema.ToolCallUpdate(tool_call_id="1", title="Write x"))) == "reject_once"


def test_a_text_that_is_no_path_does_not_count() -> None:
    calls = ToolCalls()
    raw = {"command": "cat /etc/passwd", "content": "/etc/x"}
    call = calls.told(schema.ToolCallStart(session_update="tool_call", tool_call_id="1", title="Run", raw_input=raw))
    assert call.paths == set()
