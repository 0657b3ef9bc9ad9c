"""Deliveries that come in together are stored together: many callers share one statement and one commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from bot.store.database import Database
from bot.store.deliveries import Arrival, store
from bot.store.values import Received
from bot.store.writer import BATCH_BYTES, BATCH_JOBS

_Waiting = tuple[Arrival, asyncio.Future[Received]]


class Inbox:
    """While one batch is being committed, the next one gathers."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._busy = False

    async def receive(self, arrival: Arrival) -> Received:
        """Returns after the commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Received] = loop.create_future()
        self._waiting.append((arrival, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._send)  # whoever is ready in the same turn of the loop comes along
        return await future

    def _send(self) -> None:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_JOBS and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].body)
        arrivals = [arrival for arrival, _ in batch]
        now = self._clock()
        try:
            stored = self._database.submit(lambda conn: store(conn, arrivals, now), size, rings=True)
        except Exception as error:
            self._answer(batch, error)
            return
        stored.add_done_callback(lambda done: self._answer(batch, done.exception() or done.result()))

    def _answer(self, batch: list[_Waiting], outcome: BaseException | list[Received]) -> None:
        for n, (_, future) in enumerate(batch):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome[n])
        if self._waiting:
            self._send()
        else:
            self._busy = False
