"""What the scripted model server answers: the convention, and calls of whatever tools an agent declares. See SCRIPT.

The convention
--------------
Some text of a user holds `MODEL[step ;; step ;; …]` on one line. The last such text picks the script, and the number of
tool calls that the model made after it picks the step: nothing is remembered between two requests, so that retries,
loaded sessions and parallel tasks need no care. A script that is over answers with text.

| step | answer |
|---|---|
| `plan FIRST, SECOND` | a call of the agent's plan tool; skipped when it declares none |
| `write PATH TEXT` | writes a file with one line (a relative path lies in `/task`) |
| `run COMMAND` | a shell command |
| `ask QUESTION` | a call of its question tool; skipped when it declares none |
| `call NAME {"json": …}` | a call of just this tool with just these arguments |
| `say TEXT` | text, which ends the turn; later steps follow only in a later turn that repeats the script |
| `error STATUS TEXT` | this HTTP status in the shape of the wire, every time |
| `cut` | a stream that breaks off in the middle |
| `hang SECONDS` | the head of a stream, then nothing for so long |
| `echo` | text with the key that came with the request |

A request that declares no tools, of a script that still has calls to make (titles, summaries), gets "scripted".
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCRIPT = re.compile(r"MODEL\[(.*)\]")
FOLDER = "/task"

_WRITE = (
    *("Write", "write", "write_file", "create", "write_to_file", "create_file"),
    *("file_editor", "str_replace_editor", "editor"),
)
_RUN = (
    *("Bash", "bash", "shell_command", "exec_command", "run_shell_command", "shell", "local_shell"),
    *("execute_command", "run_commands", "terminal", "execute_bash", "run_command"),
)
_PLAN = (
    *("TodoWrite", "TaskCreate", "todowrite", "update_plan", "write_todos", "todo_write", "todo"),
    *("task_tracker", "update_todo"),
)
_ASK = ("AskUserQuestion", "question", "ask_user", "ask_user_question", "request_user_input", "ask_question")
_END = ("finish", "attempt_completion", "submit_and_exit", "complete_goal")
_PATH_NAMES = ("file_path", "filePath", "absolute_path", "path", "filename", "target_file")
_TEXT_NAMES = ("content", "file_text", "new_text", "text", "contents", "new_str")
_COMMAND_NAMES = ("command", "cmd", "commands", "script")


@dataclass(frozen=True)
class Tool:
    """A tool that the agent declares. `free`: it takes text instead of JSON (a custom tool of the Responses API)."""

    schema: Mapping[str, Any] = field(default_factory=dict)
    free: bool = False

    @property
    def names(self) -> Mapping[str, Any]:
        return self.schema.get("properties") or {}


Tools = Mapping[str, Tool]


@dataclass(frozen=True)
class Say:
    """Text."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call of a tool; `arguments` is text for a tool that takes such."""

    name: str
    arguments: Any


@dataclass(frozen=True)
class Fail:
    """An HTTP error."""

    status: int
    text: str


@dataclass(frozen=True)
class Stall:
    """A stream that begins and goes silent, then breaks off."""

    seconds: float


@dataclass(frozen=True)
class Echo:
    """The key that came along."""


Answer = Say | Call | Fail | Stall | Echo


@dataclass(frozen=True)
class Asked:
    """A request, the same for every wire: the last scripted text, the calls made after it, the tools."""

    text: str
    calls: int
    tools: Tools


def answer(asked: Asked) -> Answer:
    """What the script says is next."""
    scripts = SCRIPT.findall(asked.text)
    if not scripts:
        return Say("There is no script in this conversation.")
    steps = [step.strip() for step in scripts[-1].split(";;") if step.strip()]
    left = asked.calls
    for step in steps:
        verb, _, rest = step.partition(" ")
        made = _call(verb, rest, asked.tools) if verb in ("plan", "write", "run", "ask", "call") else _other(verb, rest)
        if isinstance(made, Call) and left > 0:
            left -= 1
        elif made is not None:
            return made if asked.tools or not isinstance(made, Call) else Say("scripted")
    end = _first(asked.tools, _END)
    if end and left <= 0:
        return Call(end, _fill(asked.tools[end], {"message": "Done.", "result": "Done."}))
    return Say("Done.")


def _other(verb: str, rest: str) -> Answer:
    match verb:
        case "say":
            return Say(rest)
        case "error":
            status, _, text = rest.partition(" ")
            return Fail(int(status), text or "scripted failure")
        case "cut":
            return Stall(0)
        case "hang":
            return Stall(float(rest or 60))
        case "echo":
            return Echo()
        case _:
            return Fail(418, f"the script has an unknown step: {verb}")


