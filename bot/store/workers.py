"""Worker sessions on PostgreSQL. All times are the database's, so that clocks of machines need not agree."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, delete, func, literal_column, select, type_coerce, update

from bot.store import claims
from bot.store.schema import workers

NOW = literal_column("(extract(epoch from clock_timestamp()) * 1000000)::bigint", BigInteger)
"""Microseconds since 1970; not the start of the transaction, which may have waited for a lock since."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its machine (a data folder that it alone uses), and where to look for it."""

    machine: str
    host: str
    pid: int


def enlist(conn: Connection, worker: str, who: Identity) -> None:
    """A new session begins."""
    row = {"id": worker, "machine": who.machine, "host": who.host, "pid": who.pid}
    conn.execute(workers.insert().values(**row, started_at=NOW, heartbeat_at=NOW))


def _younger(seconds: float) -> ColumnElement[bool]:
    return type_coerce(workers.c.heartbeat_at, BigInteger) > NOW - int(seconds * 1_000_000)


def beat(conn: Connection, worker: str, seconds: float) -> tuple[bool, bool]:
    """One statement: does the session go on, and is there another one without a beat for `seconds`?

    A session whose own last beat is older does not go on; nothing brings it back.
    """
    mine = update(workers).where(workers.c.id == worker, _younger(seconds)).values(heartbeat_at=NOW)
    beaten = mine.returning(workers.c.id).cte("beaten")
    others = select(workers.c.id).where(workers.c.id != worker, ~_younger(seconds))
    row = conn.execute(select(select(beaten.c.id).exists(), others.exists())).one()
    return bool(row[0]), bool(row[1])


def is_younger(conn: Connection, worker: str, seconds: float, *, keep: bool = False) -> bool:
    """Is its last beat younger? `keep`: nobody may end the session before this transaction ends.

    The lock conflicts with the end of a session and not with its beats.
    """
    query = select(workers.c.id).where(workers.c.id == worker, _younger(seconds))
    if keep:
        query = query.with_for_update(read=True, key_share=True)
    return conn.execute(query).one_or_none() is not None


def alive(conn: Connection, seconds: float) -> int:
    """How many sessions had a beat in the last `seconds`."""
    return conn.execute(select(func.count()).select_from(workers).where(_younger(seconds))).scalar_one()


def dismiss(conn: Connection, worker: str) -> bool:
    """The session ends; what it held is free. False: there is no such session any more."""
    row = conn.execute(select(workers.c.id).where(workers.c.id == worker).with_for_update()).one_or_none()
    if row is not None:
        _end(conn, worker)
    return row is not None


def dismiss_former(conn: Connection, machine: str) -> None:
    """Sessions of processes that had this machine before, which are dead: only one process has it at a time."""
    query = select(workers.c.id).where(workers.c.machine == machine).order_by(workers.c.id).with_for_update()
    for worker in conn.execute(query).scalars().all():
        _end(conn, worker)


def take_over(conn: Connection, seconds: float) -> list[str]:
    """End every session without a beat for `seconds`; others may do the same at the same time.

    A beat that comes in between wins or loses as a whole: both lock the session's row.
    """
    query = select(workers.c.id).where(~_younger(seconds)).order_by(workers.c.id).with_for_update(skip_locked=True)
    dead = list(conn.execute(query).scalars())
    for worker in dead:
        _end(conn, worker)
    return dead


def _end(conn: Connection, worker: str) -> None:
    claims.void_claims(conn, worker)
    conn.execute(delete(workers).where(workers.c.id == worker))
