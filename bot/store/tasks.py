"""Task rows: the task as JSON, beside the columns that queries need."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, or_, select, true, update

from bot.store.schema import events, labels, limits, tasks
from bot.store.upsert import insert
from bot.store.values import Listed
from bot.task.codec import decode_event, decode_task, encode
from bot.task.history import Recorded
from bot.task.ids import FactKey, IssueNumber, IssueRef, PullNumber, RepoRef, TaskId
from bot.task.model import RUNNING, Phase, Stage, Task, stage

HALTED = [phase for phase in Phase if stage(phase) is Stage.HALTED]


def _one(conn: Connection, query: Select[Any]) -> Task | None:
    payload = conn.execute(query).scalar()
    return None if payload is None else decode_task(payload)


def load(conn: Connection, task: TaskId) -> Task | None:
    """The task as it is."""
    return _one(conn, select(tasks.c.payload).where(tasks.c.id == task))


def lock(conn: Connection, task: TaskId) -> Task:
    """The task, held until the end of the transaction. Raises LookupError for one that never was.

    `key_share`: rows that only refer to the task may be inserted meanwhile; who waits for such a row cannot block us.
    """
    found = _one(conn, select(tasks.c.payload).where(tasks.c.id == task).with_for_update(key_share=True))
    if found is None:
        raise LookupError(f"there is no task {task}")
    return found


def lock_latest(conn: Connection, issue: IssueRef) -> Task | None:
    """The newest task of an issue, held until the end of the transaction."""
    return _one(conn, _latest(issue.repo.id, issue.number).with_for_update(key_share=True))


def latest(conn: Connection, repo_id: int, issue: IssueNumber) -> Task | None:
    """The newest task of an issue."""
    return _one(conn, _latest(repo_id, issue))


def _latest(repo_id: int, issue: IssueNumber) -> Select[Any]:
    of_issue = and_(tasks.c.repo_id == repo_id, tasks.c.issue == issue)
    return select(tasks.c.payload).where(of_issue).order_by(tasks.c.generation.desc()).limit(1)


def of_pull(conn: Connection, repo_id: int, pull: PullNumber) -> Task | None:
    """The newest task that opened this pull request."""
    of_pull = and_(tasks.c.repo_id == repo_id, tasks.c.pull == pull)
    return _one(conn, select(tasks.c.payload).where(of_pull).order_by(tasks.c.id.desc()).limit(1))


CLOSED_WATCHED = 20
"""How many closed pull requests of a repository are looked at again and again."""


def to_watch(conn: Connection, repo_id: int) -> list[Task]:
    """The newest task of each issue of a repository, if it is live, or halted with a pull request.

    Of the ones whose pull request was closed, the last few: it may be opened again.
    """
    newer = tasks.alias("newer")
    outdated = exists().where(
        newer.c.repo_id == tasks.c.repo_id, newer.c.issue == tasks.c.issue, newer.c.generation > tasks.c.generation
    )
    closed = (
        select(tasks.c.id)
        .where(tasks.c.repo_id == repo_id, tasks.c.phase == Phase.DISCARDED)
        .order_by(tasks.c.updated_at.desc())
        .limit(CLOSED_WATCHED)
    )
    watched = or_(
        tasks.c.live.is_(true()), and_(tasks.c.phase.in_(HALTED), tasks.c.pull.is_not(None)), tasks.c.id.in_(closed)
    )
    query = select(tasks.c.payload).where(tasks.c.repo_id == repo_id, watched, ~outdated).order_by(tasks.c.id)
    return [decode_task(payload) for payload in conn.execute(query).scalars()]


def newest(conn: Connection, limit: int) -> list[Listed]:
    """Tasks for a page, newest first."""
    query = select(tasks.c.payload, tasks.c.created_at, tasks.c.updated_at).order_by(tasks.c.id.desc()).limit(limit)
    return [Listed(decode_task(row.payload), row.created_at, row.updated_at) for row in conn.execute(query)]


def queued(conn: Connection) -> list[Task]:
    """Tasks that want a run."""
    query = select(tasks.c.payload).where(tasks.c.phase == Phase.QUEUED).order_by(tasks.c.id)
    return [decode_task(payload) for payload in conn.execute(query).scalars()]


def of_repositories(conn: Connection, repo_ids: Sequence[int]) -> list[Task]:
    """Every task of these repositories, oldest first."""
    query = select(tasks.c.payload).where(tasks.c.repo_id.in_(repo_ids)).order_by(tasks.c.id)
    return [decode_task(payload) for payload in conn.execute(query).scalars()]


def lock_all(conn: Connection, numbers: Sequence[TaskId]) -> list[Task]:
    """These tasks, held until the end of the transaction, in the order of their ids."""
    query = select(tasks.c.payload).where(tasks.c.id.in_(numbers)).order_by(tasks.c.id).with_for_update()
    return [decode_task(payload) for payload in conn.execute(query).scalars()]


def hold_admission(conn: Connection) -> None:
    """Until the end of the transaction nobody else admits a run."""
    conn.execute(select(limits.c.name).where(limits.c.name == "runs").with_for_update())


def repositories(conn: Connection) -> list[RepoRef]:
    """Every repository that has a task, as its newest task names it."""
    newest = select(func.max(tasks.c.id)).group_by(tasks.c.repo_id)
    query = select(tasks.c.payload).where(tasks.c.id.in_(newest)).order_by(tasks.c.repo_id)
    return [decode_task(payload).issue.repo for payload in conn.execute(query).scalars()]


def called(conn: Connection, repo_id: int) -> RepoRef | None:
    """The repository as its newest task names it."""
    query = select(tasks.c.payload).where(tasks.c.repo_id == repo_id).order_by(tasks.c.id.desc()).limit(1)
    task = _one(conn, query)
    return None if task is None else task.issue.repo


def relocate(conn: Connection, repo: RepoRef, now: datetime) -> None:
    """Every task of the repository knows it by this name and installation."""
    numbers = conn.execute(select(tasks.c.id).where(tasks.c.repo_id == repo.id)).scalars().all()
    for task in lock_all(conn, numbers):
        if task.issue.repo != repo:
            save(conn, replace(task, issue=replace(task.issue, repo=repo)), now)


def running(conn: Connection) -> int:
    """How many tasks hold a place."""
    return conn.execute(select(func.count()).where(tasks.c.phase.in_(RUNNING))).scalar_one()


def reserve(conn: Connection, issue: IssueRef, generation: int, now: datetime) -> TaskId:
    """An id for a new task, whose row `save` fills in the same transaction."""
    row = {
        "repo_id": issue.repo.id,
        "issue": issue.number,
        "generation": generation,
        "phase": Phase.QUEUED,
        "live": True,
        "payload": "",
        "created_at": now,
        "updated_at": now,
    }
    return TaskId(conn.execute(tasks.insert().values(row).returning(tasks.c.id)).scalar_one())


def save(conn: Connection, task: Task, now: datetime) -> None:
    """Overwrite the task; the columns are derived from it."""
    values = {
        "pull": task.pull,
        "phase": task.phase,
        "live": task.live,
        "payload": encode(task),
        "updated_at": now,
    }
    conn.execute(update(tasks).where(tasks.c.id == task.id).values(values))


# ── what is known of it ──


def is_consumed(conn: Connection, repo_id: int, issue: IssueNumber, label_event: int) -> bool:
    """Did this very act of labelling start a task of the issue, or revive one?"""
    used = and_(labels.c.repo_id == repo_id, labels.c.issue == issue, labels.c.label_event == label_event)
    return conn.execute(select(labels.c.task_id).where(used)).one_or_none() is not None


def consume(conn: Connection, task: Task, label_event: int) -> None:
    """One label starts one task."""
    row = {
        "repo_id": task.issue.repo.id,
        "issue": task.issue.number,
        "label_event": label_event,
        "task_id": task.id,
    }
    conn.execute(insert(conn, labels).values(row).on_conflict_do_nothing())


def knows(conn: Connection, task: TaskId, key: FactKey) -> bool:
    """Was the fact told to this task?"""
    query = select(events.c.id).where(events.c.task_id == task, events.c.key == key)
    return conn.execute(query).one_or_none() is not None


def known_of_issue(conn: Connection, repo_id: int, issue: IssueNumber, key: FactKey) -> bool:
    """Was the fact told to any task of the issue?"""
    of_issue = and_(tasks.c.repo_id == repo_id, tasks.c.issue == issue)
    query = select(events.c.id).join_from(tasks, events).where(of_issue, events.c.key == key).limit(1)
    return conn.execute(query).one_or_none() is not None


def history(conn: Connection, task: TaskId) -> list[Recorded]:
    """Everything that was told, oldest first."""
    rows: Sequence[Any] = conn.execute(select(events).where(events.c.task_id == task).order_by(events.c.id)).all()
    return [Recorded(row.id, row.at, row.key, decode_event(row.kind, row.payload), row.ignored) for row in rows]
