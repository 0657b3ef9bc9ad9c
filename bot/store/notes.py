"""Small things that are overwritten: an agent's progress, the sweep's cursors, the epoch."""

from datetime import datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, select, update

from bot.store import schema as s
from bot.store.upsert import insert
from bot.task.ids import TaskId
from bot.task.results import Progress


@cache
def _adapter() -> TypeAdapter[Progress]:
    return TypeAdapter(Progress)


def set_progress(conn: Connection, task: TaskId, run: int, progress: Progress, now: datetime) -> None:
    """Overwrite; an older run, that has not heard yet that it is over, does not overwrite a newer one."""
    row = {"task_id": task, "run": run, "payload": _adapter().dump_json(progress).decode(), "at": now}
    new = insert(conn, s.progress).values(row)
    changed = {name: new.excluded[name] for name in ("run", "payload", "at")}
    newer = s.progress.c.run <= new.excluded.run
    conn.execute(new.on_conflict_do_update(index_elements=[s.progress.c.task_id], set_=changed, where=newer))


def progress(conn: Connection, task: TaskId) -> Progress | None:
    """What the agent said last."""
    payload = conn.execute(select(s.progress.c.payload).where(s.progress.c.task_id == task)).scalar()
    return None if payload is None else _adapter().validate_json(payload)


def mark(conn: Connection, name: str, value: str) -> None:
    """Remember a value under a name."""
    new = insert(conn, s.marks).values(name=name, value=value)
    conn.execute(new.on_conflict_do_update(index_elements=[s.marks.c.name], set_={"value": new.excluded.value}))


def marked(conn: Connection, name: str) -> str | None:
    """The value remembered under a name."""
    return conn.execute(select(s.marks.c.value).where(s.marks.c.name == name)).scalar()


def marks(conn: Connection, prefix: str) -> dict[str, str]:
    """Every value remembered under a name that begins so."""
    found = conn.execute(
        select(s.marks.c.name, s.marks.c.value).where(s.marks.c.name.startswith(prefix, autoescape=True))
    )
    return {name: value for name, value in found}


def unmark(conn: Connection, name: str) -> None:
    """Forget it."""
    conn.execute(delete(s.marks).where(s.marks.c.name == name))


def mark_once(conn: Connection, name: str, value: str) -> str:
    """Remember a value, unless there is one; the one that holds."""
    conn.execute(insert(conn, s.marks).values(name=name, value=value).on_conflict_do_nothing())
    return marked(conn, name) or value


def next_epoch(conn: Connection) -> int:
    """Count the starts of the process that owns the database; every earlier claim is void."""
    before = conn.execute(select(s.meta.c.value).where(s.meta.c.name == "epoch").with_for_update()).scalar_one()
    conn.execute(update(s.meta).where(s.meta.c.name == "epoch").values(value=str(int(before) + 1)))
    return int(before) + 1
