"""Agent minutes as marks, one for each turn: `spent:REPO:TASK:RUN.ATTEMPT:MONTH`, in seconds."""

from sqlalchemy import Connection, Float, cast, func, select

from bot.store import notes
from bot.store.schema import marks
from bot.task.budget import Spent, TurnKey
from bot.task.ids import TaskId


def name_of(key: TurnKey) -> str:
    """The mark of a turn."""
    return f"spent:{key.repo_id}:{key.task}:{key.run}.{key.attempt}:{key.month}"


def set_spent(conn: Connection, key: TurnKey, seconds: float) -> None:
    """Overwrite what a turn has used so far."""
    notes.mark(conn, name_of(key), f"{seconds:.3f}")


def spent_by(conn: Connection, key: TurnKey) -> float:
    """Seconds that a turn has used so far."""
    return float(notes.marked(conn, name_of(key)) or 0)


def spent(conn: Connection, repo_id: int, task: TaskId, month: str) -> Spent:
    """Minutes of a task, and of its repository and of everything in a month."""

    def minutes(pattern: str) -> float:
        seconds = func.coalesce(func.sum(cast(marks.c.value, Float)), 0.0)
        return float(conn.execute(select(seconds).where(marks.c.name.like(pattern))).scalar_one()) / 60

    return Spent(
        minutes(f"spent:{repo_id}:{task}:%"), minutes(f"spent:{repo_id}:%:{month}"), minutes(f"spent:%:{month}")
    )
