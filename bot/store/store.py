"""The store: durable memory behind a few verbs. Every verb is one transaction and may be repeated after a crash."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from bot.store import artifacts, claims, deliveries, effects, notes, pauses, postgres, spending, sqlite, tasks
from bot.store.bell import Bell
from bot.store.deliveries import Arrival
from bot.store.errors import StoreClosed
from bot.store.facts import Facts
from bot.store.inbox import Inbox
from bot.store.opening import TIME_TO_LIVE, Opened, open_postgres, open_sqlite
from bot.store.reads import ReadStore
from bot.store.session import new_lease, session_of
from bot.store.values import Applied, Claimed, Finished, Received
from bot.task.budget import TurnKey
from bot.task.effects import Lane, Pace, TaskEffect, Wait, WorldEffect, lane
from bot.task.events import Labelled, TaskEvent
from bot.task.ids import ArtifactId, DeliveryId, FactKey, RepoRef, TaskId
from bot.task.model import Task
from bot.task.results import Progress
from bot.task.usage import Used

T = TypeVar("T")

READY_SECONDS = 5.0
INSTALLATION = "installation"
"""A database that does not answer for so long is not ready."""


class Store(ReadStore):
    """Open with `Store.open`; one per process."""

    def __init__(self, opened: Opened, bell: Bell, pace: Pace, clock: Callable[[], datetime]) -> None:
        super().__init__(opened.database, clock)
        self._opened = opened
        self._database = opened.database
        self._session = opened.session
        self._bell = bell
        self._pace = pace
        self._inbox = Inbox(opened.database, clock)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pace: Pace,
        clock: Callable[[], datetime],
        data_dir: Path,
        migrate: bool = True,
        time_to_live: timedelta = TIME_TO_LIVE,
    ) -> "Store":
        """Migrate, and begin a session: what this machine held before is free.

        A relative file lies in `data_dir`. `time_to_live`: how long a dead worker on PostgreSQL keeps what it held.
        Raises the errors of `bot.store.errors`.
        """
        bell = Bell()
        if postgres.speaks(url):
            opened = await open_postgres(url, data_dir, migrate, time_to_live, bell.ring)
        else:
            opened = await open_sqlite(sqlite.file_of(url, data_dir), migrate, bell.ring)
        return cls(opened, bell, pace, clock)

    async def close(self) -> None:
        """Give back what is held, and let go of the database. Calls that are under way end first."""
        await self._opened.close()

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

    async def relocate(self, repo: RepoRef) -> None:
        """A repository was renamed, or is reached through another installation: its tasks learn it."""
        if await self.called(repo.id) not in (None, repo):
            await self._write(lambda conn: tasks.relocate(conn, repo, self._clock()))

    async def admit(self, limit: int) -> list[Task]:
        """Start runs, oldest wish first, while fewer than `limit` tasks hold a place."""

        def admit(conn: Connection) -> list[Task]:
            admitted = Facts(conn, self._pace, self._clock()).admit(limit)
            if admitted:
                self._database.announce(conn)
            return admitted

        admitted = await self._write(admit)
        if admitted:
            self._bell.ring()
        return admitted

    # ── effects ──

    async def want(self, subject: str, effect: WorldEffect | TaskEffect, wait: Wait | None = None) -> None:
        """Ask for an effect outside any event: `task:12`, `delivery:GUID`, `repo:ID`, `world`.

        One that waits under the same key is renewed instead; it is due at once, or after `wait`. A step of a run is
        for this machine.
        """
        home = self._session.machine if lane(effect) is Lane.WORK else None
        await self._tell(lambda facts: effects.ask(facts.conn, subject, effect, wait or Wait(), facts.now, home))

    async def claim(self, worker: str, *, runs: bool = True, asides: bool = True) -> Claimed | None:
        """The oldest due effect; None: nothing may be claimed now. A caller that is cancelled holds nothing.

        `runs=False`: no place is free for a step of a run; `asides=False`: none for work of no task.
        """
        session = self._session.id
        if session is None:
            return None
        taker = claims.Taker(worker, self._session.machine, new_lease(session), runs, asides)
        tries = count()
        taking = self._database.submit(lambda conn: self._take(conn, taker, again=next(tries) > 0))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(self._put_back)
            raise

    def _take(self, conn: Connection, taker: claims.Taker, again: bool) -> Claimed | None:
        if again and (claimed := claims.taken(conn, taker.lease)) is not None:
            return claimed
        if not self._session.may_claim(conn, session_of(taker.lease)):
            return None
        now = self._clock()
        Facts(conn, self._pace, now).bury_worn_out()
        return claims.claim(conn, taker, now)

    def _put_back(self, taking: asyncio.Future[Claimed | None]) -> None:
        claimed = None if taking.cancelled() or taking.exception() else taking.result()
        if claimed is not None:
            now = self._clock()
            with contextlib.suppress(StoreClosed):  # then the end of the session voids the claim
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

    def holds(self, claimed: Claimed) -> bool:
        """Is the session that claimed it still this process's own? Costs no look at the database, works without one."""
        return self._session.id == session_of(claimed.lease)

    async def lost(self, held: Sequence[Claimed]) -> list[Claimed]:
        """Those of them that were taken over, or that nobody wants any more."""
        if not held:
            return []
        leases = {claimed.lease for claimed in held}
        owned = await self._database.read(lambda conn: claims.still_owned(conn, leases))
        return [claimed for claimed in held if claimed.lease not in owned]

    async def may_write(self, claimed: Claimed) -> bool:
        """The fence, right before a write to the world: is it still ours and wanted, and will it be for a while?

        Asked of the database, whose time counts, and then once more of our own clock: this process may have been
        frozen while it waited for the answer. Raises StoreUnavailable.
        """
        session = session_of(claimed.lease)

        def look(conn: Connection) -> bool:
            return claims.is_owned(conn, claimed) and self._session.is_fresh(conn, session)

        return self.holds(claimed) and await self._database.read(look) and self.holds(claimed)

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

    async def thin_artifacts(self, kind: str, prefix: str, newest: int) -> None:
        """Of what belongs to no task, is of this kind and begins with this name, only the newest stay."""
        await self._write(lambda conn: artifacts.thin(conn, kind, prefix, newest))

    async def drop_artifacts(self, task: TaskId, kind: str) -> None:
        """Remove every artifact of a kind."""
        await self._write(lambda conn: artifacts.drop(conn, task, kind))

    # ── small things ──

    async def set_progress(self, task: TaskId, run: int, progress: Progress) -> None:
        """What the agent does now; a newer run's progress is not overwritten by an older one's."""
        await self._write(lambda conn: notes.set_progress(conn, task, run, progress, self._clock()))

    async def declare_pauses(self, reasons: Mapping[str, str]) -> None:
        """The pauses of the operator's file are exactly these: reasons by `Pause.repository`."""
        await self._tell(lambda facts: pauses.declare(facts.conn, reasons, facts.now))

    async def set_spent(self, turn: TurnKey, seconds: float, used: Used | None = None) -> None:
        """How long a turn has taken so far, and what it used models for."""
        await self._write(lambda conn: spending.set_spent(conn, turn, seconds, used or Used()))

    async def mark(self, name: str, value: str) -> None:
        """Remember a value, say a sweep's cursor."""
        await self._write(lambda conn: notes.mark(conn, name, value))

    async def unmark(self, name: str) -> None:
        """Forget it."""
        await self._write(lambda conn: notes.unmark(conn, name))

    async def installation(self) -> str:
        """Eight hexadecimal digits that tell this installation from others; drawn once, for all its machines."""
        known = await self.marked(INSTALLATION)
        if known is not None:
            return known
        return await self._write(lambda conn: notes.mark_once(conn, INSTALLATION, secrets.token_hex(4)))

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
