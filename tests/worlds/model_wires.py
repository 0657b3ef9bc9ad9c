"""The four wires of the scripted model server: what a request asks, and how an answer looks, as JSON or as events."""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.worlds.model_script import SCRIPT, Asked, Call, Fail, Say, Tool, structured

Json = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Tokens that each answer claims to have used; `cached` of the input came from a cache."""

    input: int = 1200
    output: int = 50
    cached: int = 200


def text_of(content: Any) -> str:
    """The text of a message, whichever way it is written."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def named() -> str:
    return uuid.uuid4().hex[:20]


class Wire(ABC):
    """One vendor's protocol."""

    event_names = False
    """Events carry their type as a name, too."""
    done = False
    """A stream ends with `[DONE]`."""

    @abstractmethod
    def asked(self, body: Json) -> Asked: ...

    @abstractmethod
    def whole(self, said: Say | Call, body: Json, usage: Usage) -> Json: ...

    @abstractmethod
    def events(self, said: Say | Call, body: Json, usage: Usage) -> list[Json]: ...

    @abstractmethod
    def error(self, failed: Fail) -> Json: ...

    @abstractmethod
    def streams(self, path: str, body: Json) -> bool: ...


class _Reading:
    """Finds the last scripted text and counts the calls after it."""

    def __init__(self) -> None:
        self.text, self.calls = "", 0

    def user(self, text: str) -> None:
        if SCRIPT.search(text):
            self.text, self.calls = text, 0

    def asked(self, tools: Mapping[str, Tool]) -> Asked:
        return Asked(self.text, self.calls, tools)


