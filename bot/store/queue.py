"""The queue for runs: open StartRun effects, oldest first. They wait for a free place, not for a worker."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, or_, select

from bot.store.schema import ADMITTED, WAITING, effects, tasks
from bot.task.ids import EffectId, TaskId


@dataclass(frozen=True, slots=True)
class Wish:
    """A task that wants to run."""

    effect: EffectId
    task: TaskId
    run: int


def next_wish(conn: Connection, now: datetime, paused: tuple[int, ...] = ()) -> Wish | None:
    """The oldest, but of no repository in `paused`; it is not locked yet, because its task comes first."""
    query = select(effects.c.id, effects.c.task_id, effects.c.run).where(ADMITTED, WAITING, effects.c.due_at <= now)
    if paused:
        query = query.join(tasks, tasks.c.id == effects.c.task_id).where(tasks.c.repo_id.not_in(paused))
    row = conn.execute(query.order_by(effects.c.due_at, effects.c.id).limit(1)).one_or_none()
    return None if row is None else Wish(row.id, row.task_id, row.run)


def grant(conn: Connection, wish: Wish) -> bool:
    """The wish is fulfilled: its row goes. False: it was withdrawn or renewed meanwhile."""
    same = and_(effects.c.id == wish.effect, effects.c.run == wish.run)
    return conn.execute(delete(effects).where(same, WAITING)).rowcount == 1


def position(conn: Connection, task: TaskId) -> int | None:
    """Place in the queue, 1 = next; None: the task does not wait for a run."""
    mine = conn.execute(
        select(effects.c.due_at, effects.c.id).where(ADMITTED, WAITING, effects.c.task_id == task)
    ).one_or_none()
    if mine is None:
        return None
    before = or_(effects.c.due_at < mine.due_at, and_(effects.c.due_at == mine.due_at, effects.c.id <= mine.id))
    return conn.execute(select(func.count()).where(ADMITTED, WAITING, before)).scalar_one()
