"""Pauses as marks: `pause:command:REPOSITORY` and `pause:file:REPOSITORY`, with their reasons. Admission heeds them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.store import effects, notes, tasks
from bot.store import schema as s
from bot.task.effects import UpdateStatus, Wait
from bot.task.pause import SERVER, Pause, pause_of

_PREFIX = "pause:"


def _name(repository: str, in_file: bool) -> str:
    return f"{_PREFIX}{'file' if in_file else 'command'}:{repository}"


def listed(conn: Connection) -> list[Pause]:
    """Every pause, the server's first."""
    rows = conn.execute(select(s.marks).where(s.marks.c.name.startswith(_PREFIX)))
    found = []
    for row in rows:
        kind, _, repository = row.name.removeprefix(_PREFIX).partition(":")
        found.append(Pause(repository, row.value, kind == "file"))
    return sorted(found)


def of(conn: Connection, full_name: str) -> Pause | None:
    """The pause that holds a repository up."""
    return pause_of(listed(conn), full_name)


def begin(conn: Connection, pause: Pause, now: datetime) -> None:
    """From the commit on no run is admitted."""
    tasks.hold_admission(conn)
    notes.mark(conn, _name(pause.repository, pause.in_file), pause.reason)
    _tell(conn, pause.repository, now)


def end(conn: Connection, repository: str, now: datetime, *, in_file: bool = False) -> bool:
    """False: there was none."""
    name = _name(repository, in_file)
    if not conn.execute(delete(s.marks).where(s.marks.c.name == name)).rowcount:
        return False
    _tell(conn, repository, now)
    return True


def declare(conn: Connection, reasons: Mapping[str, str], now: datetime) -> None:
    """The pauses of the operator's file are exactly these."""
    before = {pause.repository: pause.reason for pause in listed(conn) if pause.in_file}
    for repository in before.keys() - reasons.keys():
        end(conn, repository, now, in_file=True)
    for repository, reason in reasons.items():
        if before.get(repository) != reason:
            begin(conn, Pause(repository, reason, in_file=True), now)


def held(conn: Connection) -> tuple[int, ...] | None:
    """Ids of the repositories that are paused; None: everything is."""
    names = {pause.repository for pause in listed(conn)}
    if SERVER in names:
        return None
    if not names:
        return ()
    return tuple(repo.id for repo in tasks.repositories(conn) if repo.full_name.lower() in names)


def _tell(conn: Connection, repository: str, now: datetime) -> None:
    """The status comments of the tasks that wait say so."""
    for task in tasks.queued(conn):
        if repository in (SERVER, task.issue.repo.full_name.lower()):
            effects.ask(conn, effects.subject_of(task.id), UpdateStatus(), Wait(), now)
