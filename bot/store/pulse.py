"""The heartbeat of a worker on PostgreSQL: a thread with a connection of its own, whatever else this process does.

A session that cannot be sure to have beaten within half of the time to live ends by itself, without a look at the
database; only after all of that time may others take over. So a worker stops before its leases run out.
"""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from bot.store import workers
from bot.store.postgres import announce
from bot.store.workers import Identity

log = logging.getLogger(__name__)

BEATS = 6
"""Heartbeats in the time to live."""
CLOSE_SECONDS = 5.0
"""How long a closing store waits for the thread, which may wait for a database that is gone."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds, on a clock that goes on while the machine sleeps, where there is one (clock_gettime(2))."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A session, and when its last beat was sent: replaced as a whole, so that any thread may look at it."""

    id: str
    beaten_at: float


class Pulse:
    """The session of this process; a new one begins by itself when one was lost. Implements `session.Session`."""

    def __init__(self, engine: Engine, who: Identity, time_to_live: float, rung: Callable[[], None]) -> None:
        """`time_to_live` in seconds; `rung` is called from the thread when there may be something to claim.

        Raises DBAPIError when the first session cannot begin. Whoever had this machine before is dead.
        """
        self._engine = engine
        # one round trip a beat: each costs a place in the queue for the interpreter's lock on a busy machine
        self._beating = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._who = who
        self._time_to_live = time_to_live
        self._rung = rung
        self._standing: _Standing | None = None
        self._ending = threading.Event()
        with engine.begin() as conn:
            workers.dismiss_former(conn, who.machine)
        self._begin()
        self._thread = threading.Thread(target=self._keep_beating, name="store-pulse", daemon=True)
        self._thread.start()

    @property
    def machine(self) -> str:
        return self._who.machine

    @property
    def id(self) -> str | None:
        standing = self._standing
        if standing is None or elapsed() - standing.beaten_at > self._time_to_live / 2:
            return None
        return standing.id

    def may_claim(self, conn: Connection, session: str) -> bool:
        return workers.is_younger(conn, session, self._time_to_live, keep=True)

    def is_fresh(self, conn: Connection, session: str) -> bool:
        return workers.is_younger(conn, session, self._time_to_live / 2)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._ending.set()
        self._thread.join(CLOSE_SECONDS)
        standing, self._standing = self._standing, None
        if standing is not None:
            with contextlib.suppress(DBAPIError), self._engine.begin() as conn:  # else it ends by its age
                workers.dismiss(conn, standing.id)
                announce(conn)
        self._engine.dispose()

    def _begin(self) -> None:
        worker, sent_at = f"{self._who.host}-{self._who.pid}-{secrets.token_hex(4)}", elapsed()
        with self._engine.begin() as conn:
            workers.enlist(conn, worker, self._who)
        self._standing = _Standing(worker, sent_at)

    def _keep_beating(self) -> None:
        while not self._ending.wait(self._time_to_live / BEATS):
            try:
                self._tick()
            except DBAPIError as error:
                log.warning("no heartbeat: %s", str(error.orig).strip().partition("\n")[0])

    def _tick(self) -> None:
        standing = self._standing
        others = True
        if standing is not None:
            goes_on, others = self._beat(standing)
            if not goes_on:
                log.error("the heartbeat of %s was too late: what it held is given up", standing.id)
                self._standing = standing = None
        if standing is None:
            self._begin()
            self._rung()
        if others:
            self._take_over()

    def _beat(self, standing: _Standing) -> tuple[bool, bool]:
        sent_at = elapsed()
        if sent_at - standing.beaten_at > self._time_to_live / 2:
            return False, True
        with self._beating.connect() as conn:
            goes_on, others = workers.beat(conn, standing.id, self._time_to_live)
        if goes_on:
            self._standing = _Standing(standing.id, sent_at)
        return goes_on, others

    def _take_over(self) -> None:
        with self._engine.begin() as conn:
            dead = workers.take_over(conn, self._time_to_live)
            if dead:
                announce(conn)
        if dead:
            log.warning("took over from %s, which had no heartbeat for %g s", ", ".join(dead), self._time_to_live)
            self._rung()
