"""On which machine a task's worktree stands: the one that took up its last step of a run.

Written in the transaction of a claim, so that a worker which was taken over from cannot claim to be at home.
"""

from sqlalchemy import Connection, delete, select

from bot.store.schema import homes
from bot.store.upsert import insert
from bot.task.ids import TaskId


def of(conn: Connection, task: TaskId) -> str | None:
    """The machine; None: the task has no worktree that matters."""
    machine: str | None = conn.execute(select(homes.c.machine).where(homes.c.task_id == task)).scalar()
    return machine


def move(conn: Connection, task: TaskId, machine: str) -> bool:
    """The task is at home on this machine. True: it was not before, and what lies there of it is old."""
    if of(conn, task) == machine:
        return False
    new = insert(conn, homes).values(task_id=task, machine=machine)
    conn.execute(new.on_conflict_do_update(index_elements=[homes.c.task_id], set_={"machine": machine}))
    return True


def leave(conn: Connection, task: TaskId) -> None:
    """The worktree is removed."""
    conn.execute(delete(homes).where(homes.c.task_id == task))
