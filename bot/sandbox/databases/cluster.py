"""The operator's PostgreSQL cluster for tasks: what is said to it as its administrator, and whether it may be used.

It has to be another one than the bot's own, its socket has a folder to itself, it asks for passwords, and nobody may
connect to what is not his. Each is looked at before a task gets anything, and where it does not hold, none does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.sandbox.databases.service import DatabaseRefused, DatabaseUnavailable

CONNECT_SECONDS = 10
_SOCKET = ".s.PGSQL."


@dataclass(frozen=True, slots=True)
class Cluster:
    """`url` is an administrator's, `own_url` the bot's database when it is on PostgreSQL. Everything blocks."""

    setting: str
    """As the operator finds it: `databases.NAME`."""
    url: str = field(repr=False)
    own_url: str | None = field(default=None, repr=False)

    @contextmanager
    def admin(self, database: str | None = None) -> Iterator["Admin"]:
        """A session of the administrator. Raises DatabaseUnavailable when there is none to be had."""
        try:
            conninfo = make_conninfo(self.url, **({"dbname": database} if database else {}))
            conn = psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS)
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"`{self.setting}`: no connection: {_first_line(error)}.") from None
        with conn:
            conn.execute("SET client_min_messages = error")
            yield Admin(conn)

    def examine(self, admin: "Admin") -> "Socket":
        """May it be used, and where is it reached? Raises DatabaseRefused."""
        if self.own_url is not None and self._is_own(admin):
            raise DatabaseRefused(
                f"`{self.setting}` is the cluster of the bot's own database (ISSUEWRIGHT_DATABASE_URL):"
                " tasks need another one."
            )
        socket = self._socket(admin)
        self._close_to_public(admin)
        return socket

    def refuses_others(self, socket: "Socket", role: str, password: str, database: str) -> None:
        """The password opens it, another does not. Raises DatabaseRefused."""
        try:
            socket.connect(role, password, database)
        except psycopg.OperationalError as error:
            raise DatabaseRefused(f"`{self.setting}`: a task cannot connect: {_first_line(error)}.") from None
        try:
            socket.connect(role, f"{password}x", database)
        except psycopg.OperationalError:
            return
        raise DatabaseRefused(
            f"`{self.setting}` lets a role in with a wrong password, so any task could reach the database of another:"
            " `local all all scram-sha-256` in its pg_hba.conf mends that."
        )

    def _is_own(self, admin: "Admin") -> bool:
        try:
            with psycopg.connect(self.own_url or "", connect_timeout=CONNECT_SECONDS) as own:
                return admin.one(_IDENTIFIER) == own.execute(_IDENTIFIER).fetchone()
        except psycopg.Error as error:
            raise DatabaseRefused(
                f"`{self.setting}`: it cannot be told whether this is the bot's own cluster: {_first_line(error)}."
            ) from None

    def _close_to_public(self, admin: "Admin") -> None:
        """Nobody connects to the databases of every cluster; the operator's own are his to close."""
        if _open_to_all(admin):
            admin.one("SELECT pg_advisory_lock(hashtextextended('issuewright', 0))")
            for name in {"postgres", "template1"}.intersection(_open_to_all(admin)):
                admin.do("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC", name)
            admin.one("SELECT pg_advisory_unlock(hashtextextended('issuewright', 0))")
        if still := _open_to_all(admin):
            raise DatabaseRefused(
                f"`{self.setting}`: everybody may connect to its database {still[0]}:"
                f' REVOKE CONNECT ON DATABASE "{still[0]}" FROM PUBLIC mends that.'
            )

    def _socket(self, admin: "Admin") -> "Socket":
        folders = str((admin.one("SHOW unix_socket_directories") or ("",))[0])
        port = str((admin.one("SHOW port") or ("",))[0])
        found = next((Path(one) for name in folders.split(",") if (one := name.strip()).startswith("/")), None)
        if found is None or not (found / f"{_SOCKET}{port}").exists():
            raise DatabaseRefused(
                f"`{self.setting}`: there is no socket of it on this machine (unix_socket_directories = '{folders}'):"
                " tasks have no network and reach it by its socket alone."
            )
        others = [one.name for one in found.glob(f"{_SOCKET}*") if one.name.split(".")[3] != port]
        if others:
            raise DatabaseRefused(
                f"`{self.setting}`: {found} holds the socket of another cluster, too ({others[0]}): give this one"
                " a folder of its own in unix_socket_directories."
            )
        return Socket(found, port)


@dataclass(frozen=True, slots=True)
class Socket:
    """Where a cluster listens on this machine."""

    folder: Path
    port: str

    def connect(self, role: str, password: str, database: str) -> None:
        """As a task would. Raises psycopg.OperationalError."""
        psycopg.connect(
            host=str(self.folder), port=self.port, user=role, password=password, dbname=database,
            connect_timeout=CONNECT_SECONDS,
        ).close()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Admin:
    """A session: statements with names in them, and what they answer."""

    conn: "psycopg.Connection[tuple[Any, ...]]"

    def do(self, statement: str, *names: str, literals: Sequence[str] = ()) -> None:
        """Each `{}` stands for an identifier; the ones after those for literals."""
        parts = [sql.Identifier(name) for name in names] + [sql.Literal(value) for value in literals]
        self.conn.execute(sql.SQL(statement).format(*parts))

    def set_password(self, role: str, password: str) -> None:
        """As a verifier: the server's log does not see the password."""
        verifier = self.conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        self.do("ALTER ROLE {} PASSWORD {}", role, literals=[verifier.decode()])

    def one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return self.conn.execute(query.encode(), values).fetchone()

    def names(self, query: str, *values: object) -> list[str]:
        """The first column."""
        return [str(row[0]) for row in self.conn.execute(query.encode(), values)]


_IDENTIFIER = "SELECT system_identifier FROM pg_control_system()"


def _open_to_all(admin: Admin) -> list[str]:
    return admin.names(
        "SELECT datname FROM pg_database WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT')"
        " ORDER BY datname"
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
