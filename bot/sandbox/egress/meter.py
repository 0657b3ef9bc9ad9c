"""Count the calls of a turn against its limits: reserve before a call, settle after it.

A limit is reached by what was used, never by what is reserved. While calls are under way that could use up the rest, a
further one waits for them to end; so calls side by side go beyond a limit by no more than the last of them alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.sandbox.egress.values import Allowance, TurnLimits
from bot.task.usage import Price, Tokens, Used


class Over(Exception):
    """The turn has used up what it may; the text is the sentence of the limit."""


@dataclass(slots=True)
class Call:
    """One call under way. `most` is an upper estimate; `used` becomes what it came to."""

    price: Price | None
    most: Tokens
    used: Used

    @classmethod
    def free(cls) -> "Call":
        """One that is on nobody's account."""
        return cls(None, Tokens(), Used())

    def settle(self, tokens: Tokens, *, estimated: bool = False) -> None:
        """What it used; the last word counts."""
        usd = self.price.of(tokens) if self.price else 0.0
        self.used = Used(1, tokens, usd, unpriced=0 if self.price or not tokens.total else 1, estimated=int(estimated))


class Meter:
    """The account of one turn."""

    def __init__(self, limits: TurnLimits) -> None:
        self._limits = limits
        self._settled = Used()
        self._under_way: list[Call] = []
        self._changed = asyncio.Condition()
        self.over = asyncio.Event()
        """A call was refused. A turn that calls no more when its budget is used up ends as it would."""
        self.sentence = ""

    @property
    def used(self) -> Used:
        """What calls that ended have used."""
        return self._settled

    @property
    def pending(self) -> Used:
        """The same with those under way, at their upper estimates."""
        return sum((self._worst(call) for call in self._under_way), self._settled)

    @asynccontextmanager
    async def call(self, price: Price | None, most: Tokens) -> AsyncIterator[Call]:
        """A call, once there is room for it. Settle it in the block; else its upper estimate counts. Raises Over."""
        call = Call(price, most, Used())
        call.settle(most, estimated=True)
        async with self._changed:
            await self._changed.wait_for(self._room)
            if reached := self._reached(self._settled):
                self.sentence = reached.sentence
                self.over.set()
                raise Over(reached.sentence)
            self._under_way.append(call)
        try:
            yield call
        finally:
            # No await before the sum: what a cancelled call used counts, too.
            self._under_way.remove(call)
            self._settled += call.used
            await asyncio.shield(self._tell())

    def _room(self) -> bool:
        """Nothing is under way, or what is leaves something over."""
        return not self._under_way or not self._reached(self.pending) or bool(self._reached(self._settled))

    def _worst(self, call: Call) -> Used:
        return replace(call.used, usd=call.price.of(call.most) if call.price else 0.0, tokens=call.most, calls=1)

    def _reached(self, used: Used) -> Allowance | None:
        limits = self._limits
        seen = ((limits.calls, used.calls), (limits.tokens, used.tokens.total), (limits.usd, used.usd))
        return next((most for most, value in seen if most is not None and value >= most.most), None)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
