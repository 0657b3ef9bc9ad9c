"""Claims: who gets which effect, holds it, and gives it back.

Oldest due first. Of one (subject, lane) only one is held at a time; in the work lane strictly in order, in the others
one that is not due yet lets later ones pass. A step of a task is left to the machine where the task's worktree
stands, for a while.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, exists, literal, or_, select, true, update

from bot.store import homes
from bot.store.schema import CLAIMABLE, HARD_CAP, RUNNING, WAITING, WORN_OUT, Instant, effects, is_open, is_running
from bot.store.values import Claimed
from bot.task.codec import EFFECT_KINDS, decode_effect
from bot.task.effects import CloseWorkspace, Lane, StartRun
from bot.task.ids import EffectId, TaskId

CLAIMED_KINDS = sorted(set(EFFECT_KINDS) - {StartRun.__name__})


PATIENCE = timedelta(seconds=10)
"""How long a step waits for the machine where its worktree stands; any other must bring the work there first."""
PATIENCE_TO_CLOSE = timedelta(minutes=10)
"""The same for closing the worktree: what an interrupted turn had done can be saved nowhere else."""


@dataclass(frozen=True, slots=True)
class Taker:
    """Who claims: a worker's name, its machine, and a new lease.

    `runs`: it has a place for a step of a run. `asides`: it has one for work of no task (onboarding).
    """

    worker: str
    machine: str
    lease: str
    runs: bool = True
    asides: bool = True


@dataclass(frozen=True, slots=True)
class Doomed:
    """An effect that is about to be buried."""

    id: EffectId
    subject: str
    task: TaskId | None
    kind: str
    fault: str


def _free_to_claim(now: datetime) -> ColumnElement[bool]:
    """Waiting, of a kind we know, and not behind another of its lane. Says nothing about its own due time."""
    other = effects.alias("other")
    same_lane = and_(other.c.subject == effects.c.subject, other.c.lane == effects.c.lane)
    held = exists().where(same_lane, is_running(other))
    ahead = exists().where(
        same_lane,
        is_open(other),
        other.c.id < effects.c.id,
        other.c.kind != StartRun.__name__,
        or_(other.c.lane == Lane.WORK, other.c.due_at <= now),
    )
    return and_(CLAIMABLE, effects.c.kind.in_(CLAIMED_KINDS), ~held, ~ahead)


def _is_for(taker: Taker, now: datetime) -> ColumnElement[bool]:
    """Is it for this machine, or has it waited long enough for its own? And does it need no place that is taken?"""
    closing = effects.c.kind == CloseWorkspace.__name__
    patient_since = case((closing, literal(now - PATIENCE_TO_CLOSE, Instant)), else_=literal(now - PATIENCE, Instant))
    here = or_(effects.c.home.is_(None), effects.c.home == taker.machine, effects.c.due_at <= patient_since)
    if not taker.runs:
        here = and_(here, or_(effects.c.lane != Lane.WORK, effects.c.task_id.is_(None), closing))
    return here if taker.asides else and_(here, or_(effects.c.lane != Lane.WORK, effects.c.task_id.is_not(None)))


def next_to_claim(taker: Taker, now: datetime) -> Select[Any]:
    """The oldest due effect that may be claimed; public so that its query plan can be looked at."""
    return (
        select(effects)
        .where(_free_to_claim(now), effects.c.due_at <= now, effects.c.attempts < HARD_CAP, _is_for(taker, now))
        .order_by(effects.c.due_at, effects.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=effects)
    )


def claim(conn: Connection, taker: Taker, now: datetime) -> Claimed | None:
    """Hand out the oldest due effect. A payload that cannot be read counts as worn out at once."""
    while row := conn.execute(next_to_claim(taker, now)).one_or_none():
        try:
            effect = decode_effect(row.kind, row.payload)
        except ValueError as error:
            spoiled = {"attempts": HARD_CAP, "fault": f"its payload cannot be read: {error}"[:1000]}
            conn.execute(update(effects).where(effects.c.id == row.id).values(spoiled))
            continue
        taken = {"owner": taker.worker, "lease": taker.lease, "attempts": row.attempts + 1}
        moved = False
        if row.lane == Lane.WORK and row.task_id is not None:
            moved = homes.move(conn, row.task_id, taker.machine)
            taken["home"] = taker.machine
        conn.execute(update(effects).where(effects.c.id == row.id).values(taken))
        return Claimed(row.id, row.subject, row.task_id, effect, row.attempts + 1, taker.lease, moved)
    return None


def taken(conn: Connection, lease: str) -> Claimed | None:
    """What was claimed under this lease by a transaction whose end nobody saw. To be safe, it counts as moved."""
    row = conn.execute(select(effects).where(RUNNING, effects.c.lease == lease)).one_or_none()
    if row is None:
        return None
    effect = decode_effect(row.kind, row.payload)
    return Claimed(row.id, row.subject, row.task_id, effect, row.attempts, lease, moved=row.lane == Lane.WORK)


def worn_out(conn: Connection) -> Doomed | None:
    """One that killed its holder too often and must be buried instead of claimed again."""
    row = conn.execute(select(effects).where(WORN_OUT).order_by(effects.c.id).limit(1)).one_or_none()
    if row is None:
        return None
    fault = row.fault or f"it was begun {row.attempts} times and never ended"
    return Doomed(row.id, row.subject, row.task_id, row.kind, fault)


def next_due(conn: Connection, now: datetime, after: datetime | None) -> datetime | None:
    """When the next effect may be claimed if nothing else happens."""
    query = select(effects.c.due_at).where(_free_to_claim(now))
    if after is not None:
        query = query.where(effects.c.due_at > after)
    return conn.execute(query.order_by(effects.c.due_at, effects.c.id).limit(1)).scalar()


# ── holding ──


def _held(claimed: Claimed) -> ColumnElement[bool]:
    return and_(effects.c.id == claimed.id, effects.c.lease == claimed.lease)


def is_owned(conn: Connection, claimed: Claimed) -> bool:
    """Does the lease still stand, and is the work still wanted?"""
    query = select(effects.c.id).where(_held(claimed), effects.c.revoked.is_not(true()))
    return conn.execute(query).one_or_none() is not None


def still_owned(conn: Connection, leases: Collection[str]) -> set[str]:
    """Those that stand, and whose work is still wanted."""
    query = select(effects.c.lease).where(RUNNING, effects.c.lease.in_(leases), effects.c.revoked.is_not(true()))
    return set(conn.execute(query).scalars())


def let_go_if_revoked(conn: Connection, claimed: Claimed) -> None:
    """The holder of a revoked effect says that it stopped: the row goes, and the lane is free."""
    conn.execute(delete(effects).where(_held(claimed), effects.c.revoked.is_(true())))


def remove(conn: Connection, claimed: Claimed) -> bool:
    """Done: the row goes. False: it was not ours any more."""
    owned = and_(_held(claimed), effects.c.revoked.is_not(true()))
    return conn.execute(delete(effects).where(owned)).rowcount == 1


def give_back(conn: Connection, claimed: Claimed, until: datetime, fault: str, count: bool) -> None:
    """Let it be claimed again at `until`. A twin that was asked for meanwhile stands in for it."""
    if not is_owned(conn, claimed):
        let_go_if_revoked(conn, claimed)
        return
    attempts = claimed.attempt if count else claimed.attempt - 1
    _free(conn, claimed.id, {"due_at": until, "attempts": attempts, "fault": fault})


def _free(conn: Connection, effect: EffectId, values: dict[str, Any]) -> None:
    row = conn.execute(select(effects.c.subject, effects.c.key, effects.c.attempts).where(effects.c.id == effect)).one()
    attempts = values.get("attempts", row.attempts)
    twin = conn.execute(
        update(effects)
        .where(effects.c.subject == row.subject, effects.c.key == row.key, WAITING)
        .values(attempts=case((effects.c.attempts < attempts, attempts), else_=effects.c.attempts))
    )
    if twin.rowcount:
        conn.execute(delete(effects).where(effects.c.id == effect))
    else:
        conn.execute(update(effects).where(effects.c.id == effect).values(owner=None, lease=None, **values))


def void_claims(conn: Connection, session: str | None = None) -> None:
    """Whoever held anything in this session (or in any) lives no more. Attempts stay counted; what was revoked goes."""
    of_session = true() if session is None else effects.c.lease.startswith(f"{session}.", autoescape=True)
    conn.execute(delete(effects).where(effects.c.revoked.is_(true()), of_session))
    held = select(effects.c.id).where(RUNNING, of_session).order_by(effects.c.id).with_for_update()
    for effect in conn.execute(held).scalars().all():
        _free(conn, effect, {})
