"""The role of one task on a PostgreSQL cluster, and how its sandbox reaches what is the role's."""

from dataclasses import dataclass

from psycopg.errors import DependentObjectsStillExist

from bot.sandbox.box import Bind
from bot.sandbox.databases.cluster import Admin, Socket
from bot.sandbox.databases.service import PLACE, Database


@dataclass(frozen=True, slots=True)
class Role:
    """What it may do. `statement_seconds` 0: a statement may take as long as it likes; a task can set it higher."""

    connections: int = 20
    statement_seconds: float = 0


def make_role(admin: Admin, name: str, role: Role) -> None:
    """It may log in, and that is all. The administrator may act for it."""
    if admin.one("SELECT 1 FROM pg_roles WHERE rolname = %s", name) is None:
        admin.do("CREATE ROLE {}", name)
    admin.do(f"ALTER ROLE {{}} LOGIN NOINHERIT CONNECTION LIMIT {int(role.connections)}", name)
    if role.statement_seconds:
        admin.do("ALTER ROLE {} SET statement_timeout = {}", name, literals=[f"{int(role.statement_seconds * 1000)}ms"])
    admin.do("GRANT {} TO CURRENT_USER", name)


def drop_role(admin: Admin, name: str) -> None:
    """Copies of what a template's role owned may remember it; then it stays for a later time, without a login."""
    try:
        admin.do("DROP ROLE IF EXISTS {}", name)
    except DependentObjectsStillExist:
        admin.do("ALTER ROLE {} NOLOGIN", name)


def reached(socket: Socket, role: str, password: str, database: str) -> Database:
    """As a sandbox has it."""
    env = {"PGHOST": PLACE, "PGPORT": socket.port, "PGUSER": role, "PGPASSWORD": password, "PGDATABASE": database}
    url = f"postgresql://{role}:{password}@/{database}?host={PLACE}&port={socket.port}"
    return Database(url, (Bind(socket.folder, PLACE),), env, (password,))
