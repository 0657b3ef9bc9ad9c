"""Everything that is kept of one repository: counted, and removed for good."""

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, false, func, or_, select

from bot.store import deliveries as inbox
from bot.store import schema as s
from bot.store import tasks
from bot.task.ids import ArtifactId, DeliveryId, RepoRef, TaskId
from bot.task.model import RUNNING

_OF_REPOSITORY = frozenset({"labels", "comments", "spent", "used", "onboarding", "onboarded"})


@dataclass(frozen=True, slots=True)
class Stock:
    """What is kept of the repositories of one name; there are two when one was deleted and made anew."""

    repos: tuple[RepoRef, ...]
    tasks: tuple[TaskId, ...]
    events: int = 0
    artifacts: int = 0
    artifact_bytes: int = 0
    admitted: tuple[ArtifactId, ...] = ()
    """Texts of issues; they belong to no task."""
    deliveries: tuple[DeliveryId, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.repos


def take_stock(conn: Connection, full_name: str) -> Stock:
    """By the present name."""
    repos = [repo for repo in tasks.repositories(conn) if repo.full_name.lower() == full_name.lower()]
    if not repos:
        return Stock((), ())
    ids = [repo.id for repo in repos]
    found = tasks.of_repositories(conn, ids)
    stock = Stock(tuple(repos), tuple(task.id for task in found), admitted=tuple(task.admitted for task in found))
    kept = select(func.count(), func.coalesce(func.sum(s.artifacts.c.size), 0)).where(_artifacts(stock))
    count, size = conn.execute(kept).one()
    events = conn.execute(select(func.count()).where(s.events.c.task_id.in_(stock.tasks))).scalar_one()
    told = tuple(_deliveries(conn, set(ids)))
    return replace(stock, events=events, artifacts=count, artifact_bytes=size, deliveries=told)


def in_work(conn: Connection, stock: Stock) -> str:
    """What is being done for it right now, as the beginning of a sentence; empty: nothing."""
    for task in tasks.lock_all(conn, stock.tasks):
        if task.phase in RUNNING:
            return f"task {task.id} ({task.issue}) is {task.phase}: stop it with `/agent stop` on its issue"
    held = select(s.effects.c.kind, s.effects.c.subject).where(_effects(stock), s.effects.c.owner.is_not(None))
    row = conn.execute(held.limit(1)).one_or_none()
    return "" if row is None else f"{row.kind} of {row.subject} is under way: try again in a moment"


def remove(conn: Connection, stock: Stock) -> None:
    """Every row. What hangs on a task goes before it."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")  # nothing of it stays in free pages of the file
    conn.execute(delete(s.effects).where(_effects(stock)))
    conn.execute(delete(s.artifacts).where(_artifacts(stock)))
    for table in (s.events, s.labels, s.progress, s.homes):
        conn.execute(delete(table).where(table.c.task_id.in_(stock.tasks)))
    conn.execute(delete(s.tasks).where(s.tasks.c.id.in_(stock.tasks)))
    conn.execute(delete(s.deliveries).where(s.deliveries.c.id.in_(stock.deliveries)))
    conn.execute(delete(s.marks).where(s.marks.c.name.in_(_marks(conn, stock))))


def _effects(stock: Stock) -> ColumnElement[bool]:
    subject = s.effects.c.subject
    of_repo = [subject == f"repo:{repo.id}" for repo in stock.repos]
    of_issue = [subject.like(f"issue:{repo.id}:%") for repo in stock.repos]
    told = subject.in_([inbox.subject_of(delivery) for delivery in stock.deliveries])
    return or_(s.effects.c.task_id.in_(stock.tasks), told, *of_repo, *of_issue)


def _artifacts(stock: Stock) -> ColumnElement[bool]:
    """The admitted text of an issue belongs to no task: it is kept before there is one."""
    issues = [s.artifacts.c.name.startswith(f"{repo.full_name}#", autoescape=True) for repo in stock.repos]
    texts = (s.artifacts.c.kind == "issue") & or_(s.artifacts.c.id.in_(stock.admitted), *issues)
    named = [s.artifacts.c.name.startswith(f"{repo.id}/") for repo in stock.repos]
    baselines = (s.artifacts.c.kind == "baseline") & or_(false(), *named)
    return or_(s.artifacts.c.task_id.in_(stock.tasks), texts, baselines)


def _marks(conn: Connection, stock: Stock) -> list[str]:
    """The marks of the repositories and their tasks, but not their pauses: those are the operator's."""
    repos = {str(repo.id) for repo in stock.repos}
    numbers = {str(task) for task in stock.tasks}
    refused = tuple(f"{repo.full_name}#" for repo in stock.repos)

    def belongs(name: str) -> bool:
        kind, _, rest = name.partition(":")
        first = rest.partition(":")[0]
        if kind == "refused":
            return rest.startswith(refused)
        return first in (numbers if kind == "turn" else repos if kind in _OF_REPOSITORY else ())

    return [name for name in conn.execute(select(s.marks.c.name)).scalars() if belongs(name)]


def _deliveries(conn: Connection, repo_ids: set[int]) -> list[DeliveryId]:
    rows = conn.execute(select(s.deliveries.c.id, s.deliveries.c.body).where(func.length(s.deliveries.c.body) > 0))
    return [DeliveryId(row.id) for row in rows if _repository(row.body) in repo_ids]


def _repository(body: bytes) -> int | None:
    """The repository that a payload is about."""
    try:
        payload: Any = json.loads(body)
        return int(payload["repository"]["id"])
    except (ValueError, KeyError, TypeError):
        return None
