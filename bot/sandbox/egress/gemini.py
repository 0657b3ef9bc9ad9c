"""Google's generateContent (https://ai.google.dev/api/generate-content)."""

import re
from collections.abc import Iterator, Mapping

from bot.sandbox.egress.features import STORED, URLS, Json, Wanted, count, dicts, family, unknown_fields, words
from bot.sandbox.egress.wire import UNBOUNDED_OUTPUT, Count, Operation, bounded
from bot.task.usage import Tokens

_PATH = re.compile(
    r"/models/(?P<model>[A-Za-z0-9._-]{1,100}):(?P<verb>generateContent|streamGenerateContent|countTokens)"
)
_FIELDS = words(
    """
    contents tools toolConfig safetySettings systemInstruction generationConfig labels model serviceTier
    """
)
"""In camel case alone, as its SDKs write them: the API reads snake case, too, which would be a second way to say it."""
_PARTS = words(
    """
    text inlineData functionCall functionResponse thought thoughtSignature videoMetadata mediaResolution
    partMetadata executableCode codeExecutionResult
    """
)
_CONFIG = words(
    """
    temperature topP topK candidateCount maxOutputTokens stopSequences responseMimeType seed responseSchema
    responseJsonSchema presencePenalty frequencyPenalty responseLogprobs logprobs thinkingConfig mediaResolution
    responseModalities enableEnhancedCivicAnswers audioTimestamp
    """
)


class Gemini:
    """Implements `Wire`."""

    version = "v1beta"

    def operation(self, path: str, query: str) -> Operation | None:
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        streams = found["verb"] == "streamGenerateContent"
        return Operation(path, "alt=sse" if streams else "", found["model"], streams, found["verb"] != "countTokens")

    def headers(self, key: str, sent: Mapping[str, str], betas: tuple[str, ...]) -> dict[str, str]:
        return {"x-goog-api-key": key}

    def wanted(self, body: Json, sent: Mapping[str, str]) -> Iterator[Wanted]:
        if "cachedContent" in body:
            yield Wanted(STORED, "field cachedContent")
        inner = body.get("generateContentRequest")
        if isinstance(inner, dict):  # the long form of countTokens
            yield from self.wanted(inner, sent)
        ours = ("cachedContent", "generateContentRequest")
        yield from unknown_fields({name: 0 for name in body if name not in ours}, _FIELDS)
        config = body.get("generationConfig")
        yield from unknown_fields(config if isinstance(config, dict) else {}, _CONFIG)
        for tool in dicts(body.get("tools")):
            for kind in tool:
                if kind != "functionDeclarations":
                    yield family("tool", kind)
        system = body.get("systemInstruction")
        for content in [*dicts(body.get("contents")), *(dicts([system]))]:
            yield from _content(content)

    def prepare(self, body: Json, operation: Operation, max_output: int) -> int:
        if not operation.paid:
            return 0
        config = body.get("generationConfig")
        config = body["generationConfig"] = dict(config) if isinstance(config, dict) else {}
        answers = max(count(config.get("candidateCount")), 1)
        return answers * (bounded(config, "maxOutputTokens", max_output) or UNBOUNDED_OUTPUT)

    def streams(self, body: Json, operation: Operation) -> bool:
        return operation.streams

    def count(self, said: Json, before: Count) -> Count:
        """Input that tools of the vendor added is told apart, and so are hidden thoughts."""
        usage = said.get("usageMetadata")
        if not isinstance(usage, dict):
            return before
        cached, read = count(usage.get("cachedContentTokenCount")), count(usage.get("promptTokenCount"))
        read += count(usage.get("toolUsePromptTokenCount"))
        made = count(usage.get("candidatesTokenCount")) + count(usage.get("thoughtsTokenCount"))
        return Count(Tokens(max(read - cached, 0), min(cached, read), 0, made), said=True)

    def unasked(self, said: Json) -> bool:
        return False

    def error(self, status: int, text: str) -> Json:
        words = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
        word = words.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
        return {"error": {"code": status, "message": text, "status": word}}

    def models(self, names: tuple[str, ...]) -> Json:
        verbs = ["generateContent", "countTokens"]
        return {"models": [{"name": f"models/{name}", "supportedGenerationMethods": verbs} for name in names]}


def _content(content: Json) -> Iterator[Wanted]:
    parts = content.get("parts")
    for part in dicts([parts] if isinstance(parts, dict) else parts):
        for name in part:
            if name == "fileData":
                yield Wanted(URLS, "part fileData")
            elif name not in _PARTS:
                yield family("part", name)
        response = part.get("functionResponse")
        for inner in dicts(response.get("parts")) if isinstance(response, dict) else ():
            yield from _content({"parts": [inner]})
