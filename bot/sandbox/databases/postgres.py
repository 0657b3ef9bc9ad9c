"""PostgreSQL: a database of its own for each task, with a role of its own that has a random password.

The administrator owns the database, the role what is in it: a task cannot let others in, raise its limits or stay after
it was dropped. Sandboxes reach it by the cluster's socket; they have no network.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.sandbox.databases.cluster import Admin, Cluster
from bot.sandbox.databases.names import DatabaseName, making, template_key, template_name
from bot.sandbox.databases.roles import Role, drop_role, make_role, reached
from bot.sandbox.databases.service import Database

LOCK_SECONDS = 0.3
"""How often somebody who waits for a template looks."""


@dataclass(frozen=True, slots=True)
class PostgresDatabases:
    """Implements `TemplateService`."""

    cluster: Cluster
    role: Role = field(default=Role())

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        source = None if template is None else (template_name(name.mark, template), making(name.mark, template))
        return await asyncio.to_thread(self._open, str(name), source, fresh)

    async def drop(self, name: DatabaseName) -> None:
        await asyncio.to_thread(self._drop, str(name))

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        found = await asyncio.to_thread(self._names)
        return {name for text in found if (name := DatabaseName.read(text, mark))}

    @asynccontextmanager
    async def template(self, mark: str, key: str) -> AsyncIterator[Database | None]:
        """Whoever comes while it is being made waits."""
        done, half = template_name(mark, key), making(mark, key)
        async with self._session() as admin:
            while not await asyncio.to_thread(_locked, admin, done):  # noqa: ASYNC110 - another machine may hold it
                await asyncio.sleep(LOCK_SECONDS)
            if await asyncio.to_thread(_is_there, admin, done):
                yield None
                return
            yield await asyncio.to_thread(self._open, half, None, True)
            await asyncio.to_thread(_seal, admin, half, done)

    async def forget_templates(self, mark: str, keep: Collection[str]) -> None:
        """One that is being made is let alone."""
        for text in await asyncio.to_thread(self._names):
            key = template_key(text, mark)
            if key is None or (key in keep and text == template_name(mark, key)):
                continue
            async with self._session() as admin:
                if await asyncio.to_thread(_locked, admin, template_name(mark, key)):
                    await asyncio.to_thread(_forget, admin, mark, key, key in keep)

    def _open(self, name: str, source: tuple[str, str] | None, fresh: bool) -> Database:
        """`source`: a template, and the role that owns what is in it."""
        password = secrets.token_urlsafe(24)
        with self.cluster.admin() as admin:
            socket = self.cluster.examine(admin)
            if fresh or not _is_whole(admin, name):
                _drop(admin, name)
                make_role(admin, name, self.role)
                _make(self.cluster, admin, name, source)
            admin.set_password(name, password)
        self.cluster.refuses_others(socket, name, password, name)
        return reached(socket, name, password, name)

    def _drop(self, name: str) -> None:
        with self.cluster.admin() as admin:
            _drop(admin, name)

    def _names(self) -> list[str]:
        with self.cluster.admin() as admin:
            return admin.names("SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles")

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Admin]:
        """For locks: the server lets go of them when the session ends, also by our death."""
        opening = self.cluster.admin()
        admin = await asyncio.to_thread(opening.__enter__)
        try:
            yield admin
        finally:
            admin.conn.close()


def _make(cluster: Cluster, admin: Admin, name: str, source: tuple[str, str] | None) -> None:
    """Nobody but the administrator is let in until it is whole."""
    admin.do("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false", name, source[0] if source else "template1")
    admin.do("REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
    admin.do("ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
    with cluster.admin(name) as inside:
        if source:
            inside.do("REASSIGN OWNED BY {} TO {}", source[1], name)
        inside.do("ALTER SCHEMA public OWNER TO {}", name)
    admin.do("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}", name, name)


def _drop(admin: Admin, name: str) -> None:
    """Database and role; whoever is connected is thrown out."""
    admin.do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    drop_role(admin, name)


def _seal(admin: Admin, half: str, done: str) -> None:
    """From now on nobody connects to it, so that it can always be copied; its new name says that it is whole."""
    admin.do("ALTER ROLE {} NOLOGIN PASSWORD NULL", half)
    admin.do("ALTER DATABASE {} ALLOW_CONNECTIONS false", half)
    while admin.names("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", half):
        pass
    admin.do("ALTER DATABASE {} RENAME TO {}", half, done)


def _forget(admin: Admin, mark: str, key: str, kept: bool) -> None:
    """What was half made; the template, too, if it is not kept."""
    admin.do("DROP DATABASE IF EXISTS {} WITH (FORCE)", making(mark, key))
    if not kept:
        admin.do("DROP DATABASE IF EXISTS {}", template_name(mark, key))
    if not _is_there(admin, template_name(mark, key)):
        drop_role(admin, making(mark, key))


def _is_there(admin: Admin, name: str) -> bool:
    return admin.one("SELECT 1 FROM pg_database WHERE datname = %s", name) is not None


def _is_whole(admin: Admin, name: str) -> bool:
    """Letting its role in is the last thing that is done to a new database."""
    return admin.one(
        "SELECT has_database_privilege(r.oid, d.oid, 'CONNECT')"
        " FROM pg_database d JOIN pg_roles r ON rolname = datname WHERE datname = %s",
        name,
    ) == (True,)


def _locked(admin: Admin, what: str) -> bool:
    """Is the lock of this name ours now? A session may take it again."""
    return admin.one("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", what) == (True,)
