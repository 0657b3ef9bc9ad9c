"""Chat completions (https://platform.openai.com/docs/api-reference/chat), as Mistral and most others speak them."""

from collections.abc import Iterator, Mapping

from bot.sandbox.egress.features import (
    FILES,
    STORED,
    URLS,
    WEB_SEARCH,
    Json,
    Wanted,
    count,
    dicts,
    family,
    unknown_fields,
    words,
)
from bot.sandbox.egress.wire import UNBOUNDED_OUTPUT, Count, Operation, bounded
from bot.task.usage import Tokens

_FIELDS = words(
    """
    model messages frequency_penalty logit_bias logprobs top_logprobs max_tokens n stop max_completion_tokens
    metadata modalities parallel_tool_calls prediction presence_penalty seed reasoning_effort response_format
    stream stream_options temperature tool_choice tools top_p user verbosity functions function_call
    prompt_cache_key safety_identifier store top_k service_tier random_seed safe_prompt prompt_mode min_p
    repetition_penalty reasoning thinking chat_template_kwargs enable_thinking thinking_budget
    prompt_cache_retention vl_high_resolution_images
    """
)
_TEXTS = frozenset(("text", "refusal", "thinking", "reasoning", "input_audio"))


class OpenAIChat:
    """Implements `Wire`."""

    version = "v1"

    def operation(self, path: str, query: str) -> Operation | None:
        return Operation(path) if path == "/chat/completions" else None

    def headers(self, key: str, sent: Mapping[str, str], betas: tuple[str, ...]) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def wanted(self, body: Json, sent: Mapping[str, str]) -> Iterator[Wanted]:
        if "web_search_options" in body:
            yield Wanted(WEB_SEARCH, "field web_search_options")
        if body.get("store"):
            yield Wanted(STORED, "field store")
        yield from unknown_fields({name: 0 for name in body if name != "web_search_options"}, _FIELDS)
        for tool in dicts(body.get("tools")):
            if tool.get("type", "function") not in ("function", "custom"):
                yield family("tool", str(tool.get("type")))
        for message in dicts(body.get("messages")):
            for part in dicts(message.get("content")):
                yield from _part(part)

    def prepare(self, body: Json, operation: Operation, max_output: int) -> int:
        """The tokens of a stream are told only when asked for."""
        if body.get("stream") is True:
            options = body.get("stream_options")
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        name = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
        answers = max(count(body.get("n")), 1)
        return answers * (bounded(body, name, max_output) or UNBOUNDED_OUTPUT)

    def streams(self, body: Json, operation: Operation) -> bool:
        return body.get("stream") is True

    def count(self, said: Json, before: Count) -> Count:
        usage = said.get("usage")
        if not isinstance(usage, dict):
            return before
        details = usage.get("prompt_tokens_details")
        cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
        read = count(usage.get("prompt_tokens"))
        return Count(
            Tokens(max(read - cached, 0), min(cached, read), 0, count(usage.get("completion_tokens"))), said=True
        )

    def unasked(self, said: Json) -> bool:
        return said.get("choices") == [] and isinstance(said.get("usage"), dict)

    def error(self, status: int, text: str) -> Json:
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": text, "type": kind, "param": None, "code": None}}

    def models(self, names: tuple[str, ...]) -> Json:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "operator"} for name in names]
        return {"object": "list", "data": data}


def _part(part: Json) -> Iterator[Wanted]:
    kind = str(part.get("type"))
    if kind in ("image_url", "document_url", "input_image"):
        value = part.get(kind, part.get("image_url"))
        url = value.get("url") if isinstance(value, dict) else value
        if not (isinstance(url, str) and url.startswith("data:")):
            yield Wanted(URLS, f"{kind} with an address")
    elif kind in ("file", "input_file"):
        file = part.get("file")
        if not (isinstance(file, dict) and "file_data" in file and not file.keys() & {"file_id", "file_url"}):
            yield Wanted(FILES, f"part {kind}")
    elif kind not in _TEXTS:
        yield family("part", kind)