def _call(verb: str, rest: str, tools: Tools) -> Call | None:
    first, _, text = rest.partition(" ")
    match verb:
        case "call":
            return Call(first, json.loads(text or "{}"))
        case "write":
            return _write(tools, first if first.startswith("/") else f"{FOLDER}/{first}", text)
        case "run":
            return _run(tools, rest)
        case "plan":
            return _plan(tools, [item.strip() for item in rest.split(",") if item.strip()] or ["do it"])
        case _:
            return _ask(tools, rest or "Which colour?")


def _write(tools: Tools, path: str, text: str) -> Call:
    if name := _first(tools, _WRITE):
        tool = tools[name]
        known = {
            _first(tool.names, _PATH_NAMES) or "path": path,
            _first(tool.names, _TEXT_NAMES) or "content": text + "\n",
            "overwrite": True,
        }
        return Call(name, _fill(tool, known | ({"command": "create"} if "command" in tool.names else {})))
    if "apply_patch" in tools:
        tool, patch = tools["apply_patch"], f"*** Begin Patch\n*** Add File: {path}\n+{text}\n*** End Patch"
        known = dict.fromkeys(("input", "patch", "patchText"), patch)
        return Call("apply_patch", patch if tool.free else _fill(tool, known))
    return _run(tools, f"printf '%s\\n' '{text}' > '{path}'")


def _run(tools: Tools, command: str) -> Call:
    name = _first(tools, _RUN) or "Bash"
    tool = tools.get(name, Tool())
    word = _first(tool.names, _COMMAND_NAMES) or "command"
    kind = tool.names.get(word, {})
    many = kind.get("type") == "array" or any(one.get("type") == "array" for one in kind.get("anyOf", ()))
    value: Any = ([command] if word == "commands" else ["bash", "-lc", command]) if many else command
    return Call(name, _fill(tool, {word: value, "description": "scripted"}))


def _plan(tools: Tools, items: Sequence[str]) -> Call | None:
    name = _first(tools, _PLAN)
    if name is None:
        return None
    tool, known = tools[name], {"subject": items[0], "title": items[0], "description": items[0]}
    every = [_item(text, position) for position, text in enumerate(items)]
    listed: dict[str, Any] = {}
    for word, kind in tool.names.items():
        if kind.get("type") == "array":
            wanted = kind.get("items", {}).get("properties") or {}
            listed[word] = [
                {key: value for key, value in item.items() if not wanted or key in wanted} for item in every
            ]
        elif word == "todos":
            listed[word] = "\n".join(f"- [ ] {text}" for text in items)
        elif word in ("command", "action"):
            listed[word] = "plan" if "plan" in kind.get("enum", ()) else "write"
    return Call(name, _fill(tool, known | listed))


def _item(text: str, position: int) -> dict[str, str]:
    words = dict.fromkeys(("content", "activeForm", "description", "title", "step"), text)
    status = "pending" if position else "in_progress"
    return {**words, "status": status, "id": str(position), "priority": "medium", "notes": ""}


def _ask(tools: Tools, question: str) -> Call | None:
    name = _first(tools, _ASK)
    if name is None:
        return None
    tool, choices = tools[name], ["red", "blue"]
    options = [{"label": choice, "description": choice} for choice in choices]
    one = {"question": question, "header": "Choice", "id": "q1", "options": options, "multiSelect": False}
    one |= {"multiple": False, "type": "choice"}
    wanted = tool.names.get("questions", {}).get("items", {}).get("properties") or one
    known = {"question": question, "choices": choices, "options": choices}
    return Call(name, _fill(tool, known | {"questions": [{key: one[key] for key in one if key in wanted}]}))


_EMPTY: dict[str, Any] = {"boolean": False, "integer": 30, "number": 30, "array": [], "object": {}}


def _fill(tool: Tool, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known and wanted, and something for everything else that the schema requires."""
    made = {word: value for word, value in known.items() if word in tool.names or not tool.names}
    for word in tool.schema.get("required", ()):
        kind = tool.names.get(word, {})
        plain = kind.get("type", "string")
        plain = plain[0] if isinstance(plain, list) else plain
        made.setdefault(word, kind["enum"][0] if kind.get("enum") else _EMPTY.get(str(plain).lower(), "scripted"))
    return made


def structured(schema: Mapping[str, Any]) -> str:
    """JSON that satisfies a schema, for agents that ask for such."""
    return json.dumps(_fill(Tool(schema), {}))


def _first(words: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in words), None)
