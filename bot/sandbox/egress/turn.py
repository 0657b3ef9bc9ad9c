"""The way out of one turn: a socket of its own, the proxy behind it, and what was used."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bot.sandbox.box import Box
from bot.sandbox.egress import upstream
from bot.sandbox.egress.box import SOCKET, furnished, socket_folder
from bot.sandbox.egress.listening import Bounds, Listener
from bot.sandbox.egress.meter import Meter
from bot.sandbox.egress.model import ModelProxy
from bot.sandbox.egress.values import MODEL_PORT, Route, Spent, TurnLimits
from bot.task.usage import Used


@dataclass(frozen=True, slots=True)
class Egress:
    """What a turn may do outside, while the block of `opened` lasts; `spent` stays readable after it."""

    folder: Path
    _proxy: ModelProxy
    _meter: Meter

    def furnish(self, box: Box) -> Box:
        """The box with the model at `values.MODEL_URL`."""
        return furnished(box, "model", self.folder, MODEL_PORT, {})

    async def until_over(self) -> None:
        """Returns when a limit has refused a call."""
        await self._meter.over.wait()

    @property
    def pending(self) -> Used:
        """What is used at most, calls under way included."""
        return self._meter.pending

    @property
    def spent(self) -> Spent:
        record = self._proxy.record
        return Spent(
            used=self._meter.used,
            over=self._meter.sentence,
            rate_limited_until=record.busy_until,
            failures=record.failures,
            fault=record.fault,
            refused=tuple(record.refused),
            models=tuple(record.models),
            last_call=record.last_call,
        )


@asynccontextmanager
async def opened(
    route: Route,
    limits: TurnLimits,
    clock: Callable[[], datetime],
    *,
    bounds: Bounds | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Egress]:
    """A way out for the block. At its end calls under way are cut off and counted as far as they came."""
    meter = Meter(limits)
    async with upstream.client(route, transport) as http:
        proxy = ModelProxy(route, meter, http, clock, money_counts=limits.usd is not None)
        with socket_folder() as folder:
            async with Listener(folder / SOCKET, proxy.answer, bounds or Bounds()):
                yield Egress(folder, proxy, meter)
