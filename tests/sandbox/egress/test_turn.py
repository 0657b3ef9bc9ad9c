"""The whole way out: relay inside, socket, proxy, vendor; and what is counted on it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import SandboxRefused
from bot.sandbox.egress import turn
from bot.sandbox.egress.values import MODEL_URL, TurnLimits
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending
from bot.task.usage import Price, Tokens
from tests.sandbox.egress.client import KEY, ask, clock, opened, route
from tests.worlds.model_server import ModelServer
from tests.worlds.model_wires import Usage

pytestmark = pytest.mark.anyio
CURL = f"""curl -sS -N {MODEL_URL}/v1/messages -H 'x-api-key: placeholder' -d '{{"model":"m","max_tokens":9,
"messages":[{{"role":"user","content":"MODEL[say hello from outside]"}}]}}'"""


async def test_a_command_in_a_box_reaches_the_model_with_a_key_that_it_never_sees(
    sandbox: Sandbox, box: Box, vendor: ModelServer
) -> None:
    async with turn.opened(route(vendor.url), TurnLimits(), clock) as egress:
        finished = await sandbox.run(egress.furnish(box), ["sh", "-c", f"{CURL}; env"], Limits(seconds=30))
    assert b"hello from outside" in finished.output, finished.output
    assert KEY.encode() not in finished.output
    assert vendor.requests[0].key == KEY
    assert egress.spent.used.calls == 1
    assert egress.spent.used.tokens == Tokens(input=1000, cached=200, output=50)
    assert egress.spent.models == ("m",)


async def test_without_a_way_out_there_is_none(sandbox: Sandbox, box: Box, vendor: ModelServer) -> None:
    finished = await sandbox.run(box, ["sh", "-c", CURL], Limits(seconds=30))
    assert finished.exit_code == 7, finished.output


async def test_the_command_is_the_first_process_and_its_end_is_the_end_of_the_relay(
    sandbox: Sandbox, box: Box, vendor: ModelServer
) -> None:
    """Its input is its own: it sees the end of it, though the relay lives."""
    async with turn.opened(route(vendor.url), TurnLimits(), clock) as egress:
        began = time.monotonic()
        program = "cat >&2; exit 7"
        async with await sandbox.start(egress.furnish(box), ["sh", "-c", program], Limits(seconds=60)) as running:
            running.stdin.write(b"over\n")
            running.stdin.close()
            finished = await running.wait()
    assert (finished.ending, finished.exit_code) == (Ending.EXITED, 7)
    assert finished.output == b"over\n"
    assert time.monotonic() - began < 30


async def test_a_command_that_is_not_there_is_said_so(sandbox: Sandbox, box: Box, vendor: ModelServer) -> None:
    async with turn.opened(route(vendor.url), TurnLimits(), clock) as egress:
        finished = await sandbox.run(egress.furnish(box), ["no-such-agent"], Limits(seconds=30))
    assert finished.exit_code == 127
    assert b"no-such-agent: No such file" in finished.output


async def test_nothing_is_started_where_the_ports_would_be_those_of_the_machine(tmp_path: Path) -> None:
    direct = Sandbox(probe("none"))
    async with turn.opened(route("http://127.0.0.1:9"), TurnLimits(), clock) as egress:
        box = egress.furnish(Box((), str(tmp_path)))
        with pytest.raises(SandboxRefused, match="no ports of its own"):
            await direct.run(box, ["true"], Limits())


@pytest.mark.parametrize("wire", ["anthropic", "openai-chat", "openai-responses", "gemini"])
@pytest.mark.parametrize("streams", [False, True])
async def test_tokens_and_money_are_counted_on_every_wire(wire: str, streams: bool) -> None:
    paths = {
        "anthropic": "/v1/messages",
        "openai-chat": "/v1/chat/completions",
        "openai-responses": "/v1/responses",
        "gemini": f"/v1beta/models/m:{'streamGenerateContent' if streams else 'generateContent'}",
    }
    text = "MODEL[say a quiet word]"
    bodies: dict[str, dict[str, Any]] = {
        "anthropic": {"max_tokens": 99, "messages": [{"role": "user", "content": text}]},
        "openai-chat": {"messages": [{"role": "user", "content": text}]},
        "openai-responses": {"input": text},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": text}]}]},
    }
    body = bodies[wire] if wire == "gemini" else {**bodies[wire], "model": "m", "stream": streams}
    price = Price(input=3, output=15, cached=0.3)
    with ModelServer(Usage(input=1_000_000, output=10_000, cached=500_000)) as vendor:
        async with opened(route(vendor.url, wire=wire, price=price)) as client:
            answer = await client.post(paths[wire], body)
        spent = client.egress.spent
    assert answer.status_code == 200, answer.text
    assert "a quiet word" in answer.text
    assert spent.used.tokens == Tokens(input=500_000, cached=500_000, output=10_000)
    assert spent.used.money == pytest.approx(1.5 + 0.15 + 0.15)
    assert spent.used.estimated == 0
    if wire == "openai-chat":
        assert "prompt_tokens" not in answer.text or not streams  # told to us alone
    if wire == "openai-responses":
        assert vendor.requests[0].body["store"] is False


async def test_events_come_through_one_by_one() -> None:
    with ModelServer(pause=0.3) as vendor:
        async with opened(route(vendor.url)) as client:
            reader, writer = await asyncio.open_unix_connection(client.path)
            body = b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"MODEL[say x]"}]}'
            writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await reader.readuntil(b"message_start")
            first = time.monotonic()
            await reader.readuntil(b"message_stop")
            writer.close()
    assert time.monotonic() - first > 1.0


async def test_a_model_without_a_price_is_counted_in_tokens_and_its_money_is_unknown(vendor: ModelServer) -> None:
    async with opened(route(vendor.url)) as client:
        await client.post("/v1/messages", ask("say hi"))
    assert client.egress.spent.used.money is None
    assert client.egress.spent.used.tokens.total == 1250
