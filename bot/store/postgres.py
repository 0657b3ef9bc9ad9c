"""PostgreSQL connections as we want them, and what its errors mean for whoever wants to try again."""

from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from bot.store.errors import StoreUnavailable

CHANNEL = "issuewright"
CONNECT_SECONDS = 5
LOST_MILLISECONDS = 10_000
"""After so long without an answer to what was sent, a connection is lost (Linux)."""
MIGRATION_LOCK = 4_711_001_002
"""Key of the advisory lock that one migration at a time holds."""


def speaks(url: str) -> bool:
    """Does the URL name a PostgreSQL database?"""
    try:
        return make_url(url).get_backend_name() in {"postgresql", "postgres"}
    except ArgumentError:
        return False


def address(url: str) -> URL:
    """The URL with the driver that we bring."""
    return make_url(url).set(drivername="postgresql+psycopg")


def place(url: str) -> str:
    """The database in words, without its password."""
    at = make_url(url)
    return f"{at.database or at.username} on {at.host or at.query.get('host') or 'localhost'}"


def connecting(url: str, idle_seconds: float) -> dict[str, Any]:
    """Arguments of every connection. `idle_seconds`: a transaction that does nothing for longer is ended.

    A frozen process would hold its row locks for ever otherwise.
    """
    asked = make_url(url).query.get("options", "")
    return {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": LOST_MILLISECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "issuewright",
        "options": f"{asked} -c idle_in_transaction_session_timeout={int(idle_seconds * 1000)}".strip(),
    }


def engine(url: str, size: int, idle_seconds: float) -> Engine:
    """Connects when it is first used. Connections that were lost are noticed by their use, and that is repeated."""
    return create_engine(
        address(url),
        pool_size=size,
        max_overflow=0,
        isolation_level="READ COMMITTED",
        connect_args=connecting(url, idle_seconds),
        hide_parameters=True,
    )


def looking(engine: Engine) -> Engine:
    """The same connections for transactions that see one state and cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def announce(conn: Connection) -> None:
    """After the commit, every process hears that there may be something to claim."""
    conn.execute(text(f"NOTIFY {CHANNEL}"))


class Trouble(Enum):
    """What an error says about the transaction that had it."""

    RACE = auto()
    """It met another one. At once again, it will see what the other did."""
    OUTAGE = auto()
    """The connection is lost. Whether a COMMIT under way was carried out is not known."""
    FAULT = auto()
    """It would fail again."""


_RACES = {"40001", "40P01", "23505", "55P03"}
"""Serialization, deadlock, unique violation (both looked, both inserted), lock not available."""
_OUTAGES = {"57P01", "57P02", "57P03", "25P03", "25P04", "53300"}
"""Shut down, crashed, starting, ended because it was idle (25P03) or slow (25P04), too many connections."""


def trouble(error: DBAPIError) -> Trouble:
    """By SQLSTATE (PostgreSQL manual, appendix A)."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _RACES:
        return Trouble.RACE
    lost = error.connection_invalidated or (isinstance(error, OperationalError) and state is None)
    if lost or state in _OUTAGES or (state or "").startswith("08"):
        return Trouble.OUTAGE
    return Trouble.FAULT


def unavailable(url: str, error: DBAPIError) -> StoreUnavailable:
    """One sentence about an outage."""
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    return StoreUnavailable(f"The database {place(url)} does not answer: {lines[0].rstrip('.')}.")
