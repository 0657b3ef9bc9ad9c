"""Limits of a turn hold: for calls one after the other, for a swarm of them, and for calls that break off."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from bot.sandbox.egress.meter import Meter, Over
from bot.sandbox.egress.values import Allowance, TurnLimits
from bot.task.usage import Price, Tokens, Used
from tests.sandbox.egress.client import NOW, ask, opened, route, said
from tests.worlds.model_server import ModelServer
from tests.worlds.model_wires import Usage

pytestmark = pytest.mark.anyio
DEAR = Price(input=1_000, output=1_000)
"""An answer of the scripted vendor costs $1.25."""


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came true")


def usd(most: float) -> TurnLimits:
    return TurnLimits(usd=Allowance(most, f"The ${most:g} of this task are used up."))


async def test_a_call_too_many_gets_400_and_the_flag_is_ours(vendor: ModelServer) -> None:
    limits = TurnLimits(calls=Allowance(2, "The 2 calls are used up."))
    async with opened(route(vendor.url), limits) as client:
        assert [(await client.post("/v1/messages", ask("say x"))).status_code for _ in range(2)] == [200, 200]
        assert client.egress.spent.over == ""  # a turn that ends here is a good one
        refused = await client.post("/v1/messages", ask("say x"))
        assert refused.status_code == 400
        assert refused.json()["error"]["type"] == "invalid_request_error"
        assert said(refused).startswith("BUDGET_USED_UP: The 2 calls are used up.")
        await asyncio.wait_for(client.egress.until_over(), 5)
    assert client.egress.spent.over == "The 2 calls are used up."
    assert client.egress.spent.used.calls == len(vendor.requests) == 2


@pytest.mark.parametrize("limits", [usd(2), TurnLimits(tokens=Allowance(2000, "tokens"))])
async def test_a_swarm_goes_beyond_a_limit_by_one_call_at_most(limits: TurnLimits) -> None:
    """A count that is written after each call lets all forty through: none has ended when the last one begins."""
    with ModelServer(pause=0.05) as vendor:
        naive = {"spent": 0.0, "passed": 0}

        async def counted_afterwards() -> None:
            if naive["spent"] < 2:
                naive["passed"] += 1
                await asyncio.sleep(0.2)
                naive["spent"] += 1.25

        await asyncio.gather(*(counted_afterwards() for _ in range(40)))
        assert naive["passed"] == 40
        async with opened(route(vendor.url, price=DEAR), limits) as client:
            answers = await asyncio.gather(
                *(client.post("/v1/messages", ask("say x", max_tokens=5000, stream=True)) for _ in range(40))
            )
        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [400] * 38
        assert len(vendor.requests) == 2
        assert client.egress.spent.used.usd == pytest.approx(2.5)


async def test_calls_side_by_side_pass_while_there_is_room() -> None:
    with ModelServer(pause=0.1) as vendor:
        async with opened(route(vendor.url, price=DEAR), usd(1000)) as client:
            asked = [client.post("/v1/messages", ask("say x", stream=True)) for _ in range(5)]
            answers = asyncio.gather(*asked)
            await _until(lambda: len(vendor.requests) == 5)
            assert client.egress.spent.used.calls == 0  # all of them are under way
            assert client.egress.pending.calls == 5
            await answers
    assert client.egress.pending == client.egress.spent.used


async def test_a_call_waits_for_one_that_may_use_up_the_rest_which_is_finished_and_counted() -> None:
    meter = Meter(TurnLimits(tokens=Allowance(10, "ten")))

    async def another() -> None:
        async with meter.call(None, Tokens(output=1)) as call:
            call.settle(Tokens(output=1))

    async with meter.call(None, Tokens(output=50)) as long:
        waiting = asyncio.ensure_future(another())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        long.settle(Tokens(output=20))
    with pytest.raises(Over, match="ten"):
        await asyncio.wait_for(waiting, 5)
    assert meter.used.tokens == Tokens(output=20)


@pytest.mark.parametrize(("streams", "least"), [(True, 0), (False, 4000)])
async def test_who_hangs_up_pays_what_it_may_have_cost(streams: bool, least: int) -> None:
    """Else an agent would hang up before the tokens are told. A stream is counted as far as it came."""
    with ModelServer(Usage(input=900, output=1, cached=0), pause=0.5) as vendor:
        async with opened(route(vendor.url)) as client:
            body = ask("hang 30", max_tokens=4000, stream=streams)
            with pytest.raises(httpx.HTTPError):
                await client.send("POST", "/v1/messages", json=body, timeout=1)
            await _until(lambda: client.egress.spent.used.calls > 0)
        used = client.egress.spent.used
    assert (used.calls, used.estimated) == (1, 1)
    assert least <= used.tokens.output <= 4000
    assert used.tokens.read >= (900 if streams else 1)


async def test_the_end_of_the_turn_counts_what_is_under_way() -> None:
    with ModelServer() as vendor:
        async with opened(route(vendor.url)) as client:
            asking = asyncio.ensure_future(client.post("/v1/messages", ask("hang 30", stream=True)))
            await _until(lambda: bool(vendor.requests))
        assert client.egress.spent.used.calls == 1
        await asyncio.gather(asking, return_exceptions=True)


async def test_money_needs_a_price(vendor: ModelServer) -> None:
    async with opened(route(vendor.url, prices={"other": DEAR}), usd(5)) as client:
        refused = await client.post("/v1/messages", ask("say x"))
        passed = await client.post("/v1/messages", ask("say x", model="other"))
    assert (refused.status_code, passed.status_code) == (400, 200)
    assert "no price for m: set `models.mine.price`" in said(refused)


async def test_long_answers_are_cut_by_the_operator(vendor: ModelServer) -> None:
    async with opened(route(vendor.url, max_output=50)) as client:
        await client.post("/v1/messages", ask("say x", max_tokens=4000))
    assert vendor.requests[0].body["max_tokens"] == 50


async def test_a_busy_vendor_is_passed_on_and_remembered_until_it_answers(vendor: ModelServer) -> None:
    async with opened(route(vendor.url)) as client:
        busy = await client.post("/v1/messages", ask("error 429 slow down"))
        assert (busy.status_code, said(busy)) == (429, "slow down")
        spent = client.egress.spent
        assert spent.rate_limited_until is not None
        assert spent.rate_limited_until > NOW
        assert (spent.failures, spent.used.tokens.total) == (1, 0)
        assert "HTTP 429" in spent.fault
        await client.post("/v1/messages", ask("say x"))
        assert (client.egress.spent.rate_limited_until, client.egress.spent.fault) == (None, "")


async def test_a_vendor_that_is_not_there_costs_nothing() -> None:
    async with opened(route("http://127.0.0.1:1", price=DEAR), usd(5)) as client:
        answer = await client.post("/v1/messages", ask("say x"))
    assert answer.status_code == 502
    assert client.egress.spent.used == Used(calls=1)
