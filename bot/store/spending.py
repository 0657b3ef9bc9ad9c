"""What turns use, as marks, two for each turn: `spent:REPO:TASK:RUN.ATTEMPT:MONTH` in seconds, and `used:…` of models.

The second is JSON. Both are overwritten while the turn goes on and summed up when somebody asks.
"""

from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import Connection, Float, cast, func, select

from bot.store import notes
from bot.store.schema import marks
from bot.task.budget import Spent, TurnKey
from bot.task.ids import TaskId
from bot.task.usage import Used


@cache
def _adapter() -> TypeAdapter[Used]:
    return TypeAdapter(Used)


def name_of(key: TurnKey, what: str = "spent") -> str:
    """A mark of a turn."""
    return f"{what}:{key.repo_id}:{key.task}:{key.run}.{key.attempt}:{key.month}"


def set_spent(conn: Connection, key: TurnKey, seconds: float, used: Used) -> None:
    """Overwrite what a turn has used so far."""
    notes.mark(conn, name_of(key), f"{seconds:.3f}")
    if used != Used():
        notes.mark(conn, name_of(key, "used"), _adapter().dump_json(used).decode())


def spent_by(conn: Connection, key: TurnKey) -> tuple[float, Used]:
    """Seconds that a turn has used so far, and calls of models."""
    used = notes.marked(conn, name_of(key, "used"))
    return float(notes.marked(conn, name_of(key)) or 0), _adapter().validate_json(used) if used else Used()


def spent(conn: Connection, repo_id: int, task: TaskId, month: str) -> Spent:
    """Of a task, and of its repository and of everything in a month."""

    def minutes(turns: str) -> float:
        seconds = func.coalesce(func.sum(cast(marks.c.value, Float)), 0.0)
        return float(conn.execute(select(seconds).where(marks.c.name.like(f"spent:{turns}"))).scalar_one()) / 60

    def used(turns: str) -> Used:
        values = conn.execute(select(marks.c.value).where(marks.c.name.like(f"used:{turns}"))).scalars()
        return sum((_adapter().validate_json(value) for value in values), Used())

    of_task, of_repository, of_server = f"{repo_id}:{task}:%", f"{repo_id}:%:{month}", f"%:{month}"
    return Spent(
        *(minutes(of_task), minutes(of_repository), minutes(of_server)),
        *(used(of_task), used(of_repository), used(of_server)),
    )
