"""A scripted agent that speaks the Agent Client Protocol: it replays steps from a file, without a language model.

One file, standard library only: inside a sandbox it needs a Python interpreter and this file, and it starts in tens of
milliseconds. Wire format: JSON-RPC 2.0, one message a line, protocol version 1 (agentclientprotocol.com).

Usage: `python agent.py SCRIPT.json`, with
`{"load": true, "turns": [{"when": "part of the prompt", "steps": [{"say": "..."}, ...]}, ...]}`.
A turn is chosen by the first `when` that is found in the prompt; else, among the turns without `when`, by the number of
turns in the session so far (the last one repeats). `"load": false` makes an agent that cannot resume a session.

Steps (one verb each; paths are relative to the session's folder):
  say TEXT | plan [TEXT or {text, status}, ...] | think SECONDS
  write {path, text} | append {path, text} | replace {path, old, new} | delete PATH
  run COMMAND (with `"must": true` beside it, a failure ends the turn)
  permit TITLE or {title, path, kind, bare} (bare: the request carries only the id; a rejection ends the turn)
  ask TEXT | decline TEXT | answer TEXT (each ends the turn)
and faults, for tests: hang SECONDS | crash CODE | error TEXT | flood BYTES | spawn SECONDS (a child that leaves the
process group and ignores SIGTERM) | raw TEXT (a line on stdout that is no message of ours).

State: `$HOME/.scripted/<session>.json`, replaced atomically, so that a killed agent's session can be loaded again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

NOTICE = "This is a scripted demo agent: it replays prepared steps, without a language model."
OUTPUT_KEPT = 4000
INVALID_PARAMS, METHOD_NOT_FOUND, INTERNAL_ERROR, NOT_FOUND = -32602, -32601, -32603, -32002


class Fault(Exception):
    """What goes back to the client as a JSON-RPC error."""

    def __init__(self, code: int, message: str, details: str) -> None:
        super().__init__(message)
        self.reply = {"code": code, "message": message, "data": {"details": details}}


class Wire:
    """Messages out, and answers to our own requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[threading.Event, list[Any]]] = {}

    def line(self, text: str) -> None:
        data = (text + "\n").encode()
        with self._lock:
            while data:
                data = data[os.write(1, data) :]

    def send(self, **message: Any) -> None:
        self.line(json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")))

    def update(self, session: str, update: str, **fields: Any) -> None:
        self.send(method="session/update", params={"sessionId": session, "update": {"sessionUpdate": update, **fields}})

    def ask(self, method: str, params: Any, stop: threading.Event) -> Any:
        """The client's result; None when it answered with an error or the turn was cancelled."""
        key, answered, box = f"q{len(self._asked)}", threading.Event(), []  # type: ignore[var-annotated]
        self._asked[key] = (answered, box)
        self.send(id=key, method=method, params=params)
        while not answered.wait(0.05) and not stop.is_set():
            pass
        return box[0] if box else None

    def answered(self, message: dict[str, Any]) -> None:
        answered, box = self._asked.get(str(message.get("id")), (threading.Event(), []))
        box.append(message.get("result"))
        answered.set()


class Session:
    """What survives the process: folder, number of turns, and what was said."""

    def __init__(self, key: str, cwd: str) -> None:
        self.key, self.cwd, self.turns = key, cwd, 0
        self.history: list[list[str]] = []

    @staticmethod
    def path(key: str) -> str:
        return os.path.join(os.environ["HOME"], ".scripted", key + ".json")

    @classmethod
    def load(cls, key: str, cwd: str) -> Session:
        if not re.fullmatch("[0-9a-f]{32}", key) or not os.path.exists(cls.path(key)):
            raise Fault(NOT_FOUND, "Resource not found", f"no session {key}")
        with open(cls.path(key), encoding="utf-8") as file:
            stored = json.load(file)
        session = cls(key, cwd)
        session.turns, session.history = stored["turns"], stored["history"]
        return session

    def save(self) -> None:
        path = self.path(self.key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"cwd": self.cwd, "turns": self.turns, "history": self.history}, file)
        os.replace(path + ".new", path)

    def said(self, who: str, text: str) -> None:
        self.history.append([who, text])
        self.save()


