"""Effect rows: asked for, claimed, finished, given back, buried, revoked.

An effect is open until it is finished (its row goes) or buried (its row stays, dead, with its fault). Order holds
within (subject, lane). Callers that also touch a task lock the task first, then effects.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    literal,
    or_,
    select,
    true,
    type_coerce,
    update,
)

from bot.store.schema import (
    CLAIMABLE,
    HARD_CAP,
    MICROSECOND,
    OPEN,
    RUNNING,
    WAITING,
    WORN_OUT,
    Instant,
    effects,
    is_open,
    is_running,
)
from bot.store.upsert import insert
from bot.store.values import Claimed, OpenEffect
from bot.task.codec import EFFECT_KINDS, decode_effect, encode
from bot.task.effects import CloseWindow, Effect, Lane, StartRun, Wait, key, lane
from bot.task.ids import EffectId, TaskId

CLAIMED_KINDS = sorted(set(EFFECT_KINDS) - {StartRun.__name__})
VOID_WITH_THE_RUN = (StartRun.__name__, CloseWindow.__name__)
"""Outside the work lane, yet without meaning after a revocation."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """An effect that is about to be buried."""

    id: EffectId
    subject: str
    task: TaskId | None
    kind: str
    fault: str


def subject_of(task: TaskId) -> str:
    """The subject of a task's own effects."""
    return f"task:{task}"


def task_of(subject: str) -> TaskId | None:
    """The task that a subject is, if it is one."""
    kind, _, number = subject.partition(":")
    return TaskId(int(number)) if kind == "task" else None


# ── asking ──


def ask(conn: Connection, subject: str, effect: Effect, wait: Wait, now: datetime) -> None:
    """Insert, or renew the one that waits under the same key: payload and due time are replaced.

    A wait (bound at least as long as quiet) ends at min(now + quiet, first asked + bound); without one the effect is
    due now, and one that is already due keeps its place.
    """
    row = as_row(subject, effect, now)
    bound = max(wait.bound, wait.quiet)
    fresh = literal(now + wait.quiet, Instant)
    latest = type_coerce(type_coerce(effects.c.first_at, BigInteger) + bound // MICROSECOND, Instant)
    limit = latest if bound else effects.c.due_at
    new = insert(conn, effects).values({**row, "due_at": now + wait.quiet})
    conn.execute(
        new.on_conflict_do_update(
            index_elements=[effects.c.subject, effects.c.key],
            index_where=WAITING,
            set_={
                "payload": new.excluded.payload,
                "run": new.excluded.run,
                "due_at": case((fresh < limit, fresh), else_=limit),
            },
        )
    )


def as_row(subject: str, effect: Effect, now: datetime) -> dict[str, Any]:
    """A new row that is due now."""
    return {
        "subject": subject,
        "task_id": task_of(subject),
        "lane": lane(effect),
        "kind": type(effect).__name__,
        "key": key(effect),
        "payload": encode(effect),
        "due_at": now,
        "first_at": now,
        "run": getattr(effect, "run", None),
        "attempts": 0,
        "revoked": False,
        "dead": False,
        "fault": "",
    }


# ── claiming ──


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


def next_to_claim(now: datetime) -> Select[Any]:
    """The oldest due effect that may be claimed; public so that its query plan can be looked at."""
    return (
        select(effects)
        .where(_free_to_claim(now), effects.c.due_at <= now, effects.c.attempts < HARD_CAP)
        .order_by(effects.c.due_at, effects.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=effects)
    )


def claim(conn: Connection, worker: str, now: datetime) -> Claimed | None:
    """Hand the oldest due effect to `worker`. A payload that cannot be read counts as worn out at once."""
    while row := conn.execute(next_to_claim(now)).one_or_none():
        try:
            effect = decode_effect(row.kind, row.payload)
        except ValueError as error:
            spoiled = {"attempts": HARD_CAP, "fault": f"its payload cannot be read: {error}"[:1000]}
            conn.execute(update(effects).where(effects.c.id == row.id).values(spoiled))
            continue
        lease = secrets.token_hex(8)
        taken = {"owner": worker, "lease": lease, "attempts": row.attempts + 1}
        conn.execute(update(effects).where(effects.c.id == row.id).values(taken))
        return Claimed(row.id, row.subject, row.task_id, effect, row.attempts + 1, lease)
    return None


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


def void_claims(conn: Connection) -> None:
    """Nobody who held anything lives any more. Attempts stay counted; what was revoked goes."""
    conn.execute(delete(effects).where(effects.c.revoked.is_(true())))
    for effect in conn.execute(select(effects.c.id).where(RUNNING)).scalars().all():
        _free(conn, effect, {})


# ── giving up ──


def mark_dead(conn: Connection, effect: EffectId, fault: str) -> bool:
    """Keep the row for its fault; it blocks nothing from now on. False: it was dead already, or gone."""
    values = {"dead": True, "owner": None, "lease": None, "fault": fault}
    return conn.execute(update(effects).where(effects.c.id == effect, OPEN).values(values)).rowcount == 1


def revoke(conn: Connection, task: TaskId) -> None:
    """The task's run is over: what waits for it goes, what runs for it is told to stop."""
    of_run = and_(
        effects.c.task_id == task, OPEN, or_(effects.c.lane == Lane.WORK, effects.c.kind.in_(VOID_WITH_THE_RUN))
    )
    conn.execute(delete(effects).where(of_run, effects.c.owner.is_(None)))
    conn.execute(update(effects).where(of_run).values(revoked=True))


# ── looking ──


def listed(conn: Connection, task: TaskId | None) -> list[OpenEffect]:
    """Open and dead effects, of one task or all, oldest first."""
    query = select(effects).order_by(effects.c.id)
    if task is not None:
        query = query.where(effects.c.task_id == task)
    return [_shown(row) for row in conn.execute(query)]


def _shown(row: Row[Any]) -> OpenEffect:
    return OpenEffect(
        id=row.id,
        subject=row.subject,
        kind=row.kind,
        lane=Lane(row.lane),
        key=row.key,
        due_at=row.due_at,
        attempts=row.attempts,
        owner=row.owner,
        revoked=row.revoked,
        dead=row.dead,
        fault=row.fault,
    )
