"""Anthropic's Messages API (https://docs.anthropic.com/en/api/messages)."""

import re
from collections.abc import Iterator, Mapping

from bot.sandbox.egress.features import FILES, MCP, URLS, Json, Wanted, count, dicts, family, unknown_fields, words
from bot.sandbox.egress.wire import UNBOUNDED_OUTPUT, Count, Operation, bounded
from bot.task.usage import Tokens

_FIELDS = words(
    """
    model messages system max_tokens metadata stop_sequences stream temperature top_k top_p tools tool_choice
    thinking service_tier context_management output_config output_format cache_control inference_geo diagnostics
    """
)
_PARTS = words(
    """
    text tool_use tool_result thinking redacted_thinking search_result tool_reference compaction
    """
)
_MADE_BY_TOOLS = re.compile(r"server_tool_use|[a-z_]+_tool_result|mcp_tool_use")
"""Parts of earlier answers of the vendor's own tools: they come back only where those were allowed."""
_OWN_TOOLS = re.compile(r"(bash|text_editor|computer|memory)_\d+|tool_search_tool_\w+")
"""Run by the agent itself, or within the request."""
_BETAS = re.compile(
    r"(claude-code|interleaved-thinking|fine-grained-tool-streaming|context-management|prompt-caching(-scope)?"
    r"|token-efficient-tools|output-128k|context-1m|extended-cache-ttl|structured-outputs|effort|tool-examples"
    r"|advanced-tool-use|tool-search-tool|token-counting|max-tokens-[\w.-]+|redact-thinking|adaptive-thinking|compact"
    r"|computer-use|model-context-window-exceeded)-\d{4}-?\d{2}-?\d{2}"
)
_ERRORS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class Anthropic:
    """Implements `Wire`."""

    version = "v1"

    def operation(self, path: str, query: str) -> Operation | None:
        beta = "beta=true" if query == "beta=true" else ""
        match path:
            case "/messages":
                return Operation(path, beta)
            case "/messages/count_tokens":
                return Operation(path, beta, paid=False)
            case _:
                return None

    def headers(self, key: str, sent: Mapping[str, str], betas: tuple[str, ...]) -> dict[str, str]:
        """Betas that are neither known nor allowed are left out."""
        asked = [beta for beta in _betas(sent) if _BETAS.fullmatch(beta) or f"beta:{beta}" in betas]
        version = sent.get("anthropic-version", "")
        ours = {
            "x-api-key": key,
            "anthropic-version": version if re.fullmatch(r"[\d-]{1,20}", version) else "2023-06-01",
        }
        return {**ours, "anthropic-beta": ",".join(asked)} if asked else ours

    def wanted(self, body: Json, sent: Mapping[str, str]) -> Iterator[Wanted]:
        yield from unknown_fields(body, _FIELDS)
        for beta in _betas(sent):
            asks = family("beta", beta)
            if not asks.feature.startswith("beta:"):
                yield asks
        for tool in dicts(body.get("tools")):
            kind = tool.get("type", "custom")
            if kind != "custom" and not (isinstance(kind, str) and _OWN_TOOLS.fullmatch(kind)):
                yield family("tool", str(kind))
        for message in dicts(body.get("messages")):
            yield from _parts(message.get("content"))
        yield from _parts(body.get("system"))

    def prepare(self, body: Json, operation: Operation, max_output: int) -> int:
        return bounded(body, "max_tokens", max_output) or UNBOUNDED_OUTPUT if operation.paid else 0

    def streams(self, body: Json, operation: Operation) -> bool:
        return operation.paid and body.get("stream") is True

    def count(self, said: Json, before: Count) -> Count:
        message = said.get("message") if said.get("type") == "message_start" else said
        usage = message.get("usage") if isinstance(message, dict) else None
        if not isinstance(usage, dict):
            return before
        old = before.tokens

        def newest(name: str, known: int) -> int:
            return count(usage[name]) if isinstance(usage.get(name), int) else known

        return Count(
            Tokens(
                newest("input_tokens", old.input),
                newest("cache_read_input_tokens", old.cached),
                newest("cache_creation_input_tokens", old.written),
                newest("output_tokens", old.output),
            ),
            said=True,
        )

    def unasked(self, said: Json) -> bool:
        return False

    def error(self, status: int, text: str) -> Json:
        kind = _ERRORS.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": text}}

    def models(self, names: tuple[str, ...]) -> Json:
        data = [{"type": "model", "id": name, "display_name": name} for name in names]
        return {"data": data, "has_more": False, "first_id": None, "last_id": None}


def _betas(sent: Mapping[str, str]) -> list[str]:
    return [beta.strip() for beta in sent.get("anthropic-beta", "").split(",") if beta.strip()]


def _parts(content: object) -> Iterator[Wanted]:
    for part in dicts(content):
        kind, source = str(part.get("type")), part.get("source")
        if kind == "container_upload":
            yield Wanted(FILES, f"part {kind}")
        elif kind in ("image", "document"):
            origin = source.get("type") if isinstance(source, dict) else None
            if origin == "content" and isinstance(source, dict):
                yield from _parts(source.get("content"))
            elif origin not in ("base64", "text"):
                yield Wanted(FILES if origin == "file" else URLS, f"{kind} from {origin}")
        elif kind.startswith("mcp_"):
            yield Wanted(MCP, f"part {kind}")
        elif kind == "tool_result":
            yield from _parts(part.get("content"))
        elif kind not in _PARTS and not _MADE_BY_TOOLS.fullmatch(kind):
            yield family("part", kind)