class Turn:
    """One prompt being played."""

    def __init__(self, wire: Wire, session: Session) -> None:
        self.wire, self.session = wire, session
        self.stop = threading.Event()
        self.calls = 0

    def play(self, steps: list[dict[str, Any]]) -> str:
        """Do the steps in order; the stop reason of the turn."""
        self.say(NOTICE)
        for step in steps:
            verb = next(iter(step))
            do = getattr(self, "step_" + verb, None)
            if do is None:
                raise Fault(INTERNAL_ERROR, "Internal error", f"the script has an unknown step: {verb}")
            if self.stop.is_set() or do(step[verb], step) is False:
                break
        return "cancelled" if self.stop.is_set() else "end_turn"

    def update(self, update: str, **fields: Any) -> None:
        self.wire.update(self.session.key, update, **fields)

    def call(self, title: str, kind: str, **fields: Any) -> str:
        """Announce a tool call; its id."""
        self.calls += 1
        key = f"call-{self.session.turns}-{self.calls}"
        self.update("tool_call", toolCallId=key, title=title, kind=kind, status="in_progress", **fields)
        return key

    def ended(self, key: str, ok: bool, **fields: Any) -> None:
        self.update("tool_call_update", toolCallId=key, status="completed" if ok else "failed", **fields)

    def step_say(self, text: str, step: Any) -> None:
        self.say(text)

    def step_reply(self, text: str, step: Any) -> None:
        """Say `text`, and answer every place of the prompt that has a number with the step's `threads`."""
        prompt = next((said for who, said in reversed(self.session.history) if who == "user"), "")
        places = re.findall(r"^\[(\d+)\] At ", prompt, re.MULTILINE)
        self.say("\n".join([text, "", *(f"[{place}] {step['threads']}" for place in places)]))

    def say(self, text: str) -> None:
        message = f"message-{len(self.session.history)}"
        self.session.said("agent", text)
        self.update("agent_message_chunk", content=block(text), messageId=message)

    def step_plan(self, entries: list[Any], step: Any) -> None:
        told = [
            entry if isinstance(entry, dict) else {"text": entry, "status": "pending" if place else "in_progress"}
            for place, entry in enumerate(entries)
        ]
        self.update(
            "plan",
            entries=[{"content": e["text"], "status": e.get("status", "pending"), "priority": "medium"} for e in told],
        )

    def step_write(self, value: dict[str, str], step: Any) -> None:
        self._edit("Write", value["path"], lambda old: value["text"])

    def step_append(self, value: dict[str, str], step: Any) -> None:
        self._edit("Append to", value["path"], lambda old: old + value["text"])

    def step_replace(self, value: dict[str, str], step: Any) -> None:
        def swap(old: str) -> str:
            if value["old"] not in old:
                raise ValueError(f"{value['path']} does not contain the text to be replaced")
            return old.replace(value["old"], value["new"])

        self._edit("Edit", value["path"], swap)

    def _edit(self, verb: str, name: str, change: Any) -> None:
        path = os.path.join(self.session.cwd, name)
        key = self.call(f"{verb} {name}", "edit", locations=[{"path": path}])
        try:
            old = read(path)
            new = change(old or "")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(new)
        except (OSError, ValueError) as problem:
            self.ended(key, False, content=[{"type": "content", "content": block(str(problem))}])
            return
        self.ended(key, True, content=[{"type": "diff", "path": path, "oldText": old, "newText": new}])

    def step_delete(self, name: str, step: Any) -> None:
        path = os.path.join(self.session.cwd, name)
        key = self.call(f"Delete {name}", "delete", locations=[{"path": path}])
        try:
            os.remove(path)
        except OSError as problem:
            self.ended(key, False, content=[{"type": "content", "content": block(str(problem))}])
            return
        self.ended(key, True)

    def step_run(self, command: str, step: dict[str, Any]) -> bool:
        key = self.call(command, "execute", rawInput={"command": command})
        child = subprocess.Popen(  # noqa: S602 - running shell commands is what an agent does; the sandbox holds
            command,
            shell=True,
            cwd=self.session.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output, code = self._follow(child)
        content = [{"type": "content", "content": block(output)}]
        self.ended(key, code == 0, content=content, rawOutput={"exit_code": code})
        if code == 0 or not step.get("must"):
            return True
        self.say(f"`{command}` failed with exit code {code}.\n\n{output}")
        return False

    def _follow(self, child: subprocess.Popen[bytes]) -> tuple[str, int]:
        """The end of the output, and the exit code; a grandchild that keeps the pipe open is not waited for."""
        kept = b""
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        with child.stdout as pipe:
            while not self.stop.is_set():
                if not select.select([pipe], [], [], 0.05)[0]:
                    if child.poll() is not None:
                        break
                    continue
                data = os.read(pipe.fileno(), 65536)
                if not data:
                    break
                kept = (kept + data)[-OUTPUT_KEPT:]
        if self.stop.is_set():
            kill_group(child)
        code = child.wait()
        return kept.decode("utf-8", "replace"), code

    def step_think(self, seconds: float, step: Any) -> None:
        end = time.monotonic() + seconds
        key = self.call("Thinking (a pause of the script)", "think")
        while time.monotonic() < end and not self.stop.wait(min(0.2, max(0.0, end - time.monotonic()))):
            left = max(0.0, end - time.monotonic())
            self.update(
                "tool_call_update", toolCallId=key, title=f"Thinking (a pause of the script, {left:.1f} s left)"
            )
        self.ended(key, True)

    def step_permit(self, value: Any, step: Any) -> bool:
        wish = value if isinstance(value, dict) else {"title": value}
        places = [{"path": wish["path"]}] if "path" in wish else []
        key = self.call(wish["title"], wish.get("kind", "other"), locations=places)
        options = [{"optionId": kind, "name": kind, "kind": kind} for kind in ("allow_once", "reject_once")]
        call = {"toolCallId": key} if wish.get("bare") else {"toolCallId": key, "title": wish["title"]}
        params = {"sessionId": self.session.key, "toolCall": call, "options": options}
        result = self.wire.ask("session/request_permission", params, self.stop)
        outcome = (result or {}).get("outcome", {})
        allowed = bool(outcome.get("optionId") == "allow_once")
        self.ended(key, allowed)
        self.say(f"{'Allowed' if allowed else 'Not allowed'}: {wish['title']}")
        return allowed

    def step_ask(self, text: str, step: Any) -> bool:
        self.say(f"QUESTION: {text}")
        return False

    def step_decline(self, text: str, step: Any) -> bool:
        self.say(f"DECLINED: {text}")
        return False

    def step_answer(self, text: str, step: Any) -> bool:
        self.say(f"ANSWER: {text}")
        return False

    def step_hang(self, seconds: float, step: Any) -> None:
        self.stop.wait(seconds)

    def step_crash(self, code: int, step: Any) -> None:
        os.write(2, f"scripted agent: crash with exit code {code}\n".encode())
        os._exit(code)

    def step_error(self, text: str, step: Any) -> None:
        raise Fault(INTERNAL_ERROR, "Internal error", text)

    def step_flood(self, size: int, step: Any) -> None:
        for _ in range(0, size, 32768):
            if self.stop.is_set():
                return
            self.update("agent_message_chunk", content=block("x" * 32768))

    def step_spawn(self, seconds: float, step: Any) -> None:
        command = f"trap '' TERM HUP INT; exec sleep {seconds}"
        quiet = subprocess.DEVNULL
        subprocess.Popen(["/bin/sh", "-c", command], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)

    def step_raw(self, text: str, step: Any) -> None:
        self.wire.line(text)


class Agent:
    """The methods a client may call."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.script, self.wire = script, Wire()
        self.sessions: dict[str, Session] = {}
        self.turn: Turn | None = None
        self.player = threading.Thread()

    def initialize(self, params: dict[str, Any]) -> Any:
        return {
            "protocolVersion": 1,
            "agentCapabilities": {"loadSession": bool(self.script.get("load", True))},
            "agentInfo": {
                "name": "scripted-demo",
                "title": "Scripted demo agent (replays prepared steps, no language model)",
                "version": "1",
            },
            "authMethods": [],
        }

    def new(self, params: dict[str, Any]) -> Any:
        session = Session(os.urandom(16).hex(), params["cwd"])
        session.save()
        self.sessions[session.key] = session
        return {"sessionId": session.key}

    def load(self, params: dict[str, Any]) -> Any:
        session = Session.load(params["sessionId"], params["cwd"])
        self.sessions[session.key] = session
        for who, text in session.history:
            self.wire.update(
                session.key, "user_message_chunk" if who == "user" else "agent_message_chunk", content=block(text)
            )
        return {}

    def prompt(self, request: Any, params: dict[str, Any]) -> None:
        """Play the turn on a thread of its own, so that a cancel is heard meanwhile."""
        session = self.sessions.get(params["sessionId"])
        if session is None or self.turn is not None:
            raise Fault(INVALID_PARAMS, "Invalid params", "no such session, or a turn is being played")
        text = "".join(part.get("text", "") for part in params["prompt"])
        steps = choose(self.script["turns"], text, session.turns)
        session.turns += 1
        session.said("user", text)
        self.turn = Turn(self.wire, session)
        self.player = threading.Thread(target=self._play, args=(request, self.turn, steps), daemon=True)
        self.player.start()

    def _play(self, request: Any, turn: Turn, steps: list[dict[str, Any]]) -> None:
        try:
            reply: dict[str, Any] = {"result": {"stopReason": turn.play(steps)}}
        except Fault as fault:
            reply = {"error": fault.reply}
        except Exception as problem:
            reply = {"error": Fault(INTERNAL_ERROR, "Internal error", repr(problem)).reply}
        self.turn = None
        self.wire.send(id=request, **reply)

    def stop(self) -> None:
        """End the turn that is being played, if any, with its command."""
        if turn := self.turn:
            turn.stop.set()
            self.player.join(1)

    def handle(self, message: dict[str, Any]) -> None:
        method, request, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method is None:
            self.wire.answered(message)
        elif method == "session/cancel":
            if self.turn is not None:
                self.turn.stop.set()
        elif request is not None:
            try:
                self._answer(method, request, params)
            except Fault as fault:
                self.wire.send(id=request, error=fault.reply)

    def _answer(self, method: str, request: Any, params: dict[str, Any]) -> None:
        if method == "session/prompt":
            self.prompt(request, params)
            return
        known = {"initialize": self.initialize, "session/new": self.new, "session/load": self.load}
        if method not in known:
            raise Fault(METHOD_NOT_FOUND, "Method not found", method)
        self.wire.send(id=request, result=known[method](params))


def choose(turns: list[dict[str, Any]], prompt: str, played: int) -> list[dict[str, Any]]:
    """The steps for this prompt, after `played` earlier turns of the session."""
    for turn in turns:
        if turn.get("when") and turn["when"] in prompt:
            return list(turn["steps"])
    plain = [turn for turn in turns if not turn.get("when")]
    return (
        list(plain[min(played, len(plain) - 1)]["steps"])
        if plain
        else [{"say": "The script has no turn for this prompt."}]
    )


def block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def read(path: str) -> str | None:
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        agent = Agent(json.load(file))
    for line in sys.stdin.buffer:
        if line.strip():
            agent.handle(json.loads(line))
    agent.stop()


if __name__ == "__main__":
    main(sys.argv[1])
