"""Whatever is asked for, claimed and given back in whatever order: the store claims what a simple model claims."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store.store import Store
from bot.store.values import Claimed
from bot.task.effects import Effect, Lane, React, RunAgent, Sweep, TaskEffect, Verify, Wait, WorldEffect, key, lane
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

LABELS = [React(None, name) for name in "abc"]
EFFECTS: list[TaskEffect | WorldEffect] = [*LABELS, RunAgent(1, 1), Verify(1, 1), Sweep()]


@dataclass
class Row:
    """An open effect, in the order in which it was inserted."""

    subject: str
    effect: Effect
    due: datetime
    first: datetime
    attempts: int = 0
    held: bool = False

    def shares_lane(self, other: "Row") -> bool:
        return (self.subject, lane(self.effect)) == (other.subject, lane(other.effect))


@dataclass
class Model:
    """The rules of DESIGN.md, without a database."""

    rows: list[Row] = field(default_factory=list)

    def waiting(self, subject: str, effect: Effect) -> Row | None:
        same = (row for row in self.rows if not row.held and (row.subject, key(row.effect)) == (subject, key(effect)))
        return next(same, None)

    def want(self, subject: str, effect: Effect, wait: Wait, now: datetime) -> None:
        row = self.waiting(subject, effect)
        if row is None:
            self.rows.append(Row(subject, effect, now + wait.quiet, now))
        elif wait == Wait():
            row.due = min(row.due, now)
        else:
            row.due = min(now + wait.quiet, row.first + wait.bound)

    def claim(self, now: datetime) -> Row | None:
        ready = [row for row in self.rows if not row.held and row.due <= now and not self._is_blocked(row, now)]
        chosen = min(ready, key=lambda row: row.due, default=None)
        if chosen is not None:
            chosen.held = True
            chosen.attempts += 1
        return chosen

    def _is_blocked(self, row: Row, now: datetime) -> bool:
        others = [other for other in self.rows if other is not row and other.shares_lane(row)]
        ahead = [other for other in others if self.rows.index(other) < self.rows.index(row)]
        strict = lane(row.effect) is Lane.WORK
        return any(other.held for other in others) or any(strict or other.due <= now for other in ahead)

    def release(self, row: Row, until: datetime, count: bool) -> None:
        twin = self.waiting(row.subject, row.effect)
        row.attempts -= 0 if count else 1
        if twin is not None:
            self.rows.remove(row)
            twin.attempts = max(twin.attempts, row.attempts)
        else:
            row.held, row.due = False, until


def told(row: Row | None) -> tuple[str, Effect, int] | None:
    return None if row is None else (row.subject, row.effect, row.attempts)


def shown(claimed: Claimed | None) -> tuple[str, Effect, int] | None:
    return None if claimed is None else (claimed.subject, claimed.effect, claimed.attempt)


seconds = st.integers(0, 40).map(lambda n: timedelta(seconds=n))
waits = st.one_of(st.just(Wait()), st.builds(lambda quiet: Wait(quiet, quiet * 2), seconds.filter(bool)))
steps = st.one_of(
    st.tuples(st.just("want"), st.sampled_from(["repo:1", "repo:2"]), st.sampled_from(EFFECTS), waits),
    st.tuples(st.just("claim")),
    st.tuples(st.just("claim")),
    st.tuples(st.just("finish"), st.integers(0, 5)),
    st.tuples(st.just("release"), st.integers(0, 5), seconds, st.booleans()),
    st.tuples(st.just("advance"), seconds),
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(steps, min_size=5, max_size=30))
async def test_the_store_claims_what_the_model_claims(
    store: Store, clock: StillClock, script: list[tuple[object, ...]]
) -> None:
    model = Model()
    held: list[tuple[Row, Claimed]] = []
    for step in script:
        match step:
            case ("want", str(subject), effect, Wait() as wait):
                assert isinstance(effect, TaskEffect | WorldEffect)
                await store.want(subject, effect, wait)
                model.want(subject, effect, wait, clock.now)
            case ("claim",):
                row, claimed = model.claim(clock.now), await store.claim("w")
                assert shown(claimed) == told(row)
                if row is not None and claimed is not None:
                    held.append((row, claimed))
            case ("finish", int(n)) if held:
                row, claimed = held.pop(n % len(held))
                await store.finish(claimed)
                model.rows.remove(row)
            case ("release", int(n), timedelta() as later, bool(count)) if held:
                row, claimed = held.pop(n % len(held))
                await store.release(claimed, clock.now + later, count=count)
                model.release(row, clock.now + later, count)
            case ("advance", timedelta() as by):
                clock.now += by
    await end(store, clock, model, held)


async def end(store: Store, clock: StillClock, model: Model, held: list[tuple[Row, Claimed]]) -> None:
    """Everything is claimed in the model's order and finished; nothing is left for the next example."""
    for done, mine in held:
        await store.finish(mine)
        model.rows.remove(done)
    clock.advance(minutes=5)
    while (claimed := await store.claim("w")) is not None:
        row = model.claim(clock.now)
        assert shown(claimed) == told(row)
        assert row is not None
        await store.finish(claimed)
        model.rows.remove(row)
    assert model.rows == []
    assert await store.open_effects() == []