class Anthropic(Wire):
    """Messages."""

    event_names = True

    def asked(self, body: Json) -> Asked:
        reading = _Reading()
        for message in body.get("messages", ()):
            content = message["content"]
            if message["role"] == "user":
                reading.user(text_of(content))
            elif isinstance(content, list):
                reading.calls += sum(part.get("type") == "tool_use" for part in content)
        tools = [tool for tool in body.get("tools") or () if "name" in tool]
        return reading.asked({tool["name"]: Tool(tool.get("input_schema") or {}) for tool in tools})

    def whole(self, said: Say | Call, body: Json, usage: Usage) -> Json:
        return self._message(body, [self._block(said)], self._stop(said), usage, usage.output)

    def events(self, said: Say | Call, body: Json, usage: Usage) -> list[Json]:
        block = self._block(said)
        if isinstance(said, Say):
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": said.text}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(said.arguments)}
        return [
            {"type": "message_start", "message": self._message(body, [], None, usage, 1)},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "ping"},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": self._stop(said), "stop_sequence": None},
                "usage": {"output_tokens": usage.output},
            },
            {"type": "message_stop"},
        ]

    def error(self, failed: Fail) -> Json:
        kinds = {
            400: "invalid_request_error",
            401: "authentication_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }
        return {"type": "error", "error": {"type": kinds.get(failed.status, "api_error"), "message": failed.text}}

    def streams(self, path: str, body: Json) -> bool:
        return bool(body.get("stream"))

    def _block(self, said: Say | Call) -> Json:
        if isinstance(said, Say):
            return {"type": "text", "text": said.text}
        return {"type": "tool_use", "id": f"toolu_{named()}", "name": said.name, "input": said.arguments}

    def _stop(self, said: Say | Call) -> str:
        return "end_turn" if isinstance(said, Say) else "tool_use"

    def _message(self, body: Json, content: list[Json], stop: str | None, usage: Usage, output: int) -> Json:
        """Input tokens are told without the cached ones on this wire."""
        used = {
            "input_tokens": usage.input - usage.cached,
            "output_tokens": output,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": usage.cached,
        }
        head = {"id": f"msg_{named()}", "type": "message", "role": "assistant", "model": body.get("model")}
        return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": used}


class Chat(Wire):
    """Chat completions, as OpenAI, Mistral and many others speak them."""

    done = True

    def asked(self, body: Json) -> Asked:
        reading = _Reading()
        for message in body.get("messages", ()):
            if message["role"] == "user":
                reading.user(text_of(message.get("content")))
            elif message["role"] == "assistant":
                reading.calls += len(message.get("tool_calls") or ())
        functions = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
        return reading.asked({one["name"]: Tool(one.get("parameters") or {}) for one in functions})

    def whole(self, said: Say | Call, body: Json, usage: Usage) -> Json:
        choice = {"index": 0, "message": self._message(said), "finish_reason": self._stop(said)}
        return {**self._head(body, ""), "choices": [choice], "usage": self._usage(usage)}

    def events(self, said: Say | Call, body: Json, usage: Usage) -> list[Json]:
        head, delta = self._head(body, ".chunk"), self._message(said)
        if "tool_calls" in delta:
            delta["tool_calls"] = [{**delta["tool_calls"][0], "index": 0}]
        chunks: list[Json] = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": self._stop(said)}]},
        ]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append({**head, "choices": [], "usage": self._usage(usage)})
        return chunks

    def error(self, failed: Fail) -> Json:
        return {"error": {"message": failed.text, "type": "server_error", "param": None, "code": None}}

    def streams(self, path: str, body: Json) -> bool:
        return bool(body.get("stream"))

    def _head(self, body: Json, kind: str) -> Json:
        named_as = {"id": f"chatcmpl-{named()}", "created": 1, "model": body.get("model")}
        return {**named_as, "object": f"chat.completion{kind}"}

    def _message(self, said: Say | Call) -> Json:
        if isinstance(said, Say):
            return {"role": "assistant", "content": said.text}
        function = {"name": said.name, "arguments": json.dumps(said.arguments)}
        call = {"id": f"call_{named()}", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def _stop(self, said: Say | Call) -> str:
        return "stop" if isinstance(said, Say) else "tool_calls"

    def _usage(self, usage: Usage) -> Json:
        return {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        }


class Responses(Wire):
    """OpenAI's Responses."""

    event_names = True

    def asked(self, body: Json) -> Asked:
        reading, items = _Reading(), body.get("input", [])
        for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
            kind = item.get("type", "message")
            if kind == "message" and item.get("role") == "user":
                reading.user(text_of(item.get("content")))
            reading.calls += kind in ("function_call", "custom_tool_call", "local_shell_call")
        tools = {
            tool["name"]: Tool(tool.get("parameters") or {}, free=tool["type"] == "custom")
            for tool in body.get("tools") or ()
            if tool.get("type") in ("function", "custom")
        }
        return reading.asked(tools)

    def whole(self, said: Say | Call, body: Json, usage: Usage) -> Json:
        return self._response(body, [self._item(said)], self._usage(usage))

    def events(self, said: Say | Call, body: Json, usage: Usage) -> list[Json]:
        item, rest = self._item(said), []
        at = {"item_id": item["id"], "output_index": 0}
        begun: Json = {**item, "status": "in_progress"}
        if isinstance(said, Say):
            begun["content"] = []
            part, text = {**at, "content_index": 0}, said.text
            rest = [
                {
                    **part,
                    "type": "response.content_part.added",
                    "part": {"type": "output_text", "text": "", "annotations": []},
                },
                {**part, "type": "response.output_text.delta", "delta": text},
                {**part, "type": "response.output_text.done", "text": text},
            ]
        elif item["type"] == "function_call":
            begun["arguments"] = ""
            rest = [
                {**at, "type": "response.function_call_arguments.delta", "delta": item["arguments"]},
                {**at, "type": "response.function_call_arguments.done", "arguments": item["arguments"]},
            ]
        whole = self._response(body, [item], self._usage(usage))
        events: list[Json] = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            *rest,
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        return [{**event, "sequence_number": number} for number, event in enumerate(events)]

    def error(self, failed: Fail) -> Json:
        return Chat().error(failed)

    def streams(self, path: str, body: Json) -> bool:
        return bool(body.get("stream"))

    def _item(self, said: Say | Call) -> Json:
        if isinstance(said, Say):
            part = {"type": "output_text", "text": said.text, "annotations": []}
            words = {"type": "message", "id": f"msg_{named()}", "role": "assistant", "content": [part]}
        else:
            free = isinstance(said.arguments, str)
            kind, prefix = ("custom_tool_call", "ctc") if free else ("function_call", "fc")
            words = {"type": kind, "id": f"{prefix}_{named()}", "call_id": f"call_{named()}", "name": said.name}
            words |= {"input": said.arguments} if free else {"arguments": json.dumps(said.arguments)}
        return {**words, "status": "completed"}

    def _response(self, body: Json, output: list[Json], usage: Json) -> Json:
        empty = dict.fromkeys(("error", "incomplete_details", "instructions"))
        head = {"id": f"resp_{named()}", "object": "response", "created_at": 1, "status": "completed", **empty}
        rest = {"parallel_tool_calls": False, "tools": [], "tool_choice": "auto", "metadata": {}}
        return {**head, **rest, "model": body.get("model"), "output": output, "usage": usage}

    def _usage(self, usage: Usage) -> Json:
        return {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.input + usage.output,
        }


class Gemini(Wire):
    """generateContent and streamGenerateContent."""

    def asked(self, body: Json) -> Asked:
        reading = _Reading()
        for content in [content for content in body.get("contents", ()) if isinstance(content, dict)]:
            parts = content.get("parts", ())
            if content.get("role", "user") == "user":
                reading.user(text_of(parts))
            else:
                reading.calls += sum("functionCall" in part for part in parts)
        tools = [tool for tool in body.get("tools") or () if isinstance(tool, dict)]
        functions = [one for tool in tools for one in tool.get("functionDeclarations", ())]
        return reading.asked(
            {one["name"]: Tool(one.get("parametersJsonSchema") or one.get("parameters") or {}) for one in functions}
        )

    def whole(self, said: Say | Call, body: Json, usage: Usage) -> Json:
        config = body.get("generationConfig") or {}
        part: Json
        if isinstance(said, Call):
            part = {"functionCall": {"name": said.name, "args": said.arguments}, "thoughtSignature": "c2NyaXB0ZWQ="}
        elif "json" in str(config.get("responseMimeType", "")):
            part = {"text": structured(config.get("responseJsonSchema") or config.get("responseSchema") or {})}
        else:
            part = {"text": said.text}
        used = {
            "promptTokenCount": usage.input,
            "cachedContentTokenCount": usage.cached,
            "candidatesTokenCount": usage.output,
            "totalTokenCount": usage.input + usage.output,
        }
        candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
        return {"candidates": [candidate], "usageMetadata": used, "modelVersion": "scripted", "responseId": named()}

    def events(self, said: Say | Call, body: Json, usage: Usage) -> list[Json]:
        return [self.whole(said, body, usage)]

    def error(self, failed: Fail) -> Json:
        return {"error": {"code": failed.status, "message": failed.text, "status": "INTERNAL"}}

    def streams(self, path: str, body: Json) -> bool:
        return path.endswith(":streamGenerateContent")


def wire_of(path: str) -> Wire | None:
    """The protocol that a path belongs to."""
    ends: tuple[tuple[tuple[str, ...], Wire], ...] = (
        (("/messages",), Anthropic()),
        (("/chat/completions",), Chat()),
        (("/responses",), Responses()),
        ((":generateContent", ":streamGenerateContent"), Gemini()),
    )
    return next((wire for suffixes, wire in ends if path.endswith(suffixes)), None)
