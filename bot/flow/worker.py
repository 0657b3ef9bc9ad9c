"""Claim an effect, perform its step, record what happened. All that is due is an effect; nothing else moves a task."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from datetime import datetime

from bot.flow.doors import Clock
from bot.flow.fence import working_for
from bot.flow.retry import GiveUp, Later, decide
from bot.flow.steps.perform import Steps
from bot.sandbox.running import surely
from bot.store.errors import StoreError, StoreUnavailable
from bot.store.store import Store
from bot.store.values import Claimed
from bot.task.effects import Lane, Sweep, lane
from bot.task.events import TaskEvent

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 0.5
"""How soon a step notices that its lease is gone: it then kills its sandbox."""
OUTAGE_SECONDS = 1.0
"""Pause after the database did not answer."""
TIDY_SECONDS = 600.0
"""How often this machine looks for worktrees that nobody needs."""
IDLE_SECONDS = 5.0
"""Longest sleep; a commit wakes the worker earlier."""
SPARE_PLACES = 16
"""Effects beside the runs: deliveries, comments, labels."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The step came to its end; `event` is what happened."""

    event: TaskEvent | None


Outcome = Performed | Later | GiveUp


@dataclass(slots=True)
class Going:
    """An effect in our hands, and the step that performs it."""

    claimed: Claimed
    step: asyncio.Future[Outcome]
    cancelled: bool = False

    def cancel(self) -> None:
        """Once: a second one would interrupt the step's own cleaning up."""
        if not self.cancelled:
            self.cancelled = True
            self.step.cancel()


@dataclass(slots=True)
class Worker:
    """One process's hands. `rethrow`: a fault of ours ends the worker, as tests want it."""

    name: str
    store: Store
    steps: Steps
    clock: Clock
    max_parallel: int
    """Runs at once, over all workers of the database; the largest number among them counts."""
    rethrow: bool = False
    places: int | None = None
    """Steps of runs at once in this process; None: as many as there may be runs."""
    _running: dict[asyncio.Task[None], Going] = field(default_factory=dict)

    async def serve(self) -> None:
        """Work until cancelled; then every step is cancelled, its sandbox killed, its effect given back.

        While the database does not answer, nothing is taken up.
        """
        async with asyncio.TaskGroup() as group:
            for duty in (self._watch(), self._heed(), self._keep_tidy()):
                group.create_task(duty)
            sweeping = False
            while True:
                asked_at = self.clock()
                try:
                    if not sweeping:
                        await self.store.want("world", Sweep())
                        sweeping = True
                    await self._start_due(group)
                    seconds = await self._sleep_seconds(asked_at)
                except StoreUnavailable as outage:
                    log.warning("%s", outage)
                    seconds = OUTAGE_SECONDS
                await self.store.woken(seconds)

    async def _start_due(self, group: asyncio.TaskGroup) -> None:
        await self.store.admit(self.max_parallel)
        places = self.places or self.max_parallel
        while len(self._running) < places + SPARE_PLACES:
            work = [going.claimed for going in self._running.values() if lane(going.claimed.effect) is Lane.WORK]
            steps = sum(claimed.task is not None for claimed in work)
            claimed = await self.store.claim(self.name, runs=steps < places, asides=steps == len(work))
            if claimed is None:
                return
            going = Going(claimed, asyncio.ensure_future(self.perform(claimed)))
            handling = group.create_task(self._handle(going))
            self._running[handling] = going
            handling.add_done_callback(self._running.pop)

    async def _sleep_seconds(self, asked_at: datetime) -> float:
        """Until something falls due. What was due and was not claimed waits for a commit, which wakes us."""
        due = await self.store.next_due(after=asked_at)
        if due is None:
            return IDLE_SECONDS
        return min(max((due - self.clock()).total_seconds(), 0.0), IDLE_SECONDS)

    async def _watch(self) -> None:
        """What this process cannot be sure to hold any more is cancelled, whether the database answers or not."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for going in list(self._running.values()):
                if not self.store.holds(going.claimed):
                    going.cancel()

    async def _heed(self) -> None:
        """A step whose lease is gone (stopped, taken over) is cancelled once, and with it its sandbox."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            held = {going.claimed.lease: going for going in self._running.values()}
            with contextlib.suppress(StoreUnavailable):
                for lost in await self.store.lost([going.claimed for going in held.values()]):
                    held[lost.lease].cancel()

    async def _keep_tidy(self) -> None:
        """The sweep tidies up on one machine; this one may have to be tidied up, too."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.steps.tidy()
            await asyncio.sleep(TIDY_SECONDS)

    async def _handle(self, going: Going) -> None:
        """The step may be cancelled, once; recording its end may not: it would leave a lease that nobody holds."""
        try:
            await asyncio.wait({going.step})
        except asyncio.CancelledError:
            going.cancel()
            await surely(asyncio.wait({going.step}))
        if going.step.cancelled():
            await surely(self._give_back(going.claimed))
        else:
            await surely(self._settle(going.claimed, going.step.result()))

    async def _give_back(self, claimed: Claimed) -> None:
        with contextlib.suppress(StoreUnavailable):  # then it is free when our session ends
            await self.store.release(claimed, self.clock(), count=False)

    async def _settle(self, claimed: Claimed, outcome: Outcome) -> None:
        """Record it, however long the database does not answer; in vain when the effect is not ours any more."""
        while True:
            try:
                await self._record_somehow(claimed, outcome)
                return
            except StoreUnavailable as outage:
                log.warning("%s", outage)
            if not self.store.holds(claimed):
                return
            await asyncio.sleep(OUTAGE_SECONDS)

    async def _record_somehow(self, claimed: Claimed, outcome: Outcome) -> None:
        """A result that cannot be recorded is a failure of its step, and not of the worker."""
        try:
            await self.record(claimed, outcome)
        except StoreError:
            raise
        except Exception as error:
            log.exception("the result of %s of %s cannot be recorded", type(claimed.effect).__name__, claimed.subject)
            if self.rethrow:
                raise
            await self.record(claimed, decide(error, claimed.attempt, self.clock()))

    async def step(self) -> Claimed | None:
        """Admit, then claim, perform and record exactly one effect; None when nothing is due."""
        await self.store.admit(self.max_parallel)
        claimed = await self.store.claim(self.name)
        if claimed is not None:
            await self.record(claimed, await self.perform(claimed))
        return claimed

    async def perform(self, claimed: Claimed) -> Outcome:
        """The step, and what to make of its failure."""
        try:
            with working_for(claimed):
                return Performed(await self.steps.perform(claimed))
        except Exception as error:
            outcome = decide(error, claimed.attempt, self.clock())
            if outcome.ours:
                log.exception("%s of %s failed", type(claimed.effect).__name__, claimed.subject)
                if self.rethrow:
                    raise
            else:
                log.warning("%s of %s: %s", type(claimed.effect).__name__, claimed.subject, outcome.fault)
            return outcome

    async def record(self, claimed: Claimed, outcome: Outcome) -> None:
        """One transaction; nothing is written when the lease is no longer ours."""
        match outcome:
            case Performed(event):
                await self.store.finish(claimed, event)
            case Later(until, fault, counted):
                await self.store.release(claimed, until, fault=fault, count=counted)
            case GiveUp(fault):
                await self.store.bury(claimed, fault)
