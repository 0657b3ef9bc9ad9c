"""PostgreSQL, the weaker way: a schema of its own for each task, in one database that all share.

For clusters on which no databases may be made. A task sees the names of the others' schemas, shares locks, extensions
and settings with them, and an application that names `public` finds nothing there. There are no templates.
"""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from bot.sandbox.databases.cluster import Cluster
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.databases.roles import Role, drop_role, make_role, reached
from bot.sandbox.databases.service import Database


@dataclass(frozen=True, slots=True)
class PostgresSchemas:
    """Implements `Service`. All schemas lie in the database that the administrator's URL names."""

    cluster: Cluster
    role: Role = field(default=Role())

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        return await asyncio.to_thread(self._open, str(name), fresh)

    async def drop(self, name: DatabaseName) -> None:
        await asyncio.to_thread(self._drop, str(name))

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        return {name for text in await asyncio.to_thread(self._names) if (name := DatabaseName.read(text, mark))}

    def _open(self, name: str, fresh: bool) -> Database:
        if fresh:
            self._drop(name)
        password = secrets.token_urlsafe(24)
        with self.cluster.admin() as admin:
            socket = self.cluster.examine(admin)
            shared = admin.conn.info.dbname
            make_role(admin, name, self.role)
            admin.do("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            admin.do("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}", name, name)
            admin.do("ALTER ROLE {} SET search_path = {}", name, name)
            admin.do("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}", shared, name)
            admin.set_password(name, password)
        self.cluster.refuses_others(socket, name, password, shared)
        return reached(socket, name, password, shared)

    def _drop(self, name: str) -> None:
        with self.cluster.admin() as admin:
            if admin.one("SELECT 1 FROM pg_roles WHERE rolname = %s", name) is None:
                return
            admin.do("ALTER ROLE {} NOLOGIN", name)
            admin.names("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", name)
            admin.do("DROP SCHEMA IF EXISTS {} CASCADE", name)
            admin.do("DROP OWNED BY {} CASCADE", name)
            drop_role(admin, name)

    def _names(self) -> list[str]:
        with self.cluster.admin() as admin:
            return admin.names("SELECT rolname FROM pg_roles UNION SELECT nspname FROM pg_namespace")
