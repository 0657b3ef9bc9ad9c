"""The model proxy is no way out: other paths, the vendor's own tools, addresses in the conversation, odd HTTP.

Each attack first works through a naive proxy.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.egress.features import NAMED
from bot.sandbox.egress.listening import Bounds
from tests.sandbox.egress.attacks import GOOD, ODD, PATHS, TOOL, WANTED
from tests.sandbox.egress.client import KEY, Client, ask, opened, route, said
from tests.sandbox.egress.naive import naive
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def passes(vendor: ModelServer, tmp_path: Path) -> Any:
    """What a naive proxy answers to a request."""

    def send(method: str, path: str, **how: Any) -> httpx.Response:
        with (
            naive(tmp_path / "naive.sock", vendor.port) as socket,
            httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://vendor") as http,
        ):
            return http.request(method, path, **how)

    return send


@pytest.mark.parametrize(("wire", "feature", "body"), WANTED, ids=[f"{wire}-{name}" for wire, name, _ in WANTED])
async def test_the_vendor_is_asked_for_nothing_but_an_answer(
    vendor: ModelServer, passes: Any, wire: str, feature: str, body: dict[str, Any]
) -> None:
    passes("POST", PATHS[wire], json=body)
    assert vendor.requests.pop().body == body  # the naive half: it came through
    async with opened(route(vendor.url, wire=wire)) as client:
        answer = await client.post(PATHS[wire], body)
        assert answer.status_code == 400
        assert f'add "{feature}" to `models.mine.allow` in the operator\'s issuewright.toml' in said(answer)
        assert vendor.requests == []
        assert client.egress.spent.refused == (said(answer),)
        assert client.egress.spent.used.calls == 0
    async with opened(route(vendor.url, wire=wire, allow=(feature, *NAMED))) as client:
        await client.post(PATHS[wire], body)
        assert body.items() <= vendor.requests[0].body.items()


async def test_what_agents_really_send_passes(vendor: ModelServer) -> None:
    body = ask(
        "say hi",
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        tools=[TOOL, {"type": "bash_20250124", "name": "bash"}, {"type": "custom", "name": "y", "input_schema": {}}],
        thinking={"type": "enabled", "budget_tokens": 5},
        metadata={"user_id": "u"},
        messages=[
            {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "eA=="}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "y", "input": {"file_id": "a"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "x"}]},
        ],
    )
    betas = "claude-code-20250219,interleaved-thinking-2025-05-14"
    headers = {"anthropic-beta": f"{betas},new-thing-2031-01-01", "x-me": "1"}
    async with opened(route(vendor.url)) as client:
        answer = await client.post("/v1/messages?beta=true", body, headers=headers)
    assert answer.status_code == 200, answer.text
    seen = vendor.requests[0]
    assert (seen.path, seen.body) == ("/v1/messages?beta=true", body)
    assert seen.headers["anthropic-beta"] == betas
    assert "x-me" not in seen.headers


async def test_betas_that_open_ways_out_are_refused(vendor: ModelServer) -> None:
    async with opened(route(vendor.url)) as client:
        answer = await client.post("/v1/messages", ask("say x"), headers={"anthropic-beta": "mcp-client-2025-11-20"})
    assert answer.status_code == 400
    assert 'add "mcp"' in said(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/files"),
        ("POST", "/v1/files"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/../files"),
        ("POST", "/v1/messages%2f..%2ffiles"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/organizations/api_keys"),
        ("POST", "/v2/messages"),
        ("POST", "/messages"),
    ],
)
async def test_other_paths_do_not_pass(vendor: ModelServer, passes: Any, method: str, path: str) -> None:
    passes(method, path, json={})
    assert vendor.requests.pop().key == KEY
    async with opened(route(vendor.url)) as client:
        sent = f"{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
        answer = await client.raw(sent.encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert vendor.requests == []


async def test_only_offered_models_are_asked(vendor: ModelServer) -> None:
    async with opened(route(vendor.url, models=("small",))) as client:
        refused = await client.post("/v1/messages", ask("say x"))
        passed = await client.post("/v1/messages", ask("say x", model="small"))
        listed = await client.send("GET", "/v1/models")
    assert (refused.status_code, passed.status_code) == (400, 200)
    assert (
        said(refused)
        == "The model m is not offered here; small are (`models.mine.models` in the operator's issuewright.toml)."
    )
    assert [one["id"] for one in listed.json()["data"]] == ["small"]


async def test_a_body_means_the_same_to_the_vendor_as_to_us(vendor: ModelServer, passes: Any) -> None:
    """Two fields of one name: a vendor may read the other one than we did."""
    body = b'{"model":"m","max_tokens":1,"tools":[{"type":"web_search_20250305","name":"w"}],"messages":[],"tools":[]}'
    seen: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split()[0])
        seen.append(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    async with server, opened(route(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")) as client:
        await client.send("POST", "/v1/messages", content=body)
    assert b"web_search" not in seen[0]
    assert json.loads(seen[0]) == {"model": "m", "max_tokens": 1, "tools": [], "messages": []}


@pytest.mark.parametrize("kind", ODD)
async def test_odd_requests_are_refused_and_reach_nobody(vendor: ModelServer, kind: str) -> None:
    async with opened(route(vendor.url), bounds=Bounds(request_seconds=2)) as client:
        answer = await client.raw(ODD[kind])
    assert not answer.startswith(b"HTTP/1.1 2"), answer
    assert vendor.requests == []
    if kind in ("CONNECT", "absolute"):
        assert b"There is no network in this sandbox" in answer


async def test_a_second_request_in_the_same_bytes_is_not_read(vendor: ModelServer, passes: Any) -> None:
    one = b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (len(GOOD), GOOD)
    async with opened(route(vendor.url)) as client:
        answer = await client.raw(one + one.replace(b"/v1/messages", b"/v1/complete"))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [seen.path for seen in vendor.requests] == ["/v1/messages"]


async def test_slow_and_large_requests_end(vendor: ModelServer) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for _ in range(40):
            await asyncio.sleep(0.1)
            writer.write(b"x")
            await writer.drain()

    slow = b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n"
    async with opened(route(vendor.url), bounds=Bounds(request_seconds=1, body_bytes=5000)) as client:
        dripping = asyncio.ensure_future(client.raw(slow, more=drip))
        large = await client.send("POST", "/v1/messages", content=b"x" * 6000)
        assert (large.status_code, b"5,000 bytes" in large.content) == (413, True)
        await asyncio.gather(dripping, return_exceptions=True)
    assert vendor.requests == []


async def test_more_connections_than_there_may_be_are_closed(vendor: ModelServer) -> None:
    async with opened(route(vendor.url), bounds=Bounds(connections=3)) as client:
        kept = [await asyncio.open_unix_connection(client.path) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert await client.raw(b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n") == b""
        for _, writer in kept:
            writer.close()
        for _ in range(100):
            answer = await client.raw(b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n")
            if answer:
                break
            await asyncio.sleep(0.05)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("streams", [False, True])
async def test_a_vendor_that_repeats_the_key_does_not_tell_it(vendor: ModelServer, passes: Any, streams: bool) -> None:
    body = ask("echo", stream=streams)
    assert KEY in passes("POST", "/v1/messages", json=body).text
    async with opened(route(vendor.url)) as client:
        answer = await client.post("/v1/messages", body, headers={"x-api-key": "mine", "authorization": "Bearer mine"})
    assert "The key is [secret]." in answer.text
    assert (vendor.requests[-1].key, "authorization" in vendor.requests[-1].headers) == (KEY, False)


async def _fixed(answer: bytes) -> asyncio.Server:
    """A vendor that always says the same."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(say, "127.0.0.1", 0)


async def _through(answer: bytes, **more: Any) -> tuple[httpx.Response, Client]:
    server = await _fixed(answer)
    async with server, opened(route(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", **more)) as client:
        return await client.post("/v1/messages", ask("x")), client


async def test_redirects_cookies_and_names_stay_outside() -> None:
    head = b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/steal\r\ncontent-length: 0\r\n\r\n"
    moved, _ = await _through(head)
    assert (moved.status_code, "location" in moved.headers) == (502, False)
    head = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nanthropic-organization-id: o\r\nrequest-id: r\r\n"
    good, client = await _through(head + b"content-length: 2\r\n\r\n{}")
    assert set(good.headers) == {"content-type", "content-length", "connection", "request-id"}
    assert client.egress.spent.used.estimated == 1  # it told no tokens


async def test_an_answer_that_cannot_be_counted_is_not_passed_on() -> None:
    packed, client = await _through(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}")
    assert packed.status_code == 502
    assert "compressed" in client.egress.spent.fault
