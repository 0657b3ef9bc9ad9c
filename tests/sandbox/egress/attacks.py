"""Requests that want more than an answer, and requests that are hardly requests."""

from typing import Any

from tests.sandbox.egress.client import ask

TOOL = {"name": "read", "input_schema": {"type": "object"}}
USER = {"role": "user", "content": "MODEL[say hi]"}


def image(**source: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image", "source": source}]}, USER]


FILE = {"type": "input_file", "file_url": "https://e.example"}
IMAGES = image(type="url")[0]["content"]
WANTED: list[tuple[str, str, dict[str, Any]]] = [
    ("anthropic", "web_search", ask("say hi", tools=[{"type": "web_search_20250305", "name": "web_search"}])),
    ("anthropic", "web_fetch", ask("say hi", tools=[TOOL, {"type": "web_fetch_20250910", "name": "web_fetch"}])),
    ("anthropic", "code_execution", ask("say hi", tools=[{"type": "code_execution_20250825", "name": "x"}])),
    ("anthropic", "code_execution", ask("say hi", container="c1")),
    ("anthropic", "mcp", ask("say hi", mcp_servers=[{"type": "url", "url": "https://e.example", "name": "e"}])),
    ("anthropic", "mcp", ask("say hi", tools=[{"type": "mcp_toolset", "mcp_server_name": "e"}])),
    ("anthropic", "tool:teleport_20300101", ask("say hi", tools=[{"type": "teleport_20300101", "name": "x"}])),
    ("anthropic", "field:teleport", ask("say hi", teleport=True)),
    ("anthropic", "part:teleport", ask("x", messages=[{"role": "user", "content": [{"type": "teleport"}]}, USER])),
    ("anthropic", "urls", ask("x", messages=image(type="url", url="https://e.example/?secret"))),
    ("anthropic", "files", ask("x", messages=image(type="file", file_id="f"))),
    (
        "anthropic",
        "urls",
        ask(
            "x",
            messages=[
                {"role": "user", "content": [{"type": "tool_result", "content": image(type="url")[0]["content"]}]}
            ],
        ),
    ),
    ("openai-chat", "web_search", {"model": "m", "messages": [USER], "web_search_options": {}}),
    ("openai-chat", "stored", {"model": "m", "messages": [USER], "store": True}),
    ("openai-chat", "tool:hosted", {"model": "m", "messages": [USER], "tools": [{"type": "hosted"}]}),
    (
        "openai-chat",
        "urls",
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e.example"}}]},
                USER,
            ],
        },
    ),
    ("openai-responses", "web_search", {"model": "m", "input": "MODEL[say hi]", "tools": [{"type": "web_search"}]}),
    (
        "openai-responses",
        "mcp",
        {"model": "m", "input": "x", "tools": [{"type": "mcp"}]},
    ),
    ("openai-responses", "code_execution", {"model": "m", "input": "x", "tools": [{"type": "code_interpreter"}]}),
    ("openai-responses", "code_execution", {"model": "m", "input": "x", "tools": [{"type": "shell"}]}),
    ("openai-responses", "files", {"model": "m", "input": "x", "tools": [{"type": "file_search"}]}),
    (
        "openai-responses",
        "web_search",
        {"model": "m", "input": "x", "tools": [{"type": "namespace", "tools": [{"type": "web_search_preview"}]}]},
    ),
    ("openai-responses", "stored", {"model": "m", "input": "x", "background": True}),
    ("openai-responses", "stored", {"model": "m", "input": "x", "previous_response_id": "r"}),
    ("openai-responses", "stored", {"model": "m", "input": [{"type": "item_reference", "id": "i"}]}),
    (
        "openai-responses",
        "urls",
        {
            "model": "m",
            "input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://e.example"}]}],
        },
    ),
    ("gemini", "web_search", {"contents": [], "tools": [{"functionDeclarations": [], "googleSearch": {}}]}),
    ("gemini", "web_search", {"contents": [], "tools": {"google_search": {}}}),
    ("gemini", "web_fetch", {"contents": [], "tools": [{"urlContext": {}}]}),
    ("gemini", "code_execution", {"contents": [], "tools": [{"codeExecution": {}}]}),
    ("gemini", "urls", {"contents": [{"parts": [{"fileData": {"fileUri": "https://e.example"}}]}]}),
    ("gemini", "part:file_data", {"contents": {"parts": {"file_data": {"file_uri": "https://e.example"}}}}),
    ("gemini", "stored", {"contents": [], "cachedContent": "cachedContents/1"}),
]
PATHS = {
    "anthropic": "/v1/messages",
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "gemini": "/v1beta/models/m:generateContent",
}


GOOD = b'{"model":"m","max_tokens":9,"messages":[]}'
ODD: dict[str, bytes] = {
    "CONNECT": b"CONNECT e.example:443 HTTP/1.1\r\nhost: e.example\r\n\r\n",
    "absolute": b"GET http://e.example/ HTTP/1.1\r\nhost: e.example\r\n\r\n",
    "scheme-relative": b"GET //e.example/ HTTP/1.1\r\nhost: e.example\r\n\r\n",
    "upgrade": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(GOOD), GOOD),
    "two lengths": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 42\r\n\r\n" + GOOD,
    "length and chunks": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n"
    b"transfer-encoding: chunked\r\n\r\n2a\r\n" + GOOD + b"\r\n0\r\n\r\n",
    "odd coding": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "hidden coding": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"POST /v1/messages HTTP/1.1\nhost: a\n x: y\n\n",
    "negative chunk": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    "two hosts": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 0\r\n\r\n",
    "DELETE": b"DELETE /v1/messages HTTP/1.1\r\nhost: a\r\n\r\n",
    "large header": b"POST /v1/messages HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
