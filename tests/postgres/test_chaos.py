"""Many tasks over four worker processes, while workers are killed and frozen and PostgreSQL crashes: nothing twice.

How many tasks is said by CHAOS_TASKS: few by default.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bot.store.store import Store
from bot.task.events import Published, RunAdmitted
from bot.task.model import RUNNING, Phase
from tests.postgres.fleet import Fleet, Push
from tests.postgres.server import Server
from tests.postgres.town import Town
from tests.worlds.leftovers import nothing_left

pytestmark = pytest.mark.anyio

TASKS = int(os.environ.get("CHAOS_TASKS", "12"))
SEED = 100
SHIPS = 4
PLACES = 8
LIMIT = 4
LEASE_SECONDS = 3.0
BOUND_SECONDS = 90.0 + TASKS * 2.0


@dataclass
class Chaos:
    """What is done to the fleet, in an order that the seed says."""

    fleet: Fleet
    server: Server
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    wakes: list[tuple[int, float, float]] = field(default_factory=list)
    """Pid, when it was frozen, and when it was woken."""

    async def strike(self) -> None:
        """Kill a worker, or freeze it for longer than its lease; the others go on meanwhile."""
        ship = self.chance.choice(self.fleet.ships)
        if self.chance.random() < 0.6:
            await ship.kill()
            self.done["kill"] += 1
            await asyncio.sleep(self.chance.uniform(0, 1.5) * LEASE_SECONDS)
            await ship.start()
        else:
            frozen_at = time.time()
            ship.signal(signal.SIGSTOP)
            await asyncio.sleep(self.chance.uniform(1.3, 2) * LEASE_SECONDS)
            self.wakes.append((ship.pid, frozen_at, time.time()))
            ship.signal(signal.SIGCONT)
            self.done["freeze"] += 1

    async def crash_postgres(self) -> None:
        await asyncio.to_thread(self.server.restart)
        self.done["crash"] += 1


@dataclass
class Looking:
    """What the database says while it goes on, through a connection that comes back after a crash."""

    url: str
    most: int = 0
    finished: int = 0

    async def look(self) -> None:
        """Sample until cancelled."""
        running = [phase.value for phase in RUNNING]
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as conn:
                    while True:
                        rows = await conn.execute("SELECT phase, count(*) FROM tasks GROUP BY phase")
                        phases: dict[str, int] = dict(await rows.fetchall())
                        self.most = max(self.most, sum(phases.get(phase, 0) for phase in running))
                        self.finished = phases.get(Phase.IN_REVIEW.value, 0)
                        await asyncio.sleep(0.05)
            except psycopg.OperationalError:
                await asyncio.sleep(0.2)


async def test_many_tasks_survive_what_kills_workers(postgres: Server, database: str, quick_path: Path) -> None:
    began = time.monotonic()
    town = Town(quick_path, PLACES)
    async with town.receiving(database) as store:
        fleet = Fleet(town, database, quick_path, SHIPS, LIMIT, LEASE_SECONDS)
        chaos, looking = Chaos(fleet, postgres, random.Random(SEED)), Looking(database)
        sampling = asyncio.create_task(looking.look())
        try:
            await fleet.start()
            for _ in range(TASKS):
                town.label_an_issue()
            await storm(chaos, looking, began)
            await everything_was_said(store, began)
            stopped = await fleet.stop()
        finally:
            sampling.cancel()
            fleet.sink()
        assert all(code == 0 and seconds < 10 for code, seconds in stopped), stopped
        await everything_was_done_once(town, store, fleet)
        assert looking.most <= LIMIT
        assert await most_by_history(store) <= LIMIT
        no_zombie_pushed(fleet, await witnessed(database), chaos)
    await nothing_left(quick_path, 5)
    print(f"{TASKS} tasks in {time.monotonic() - began:.0f} s, {dict(chaos.done)}")


async def storm(chaos: Chaos, looking: Looking, began: float) -> None:
    """Strike again and again until most is done; PostgreSQL crashes when a third is. Then wait for the rest."""
    while looking.finished < TASKS:
        assert time.monotonic() - began < BOUND_SECONDS, f"{looking.finished} of {TASKS}\n{chaos.fleet.logs()}"
        if looking.finished >= TASKS / 3 and not chaos.done["crash"]:
            await chaos.crash_postgres()
        if looking.finished < TASKS * 0.9:
            await asyncio.sleep(chaos.chance.uniform(0.3, 2))
            await chaos.strike()
        await asyncio.sleep(0.1)
    assert chaos.done["crash"] == 1
    assert chaos.done["kill"] >= 1
    assert chaos.done["freeze"] >= 1


async def everything_was_said(store: Store, began: float) -> None:
    """A task is in review before people have heard of it: what is still to be said is waited for."""
    while [effect for effect in await store.open_effects() if effect.kind != "Sweep" and not effect.dead]:
        assert time.monotonic() - began < BOUND_SECONDS, await store.open_effects()
        await asyncio.sleep(0.1)


async def everything_was_done_once(town: Town, store: Store, fleet: Fleet) -> None:
    """One task, one pull request, one status and one ready comment for each issue; each branch was pushed once."""
    assert len(await store.tasks(10 * TASKS)) == TASKS
    for repo, issue in town.issues:
        [pull] = town.pulls_of(repo, issue)
        assert len(town.said(repo, issue, "status:")) == 1, (repo, issue, fleet.logs())
        assert len(town.said(repo, issue, "ready:")) == 1, (repo, issue, fleet.logs())
        assert town.changes_of(repo, pull.head_ref) == [pull.head_sha]
    dead = [(effect.kind, effect.fault) for effect in await store.open_effects() if effect.dead]
    assert dead == []


async def most_by_history(store: Store) -> int:
    """The most runs at once, in the order in which the database numbered admissions and ends."""
    steps: list[tuple[int, int]] = []
    for listed in await store.tasks(10 * TASKS):
        for told in await store.history(listed.task.id):
            if told.ignored is None and isinstance(told.event, RunAdmitted | Published):
                steps.append((told.id, 1 if isinstance(told.event, RunAdmitted) else -1))
    running = most = 0
    for _, step in sorted(steps):
        running += step
        most = max(most, running)
    return most


Holders = dict[str, list[tuple[float, str]]]
"""Of each branch: from when on which lease stood on its Publish effect, oldest first."""


async def witnessed(database: str) -> Holders:
    async with await psycopg.AsyncConnection.connect(database) as conn:
        rows = await conn.execute(
            "SELECT payload::json ->> 'branch', at, coalesce(lease, '')"
            " FROM witness JOIN tasks ON id = task ORDER BY at"
        )
        held: Holders = {}
        for branch, at, lease in await rows.fetchall():
            held.setdefault(branch, []).append((at, lease))
        return held


def no_zombie_pushed(fleet: Fleet, holders: Holders, chaos: Chaos) -> None:
    """Whoever pushed held the lease at that moment."""
    pushes = fleet.pushes()
    assert len(pushes) >= TASKS
    strangers = [push for push in pushes if f"-{push.pid}-" not in _holder(holders, push)]
    assert strangers == [], (chaos.wakes, fleet.logs())


def _holder(holders: Holders, push: Push) -> str:
    leases = [lease for at, lease in holders[push.branch] if at <= push.at]
    return leases[-1] if leases else ""
