"""Effect rows: asked for, revoked, given up, looked at.

An effect is open until it is finished (its row goes) or buried (its row stays, dead, with its fault). Callers that
also touch a task lock the task first, then effects.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, and_, case, delete, literal, or_, select, type_coerce, update

from bot.store.schema import MICROSECOND, OPEN, WAITING, Instant, effects
from bot.store.upsert import insert
from bot.store.values import OpenEffect
from bot.task.codec import encode
from bot.task.effects import CloseWindow, CloseWorkspace, Effect, Lane, StartRun, Wait, key, lane
from bot.task.ids import EffectId, TaskId

VOID_WITH_THE_RUN = (StartRun.__name__, CloseWindow.__name__)
"""Outside the work lane, yet without meaning after a revocation."""


def subject_of(task: TaskId) -> str:
    """The subject of a task's own effects."""
    return f"task:{task}"


def task_of(subject: str) -> TaskId | None:
    """The task that a subject is, if it is one."""
    kind, _, number = subject.partition(":")
    return TaskId(int(number)) if kind == "task" else None


# ── asking ──


def ask(  # what, when, and where
    conn: Connection, subject: str, effect: Effect, wait: Wait, now: datetime, home: str | None = None
) -> None:
    """Insert, or renew the one that waits under the same key: payload and due time are replaced.

    A quiet time ends at min(now + quiet, first asked + bound); one that is as long as its bound is a slow pace, which
    never makes anything later. Without a wait the effect is due now, and one that is already due keeps its place.
    After a failure it keeps its pause, however often it is asked for.
    """
    row = as_row(subject, effect, now)
    bound = max(wait.bound, wait.quiet)
    fresh = literal(now + wait.quiet, Instant)
    latest = type_coerce(type_coerce(effects.c.first_at, BigInteger) + bound // MICROSECOND, Instant)
    limit = latest if bound > wait.quiet else effects.c.due_at
    new = insert(conn, effects).values({**row, "due_at": now + wait.quiet, "home": home})
    conn.execute(
        new.on_conflict_do_update(
            index_elements=[effects.c.subject, effects.c.key],
            index_where=WAITING,
            set_={
                "payload": new.excluded.payload,
                "run": new.excluded.run,
                "due_at": case((effects.c.attempts > 0, effects.c.due_at), (fresh < limit, fresh), else_=limit),
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


# ── giving up ──


def mark_dead(conn: Connection, effect: EffectId, fault: str) -> bool:
    """Keep the row for its fault; it blocks nothing from now on. False: it was dead already, or gone."""
    values = {"dead": True, "owner": None, "lease": None, "fault": fault}
    return conn.execute(update(effects).where(effects.c.id == effect, OPEN).values(values)).rowcount == 1


def revoke(conn: Connection, task: TaskId) -> None:
    """The task's run is over: what waits for it goes, what runs for it is told to stop. Cleaning up stays wanted."""
    step = and_(effects.c.lane == Lane.WORK, effects.c.kind != CloseWorkspace.__name__)
    of_run = and_(effects.c.task_id == task, OPEN, or_(step, effects.c.kind.in_(VOID_WITH_THE_RUN)))
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
