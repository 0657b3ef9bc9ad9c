"""The way out of a turn to its model: what it may use, what ends it early, and what the proxy saw of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from bot.agents.turn import Turn
from bot.flow.steps.bench import Bench
from bot.flow.steps.spending import money_left
from bot.sandbox.egress import turn as way
from bot.sandbox.egress.turn import Egress
from bot.sandbox.egress.values import GRACE_SECONDS, Allowance, Spent, TurnLimits
from bot.task.limits import UNLIMITED, Bound, RunLimits
from bot.task.model import Task
from bot.task.results import FaultKind, TurnEnded, TurnFailed


class ModelBusy(Exception):
    """The vendor takes no calls for now: the turn goes on at `until`. The text says so."""

    def __init__(self, until: datetime, what: str) -> None:
        super().__init__(f"The model takes no calls until {until:%H:%M} UTC ({what}).")
        self.until = until


@asynccontextmanager
async def way_out(bench: Bench, task: Task, agent: str, limits: RunLimits) -> AsyncIterator[Egress | None]:
    """The way to the agent's model; None when the operator gives it none."""
    route = bench.routes.get(agent)
    if route is None:
        yield None
        return
    allowed = await _allowed(bench, task, limits)
    async with way.opened(route, allowed, bench.clock) as egress:
        yield egress


async def _allowed(bench: Bench, task: Task, limits: RunLimits) -> TurnLimits:
    purse = await money_left(bench, task, limits.usd)
    return TurnLimits(
        calls=_allowance(limits.turn_calls, "calls of the model"),
        tokens=_allowance(limits.turn_tokens, "tokens"),
        usd=None if purse.most.value == UNLIMITED else Allowance(purse.left, purse.limit),
    )


def _allowance(bound: Bound, what: str) -> Allowance | None:
    if bound.value == UNLIMITED:
        return None
    return Allowance(bound.value, f"The {bound} {what} of one turn are used up ({bound.setting}).")


async def until_end(turn: Awaitable[Turn], egress: Egress | None, session: str | None) -> Turn:
    """The end of the turn: its own, or ours when it does not end soon after a limit refused it a call."""
    going = asyncio.ensure_future(turn)
    over = asyncio.ensure_future(egress.until_over() if egress else asyncio.Event().wait())
    try:
        await asyncio.wait((going, over), return_when=asyncio.FIRST_COMPLETED)
        if not going.done():
            await asyncio.wait((going,), timeout=GRACE_SECONDS)
        if going.done():
            return going.result()
        return Turn(TurnFailed(FaultKind.BUDGET, ""), session)
    finally:
        over.cancel()
        if not going.done():
            going.cancel()
            await asyncio.wait((going,))


def judged(turn: Turn, spent: Spent, now: datetime) -> Turn:
    """What the proxy saw goes before what the agent says: some end their turn in good order when every call failed.

    Raises ModelBusy when the turn failed because the vendor takes no calls for now.
    """
    if spent.over:
        return replace(turn, outcome=TurnFailed(FaultKind.BUDGET, spent.over))
    ended_well = isinstance(turn.outcome, TurnEnded)
    unanswered = bool(spent.fault) and not spent.models
    if not (isinstance(turn.outcome, TurnFailed) or (ended_well and unanswered)):
        return turn
    if spent.rate_limited_until is not None and spent.rate_limited_until > now:
        raise ModelBusy(spent.rate_limited_until, spent.fault)
    if ended_well:
        return replace(turn, outcome=TurnFailed(FaultKind.CRASHED, f"the model did not answer: {spent.fault}"))
    return turn
