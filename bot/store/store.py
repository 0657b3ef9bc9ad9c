"""The store: durable memory behind a few verbs. Every verb is one transaction and may be repeated after a crash."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from bot.store import artifacts, claims, deliveries, effects, notes, spending, sqlite, tasks
from bot.store.bell import Bell
from bot.store.database import Database, SqliteDatabase
from bot.store.deliveries import Arrival
from bot.store.errors import StoreClosed
from bot.store.facts import Facts
from bot.store.inbox import Inbox
from bot.store.reads import ReadStore
from bot.store.values import Applied, Claimed, Finished, Received
from bot.task.budget import TurnKey
from bot.task.effects import Pace, TaskEffect, Wait, WorldEffect
from bot.task.events import Labelled, TaskEvent
from bot.task.ids import ArtifactId, DeliveryId, FactKey, TaskId
from bot.task.model import Task
from bot.task.results import Progress

T = TypeVar("T")

READY_SECONDS = 5.0
"""A database that does not answer for so long is not ready."""


class Store(ReadStore):
    """Open with `Store.open`; one per process."""

    def __init__(self, database: Database, bell: Bell, pace: Pace, clock: Callable[[], datetime]) -> None:
        super().__init__(database, clock)
        self._database = database
        self._bell = bell
        self._pace = pace
        self._inbox = Inbox(database, clock)

    @classmethod
    async def open(
        cls, url: str, *, pace: Pace, clock: Callable[[], datetime], data_dir: Path, migrate: bool = True
    ) -> "Store":
        """Lock, back up and migrate, and void the claims of whoever had it open before.

        A relative file lies in `data_dir`. Raises the errors of `bot.store.errors`.
        """
        bell = Bell()
        database = await SqliteDatabase.open(sqlite.file_of(url, data_dir), migrate, bell.ring)
        try:
            await database.submit(_begin_epoch)
        except BaseException:
            await database.close()
            raise
        return cls(database, bell, pace, clock)

    @property
    def commits(self) -> int:
        """Transactions committed since the database was opened."""
        return self._database.commits

    # ── webhooks ──

    async def receive(self, delivery: DeliveryId, event: str, body: bytes, handled: bool) -> Received:
        """Store a delivery; returns after the commit, which many callers share. Unhandled ones want no effect."""
        return await self._inbox.receive(Arrival(delivery, event, body, handled))

    async def forget_deliveries(self, before: datetime) -> int:
        """Empty the bodies of settled deliveries received before; returns how many."""
        return await self._write(lambda conn: deliveries.forget(conn, before))

    # ── facts ──

    async def begin(self, event: Labelled, key: FactKey) -> Applied | None:
        """The label: a new task, or the latest one goes on. None: this very labelling started a task already."""
        return await self._tell(lambda facts: facts.begin(event, key))

    async def apply(self, task: TaskId, event: TaskEvent, key: FactKey) -> Applied:
        """Tell a fact to a task: event, new state and effects in one transaction; a known key changes nothing.

        Raises LookupError if there is no such task.
        """
        return await self._tell(lambda facts: facts.apply(tasks.lock(facts.conn, task), event, key))

    async def admit(self, limit: int) -> list[Task]:
        """Start runs, oldest wish first, while fewer than `limit` tasks hold a place."""
        admitted = await self._write(lambda conn: Facts(conn, self._pace, self._clock()).admit(limit))
        if admitted:
            self._bell.ring()
        return admitted

    # ── effects ──

    async def want(self, subject: str, effect: WorldEffect | TaskEffect, wait: Wait | None = None) -> None:
        """Ask for an effect outside any event: `task:12`, `delivery:GUID`, `repo:ID`, `world`.

        One that waits under the same key is renewed instead; it is due at once, or after `wait`.
        """
        await self._tell(lambda facts: effects.ask(facts.conn, subject, effect, wait or Wait(), facts.now))

    async def claim(self, worker: str) -> Claimed | None:
        """The oldest due effect; None: nothing may be claimed now. A caller that is cancelled holds nothing."""
        taking = self._database.submit(lambda conn: self._take(conn, worker))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(self._put_back)
            raise

    def _take(self, conn: Connection, worker: str) -> Claimed | None:
        now = self._clock()
        Facts(conn, self._pace, now).bury_worn_out()
        return claims.claim(conn, worker, now)

    def _put_back(self, taking: asyncio.Future[Claimed | None]) -> None:
        claimed = None if taking.cancelled() or taking.exception() else taking.result()
        if claimed is not None:
            now = self._clock()
            with contextlib.suppress(StoreClosed):  # then the next start voids the claim
                self._database.submit(lambda conn: claims.give_back(conn, claimed, now, "", False), rings=True)

    async def finish(self, claimed: Claimed, event: TaskEvent | None = None) -> Finished:
        """The effect goes and its result is told, in one transaction; LOST, and nothing else, if it is not ours."""
        return await self._tell(lambda facts: facts.finish(claimed, event))

    async def release(self, claimed: Claimed, until: datetime, *, fault: str = "", count: bool = True) -> None:
        """Give it back, to be claimed again at `until`. `count=False`: this was no attempt."""
        await self._tell(lambda facts: claims.give_back(facts.conn, claimed, until, fault, count))

    async def bury(self, claimed: Claimed, fault: str) -> None:
        """Give it up: the row stays with its fault; its task hears `EffectFailed`, its delivery has failed."""
        await self._tell(lambda facts: facts.bury(claimed, fault))

    async def woken(self, timeout: float) -> None:  # noqa: ASYNC109 (running out of time is no error here)
        """Return when a commit added or freed effects since the last return, or after `timeout` seconds.

        For the one dispatcher of this process.
        """
        await self._bell.heard(timeout)

    # ── artifacts ──

    async def keep(self, task: TaskId | None, kind: str, name: str, data: bytes) -> ArtifactId:
        """Keep a content; the same task, kind and name again replaces it under the same id."""
        packed = await asyncio.to_thread(artifacts.pack, task, kind, name, data)
        size = sum(map(len, packed.parts))
        return await self._database.submit(lambda conn: artifacts.keep(conn, packed, self._clock()), size)

    async def drop_artifacts(self, task: TaskId, kind: str) -> None:
        """Remove every artifact of a kind."""
        await self._write(lambda conn: artifacts.drop(conn, task, kind))

    # ── small things ──

    async def set_progress(self, task: TaskId, run: int, progress: Progress) -> None:
        """What the agent does now; a newer run's progress is not overwritten by an older one's."""
        await self._write(lambda conn: notes.set_progress(conn, task, run, progress, self._clock()))

    async def set_spent(self, turn: TurnKey, seconds: float) -> None:
        """How long a turn has taken so far."""
        await self._write(lambda conn: spending.set_spent(conn, turn, seconds))

    async def mark(self, name: str, value: str) -> None:
        """Remember a value, say a sweep's cursor."""
        await self._write(lambda conn: notes.mark(conn, name, value))

    async def ready(self) -> bool:
        """Do the writer and a reader answer?"""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._write(lambda conn: None)
                await self._database.read(lambda conn: conn.exec_driver_sql("SELECT 1").scalar())
        except Exception:
            return False
        return True

    async def _tell(self, tell: Callable[[Facts], T]) -> T:
        """A transaction after which there may be something to claim."""
        return await self._database.submit(lambda conn: tell(Facts(conn, self._pace, self._clock())), rings=True)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._database.submit(work)


def _begin_epoch(conn: Connection) -> None:
    notes.next_epoch(conn)
    claims.void_claims(conn)
