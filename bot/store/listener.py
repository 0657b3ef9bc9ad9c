"""LISTEN: what other processes commit rings the bell here. Missing one does no harm: workers look by themselves."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import psycopg

from bot.store import postgres

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Listener:
    """Listens from its making to `close`, and connects again whenever the connection is lost."""

    def __init__(self, url: str, idle_seconds: float, rung: Callable[[], None]) -> None:
        address = postgres.address(url)
        words, named = address.get_dialect()().create_connect_args(address)
        self._words = words
        self._named = {**named, **postgres.connecting(url, idle_seconds)}
        self._rung = rung
        self._listening = asyncio.create_task(self._listen(), name="store-listener")

    async def close(self) -> None:
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error):  # the verbs of the store tell of an outage
                await self._hear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(*self._words, **self._named, autocommit=True) as conn:
            await conn.execute(f"LISTEN {postgres.CHANNEL}")
            self._rung()  # nobody heard what was told before
            async for _ in conn.notifies():
                self._rung()
