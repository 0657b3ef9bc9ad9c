"""OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses)."""

from collections.abc import Iterator, Mapping

from bot.sandbox.egress.features import (
    CODE,
    FILES,
    STORED,
    URLS,
    Json,
    Wanted,
    count,
    dicts,
    family,
    unknown_fields,
    words,
)
from bot.sandbox.egress.openai_chat import OpenAIChat
from bot.sandbox.egress.wire import UNBOUNDED_OUTPUT, Count, Operation, bounded
from bot.task.usage import Tokens

_FIELDS = words(
    """
    model input instructions tools tool_choice parallel_tool_calls reasoning store stream stream_options include
    prompt_cache_key prompt_cache_retention text temperature top_p max_output_tokens max_tool_calls metadata
    safety_identifier service_tier top_logprobs truncation user client_metadata context_management verbosity
    """
)
_STORED = frozenset(("background", "previous_response_id", "conversation", "prompt"))
_TOOLS = frozenset(("function", "custom", "local_shell", "apply_patch", "tool_search"))
"""Run by the agent itself."""
_ITEMS = words(
    """
    message function_call function_call_output custom_tool_call custom_tool_call_output reasoning
    local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call compaction
    apply_patch_call_output tool_search_call tool_search_output web_search_call compaction_summary
    """
)
_TEXTS = words(
    """
    input_text output_text text refusal summary_text reasoning_text input_audio
    """
)
_INCLUDES = frozenset(("reasoning.encrypted_content", "message.output_text.logprobs"))


class OpenAIResponses(OpenAIChat):
    """Implements `Wire`; keys, errors and lists are those of the chat."""

    def operation(self, path: str, query: str) -> Operation | None:
        return Operation(path) if path == "/responses" else None

    def wanted(self, body: Json, sent: Mapping[str, str]) -> Iterator[Wanted]:
        for name in sorted(_STORED & body.keys()):
            if body[name]:
                yield Wanted(STORED, f"field {name}")
        if body.get("store"):
            yield Wanted(STORED, "field store")
        yield from unknown_fields({name: 0 for name in body if name not in _STORED}, _FIELDS)
        for included in body.get("include") or ():
            if included not in _INCLUDES:
                yield family("field", f"include:{included}")
        yield from _tools(body.get("tools"))
        for item in dicts(body.get("input")):
            yield from _item(item)

    def prepare(self, body: Json, operation: Operation, max_output: int) -> int:
        """Responses are kept by the vendor unless the request says otherwise."""
        body.setdefault("store", False)
        return bounded(body, "max_output_tokens", max_output) or UNBOUNDED_OUTPUT

    def count(self, said: Json, before: Count) -> Count:
        response = said.get("response") if "response" in said else said
        usage = response.get("usage") if isinstance(response, dict) else None
        if not isinstance(usage, dict):
            return before
        details = usage.get("input_tokens_details")
        cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
        read = count(usage.get("input_tokens"))
        made = count(usage.get("output_tokens"))
        return Count(Tokens(max(read - cached, 0), min(cached, read), 0, made), said=True)

    def unasked(self, said: Json) -> bool:
        return False


def _tools(tools: object) -> Iterator[Wanted]:
    for tool in dicts(tools):
        kind = str(tool.get("type"))
        if kind == "namespace":
            yield from _tools(tool.get("tools"))
        elif kind == "shell":
            where = tool.get("environment")
            if not (isinstance(where, dict) and where.get("type") == "local"):
                yield Wanted(CODE, "tool shell in a container")
        elif kind not in _TOOLS:
            yield family("tool", kind)


def _item(item: Json) -> Iterator[Wanted]:
    kind = str(item.get("type", "message"))
    if kind == "item_reference":
        yield Wanted(STORED, f"item {kind}")
    elif kind not in _ITEMS:
        yield family("part", kind)
    for content in (item.get("content"), item.get("output")):
        for part in dicts(content):
            yield from _part(part)


def _part(part: Json) -> Iterator[Wanted]:
    kind, url = str(part.get("type")), part.get("image_url")
    if kind == "input_image":
        if part.get("file_id"):
            yield Wanted(FILES, "input_image by its id")
        elif not (isinstance(url, str) and url.startswith("data:")):
            yield Wanted(URLS, "input_image with an address")
    elif kind == "input_file":
        if part.get("file_url"):
            yield Wanted(URLS, "input_file with an address")
        elif part.get("file_id") or "file_data" not in part:
            yield Wanted(FILES, "input_file by its id")
    elif kind not in _TEXTS:
        yield family("part", kind)
