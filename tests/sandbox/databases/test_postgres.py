"""Databases of tasks on a real cluster: each task its own, nobody another's, and nothing stays."""

import asyncio
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bot
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.databases.cluster import Cluster
from bot.sandbox.databases.names import DatabaseName, Purpose
from bot.sandbox.databases.postgres import PostgresDatabases
from bot.sandbox.databases.roles import Role
from bot.sandbox.databases.schemas import PostgresSchemas
from bot.sandbox.databases.service import Database, DatabaseRefused, DatabaseUnavailable
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from bot.task.repo_config import IsolationConfig
from tests.postgres.server import Server
from tests.sandbox.databases.conftest import everything, listen

pytestmark = pytest.mark.anyio
LONG = Limits(seconds=120)


@pytest.fixture
def mark() -> str:
    """An installation of its own for each test."""
    return secrets.token_hex(4)


def named(mark: str, task: int, purpose: Purpose = Purpose.WORK) -> DatabaseName:
    return DatabaseName(mark, task, purpose)


def made(server: Server, mark: str) -> set[str]:
    return {name for name in everything(server) if mark in name}


async def psql(sandbox: Sandbox, box: Box, script: str) -> str:
    """What a task says to the database of its environment."""
    finished = await sandbox.run(box, ["sh", "-c", f"psql -qtA -v ON_ERROR_STOP=1 {script} 2>&1"], LONG)
    return finished.output.decode().strip()


async def test_a_task_uses_its_database_without_a_network(
    isolation: Isolation, sandbox: Sandbox, box: Box, tasks_server: Server, mark: str
) -> None:
    name = named(mark, 7)
    database = await isolation.open("postgresql", name, None, fresh=False)
    furnished = isolation.furnish(database, box)
    assert (
        await psql(sandbox, furnished, '"$DATABASE_URL" -c "create table t (x int); insert into t values (41 + 1)"')
        == ""
    )
    again = isolation.furnish(await isolation.open("postgresql", name, None, fresh=False), box)
    assert await psql(sandbox, again, '-c "select x from t"') == "42"
    assert again.env["PGPASSWORD"] != furnished.env["PGPASSWORD"]
    fresh = isolation.furnish(await isolation.open("postgresql", name, None, fresh=True), box)
    assert "does not exist" in await psql(sandbox, fresh, '-c "select x from t"')
    await isolation.drop("postgresql", name)
    await isolation.drop("postgresql", name)
    assert not made(tasks_server, mark)


async def test_a_peer_cannot_connect(isolation: Isolation, sandbox: Sandbox, box: Box, mark: str) -> None:
    """Naive: with CONNECT for everybody, as PostgreSQL has it by default, a peer is let in."""
    one, two = [await isolation.open("postgresql", named(mark, task), None, fresh=False) for task in (1, 2)]
    peer = isolation.furnish(two, box)
    assert "permission denied for database" in await psql(sandbox, peer, f'-d {named(mark, 1)} -c "select 1"')
    for place in ("postgres", "template1"):
        assert "permission denied for database" in await psql(sandbox, peer, f'-d {place} -c "select 1"')
    spoofed = f'-U {named(mark, 1)} -d {named(mark, 1)} -c "select 1"'
    assert "password authentication failed" in await psql(sandbox, peer, spoofed)
    with isolation.services["postgresql"].cluster.admin() as admin:  # type: ignore[attr-defined]
        admin.do("GRANT CONNECT ON DATABASE {} TO PUBLIC", str(named(mark, 1)))
    assert await psql(sandbox, peer, f'-d {named(mark, 1)} -c "select 1"') == "1"
    for task in (1, 2):
        await isolation.drop("postgresql", named(mark, task))
    assert one.secrets != two.secrets


async def test_a_task_cannot_let_itself_do_more(
    databases: PostgresDatabases, sandbox: Sandbox, box: Box, mark: str
) -> None:
    strict = replace(databases, role=Role(connections=2, statement_seconds=1))
    furnished = (await strict.open(named(mark, 3), None, fresh=False)).furnish(sandbox, box)
    name = named(mark, 3)
    for wish in ("CREATEDB", "CONNECTION LIMIT 50", "VALID UNTIL 'infinity'"):
        assert "denied" in await psql(sandbox, furnished, f'-c "alter role {name} {wish}"')
    assert "must be owner" in await psql(sandbox, furnished, f'-c "alter database {name} connection limit 99"')
    assert "permission denied" in await psql(sandbox, furnished, '-c "create database other"')
    assert "statement timeout" in await psql(sandbox, furnished, '-c "select pg_sleep(5)"')
    three = '-c "select pg_sleep(0.8)" & psql -c "select pg_sleep(0.8)" & psql -c "select pg_sleep(0.8)" & wait'
    assert "too many connections" in await psql(sandbox, furnished, three)
    await strict.drop(name)


async def test_a_template_is_made_once_and_copied(
    isolation: Isolation, sandbox: Sandbox, box: Box, tasks_server: Server, mark: str
) -> None:
    key, makers = "0123456789abcdef", list[int]()

    async def copy(task: int) -> Database:
        async with isolation.template("postgresql", mark, key) as database:
            if database is not None:
                makers.append(task)
                migrate = '-c "create table t (x int); insert into t values (7)"'
                assert await psql(sandbox, isolation.furnish(database, box), migrate) == ""
        return await isolation.open("postgresql", named(mark, task), key, fresh=False)

    copies = await asyncio.gather(*(copy(task) for task in range(1, 5)))
    assert len(makers) == 1
    for database in copies:
        change = '-c "insert into t values (8); alter table t add y int; select count(*) from t"'
        assert await psql(sandbox, isolation.furnish(database, box), change) == "2"
    await isolation.forget_templates(mark, [key])
    assert f"iw_{mark}_template_{key}" in everything(tasks_server)
    for task in range(1, 5):
        await isolation.drop("postgresql", named(mark, task))
    await isolation.forget_templates(mark, [])
    assert not made(tasks_server, mark)


async def test_a_template_whose_preparing_failed_is_made_anew(
    isolation: Isolation, sandbox: Sandbox, box: Box, tasks_server: Server, mark: str
) -> None:
    key = "00000000000000aa"
    with pytest.raises(RuntimeError):
        async with isolation.template("postgresql", mark, key):
            raise RuntimeError("migrations are broken")
    assert f"iw_{mark}_template_{key}" not in everything(tasks_server)
    async with isolation.template("postgresql", mark, key) as database:
        assert database is not None
    await isolation.forget_templates(mark, [])
    assert not made(tasks_server, mark)


# ── what a cluster must be like ──


async def test_the_bots_own_cluster_is_refused(tasks_server: Server, mark: str) -> None:
    own = PostgresDatabases(Cluster("databases.main", tasks_server.url, tasks_server.url))
    with pytest.raises(DatabaseRefused, match="is the cluster of the bot's own database"):
        await own.open(named(mark, 1), None, fresh=False)


async def test_another_cluster_than_the_bots_is_taken(tasks_server: Server, postgres: Server, mark: str) -> None:
    other = PostgresDatabases(Cluster("databases.main", tasks_server.url, postgres.url))
    await other.open(named(mark, 1), None, fresh=False)
    await other.drop(named(mark, 1))


async def test_a_cluster_without_a_socket_here_is_refused(postgres: Server, mark: str) -> None:
    remote = PostgresDatabases(Cluster("databases.main", postgres.url))
    with pytest.raises(DatabaseRefused, match="there is no socket of it on this machine"):
        await remote.open(named(mark, 1), None, fresh=False)


async def test_a_cluster_that_trusts_everybody_is_refused(
    tasks_server: Server, databases: PostgresDatabases, sandbox: Sandbox, box: Box, mark: str
) -> None:
    """Naive: where it trusts, a task is let in as another."""
    listen(tasks_server, "trust")
    try:
        with pytest.raises(DatabaseRefused, match="lets a role in with a wrong password"):
            await databases.open(named(mark, 1), None, fresh=False)
        peer = box.with_binds(Bind(tasks_server.folder / "sockets", "/run/database"))
        spoofed = f'-h /run/database -p {tasks_server.port} -U {named(mark, 1)} -d {named(mark, 1)} -c "select 1"'
        assert await psql(sandbox, peer, spoofed) == "1"
    finally:
        listen(tasks_server)
    await databases.drop(named(mark, 1))


async def test_a_database_that_is_open_to_everybody_is_refused(
    tasks_server: Server, databases: PostgresDatabases, mark: str
) -> None:
    tasks_server.execute(f'CREATE DATABASE "open_{mark}"')
    with pytest.raises(DatabaseRefused, match=f'REVOKE CONNECT ON DATABASE "open_{mark}" FROM PUBLIC'):
        await databases.open(named(mark, 1), None, fresh=False)
    tasks_server.drop(f"open_{mark}")


async def test_a_cluster_that_is_down_is_asked_again_later(mark: str) -> None:
    down = PostgresDatabases(Cluster("databases.main", "postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable, match=r"`databases\.main`: no connection"):
        await down.open(named(mark, 1), None, fresh=False)


# ── crashes ──

KILLED = """
import asyncio, os, sys
from bot.sandbox.databases import postgres
from bot.sandbox.databases.cluster import Admin, Cluster
from bot.sandbox.databases.names import DatabaseName, Purpose

url, mark, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
do = Admin.do

def count(self, statement, *names, **literals):
    global left
    do(self, statement, *names, **literals)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)

Admin.do = count
service = postgres.PostgresDatabases(Cluster("databases.main", url))
asyncio.run(service.open(DatabaseName(mark, 5, Purpose.WORK), None, fresh=False))
print("whole")
"""


async def test_kill_9_after_any_statement_leaves_nothing_that_is_not_found(
    tasks_server: Server, databases: PostgresDatabases, sandbox: Sandbox, box: Box, mark: str
) -> None:
    name, root = named(mark, 5), Path(bot.__file__).parents[1]
    for statement in range(1, 24, 2):
        argv = [sys.executable, "-c", KILLED, tasks_server.url, mark, str(statement)]
        ended = await asyncio.to_thread(subprocess.run, argv, cwd=root, capture_output=True, check=False)
        if ended.stdout == b"whole\n":
            break
        assert ended.returncode == -9, ended.stderr
        assert {str(left) for left in await databases.leftovers(mark)} == made(tasks_server, mark)
        if statement % 4 == 1:
            furnished = (await databases.open(name, None, fresh=False)).furnish(sandbox, box)
            assert await psql(sandbox, furnished, '-c "create table t (x int)"') == ""
        await databases.drop(name)
        assert not made(tasks_server, mark)
    assert statement > 6
    await databases.drop(name)


# ── schemas ──


async def test_schemas_are_apart_though_not_as_far(
    cluster: Cluster, sandbox: Sandbox, box: Box, tasks_server: Server, mark: str
) -> None:
    service = PostgresSchemas(cluster)
    tasks_server.execute(f'CREATE DATABASE "shared_{mark}"')
    tasks_server.execute(f'REVOKE CONNECT ON DATABASE "shared_{mark}" FROM PUBLIC')
    service = PostgresSchemas(replace(cluster, url=tasks_server.url.removesuffix("postgres") + f"shared_{mark}"))
    one, two = [(await service.open(named(mark, n), None, fresh=False)).furnish(sandbox, box) for n in (1, 2)]
    assert await psql(sandbox, one, '-c "create table t (x int); insert into t values (1)"') == ""
    assert "does not exist" in await psql(sandbox, two, '-c "table t"')
    assert "permission denied for schema" in await psql(sandbox, two, f'-c "table {named(mark, 1)}.t"')
    assert "permission denied for schema public" in await psql(sandbox, two, '-c "create table public.t (x int)"')
    assert str(named(mark, 1)) in await psql(sandbox, two, '-c "select nspname from pg_namespace"'), "names are seen"
    assert await service.leftovers(mark) == {named(mark, 1), named(mark, 2)}
    for task in (1, 2, 2):
        await service.drop(named(mark, task))
    assert not [left for left in everything(tasks_server) if left.startswith(f"iw_{mark}")]
    tasks_server.drop(f"shared_{mark}")


# ── many ──

SERVER = """
import http.server, subprocess, sys, os
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
sql = "create table people (name text); insert into people select generate_series(1, 1000)::text"
subprocess.run(["psql", "-q", "-c", sql], check=True)
found = subprocess.run(["psql", "-tAc", "select count(*) from people"], check=True, capture_output=True).stdout
print(server.server_port, found.decode().strip(), flush=True)
"""


async def test_sixteen_tasks_at_once_each_have_port_3000_and_a_database(
    isolation: Isolation, sandbox: Sandbox, tmp_path: Path, tasks_server: Server, mark: str
) -> None:
    async def one(task: int) -> str:
        folder = sandbox.make_folder(tmp_path / str(task), task)
        box = Box((Bind(folder, "/task", writable=True),), "/task", tenant=task)
        database = await isolation.open("postgresql", named(mark, task), None, fresh=True)
        with isolation.ports(IsolationConfig(ports={"web": 3000})) as ports:
            furnished = isolation.furnish(database, box.with_env(**ports))
            finished = await sandbox.run(furnished, ["python3", "-c", SERVER + "sys.stdin.read()"], LONG, stdin=b"x")
        return finished.output.decode().strip()

    assert await asyncio.gather(*(one(task) for task in range(1, 17))) == ["3000 1000"] * 16
    assert len(await isolation.leftovers("postgresql", mark)) == 16
    await asyncio.gather(*(isolation.drop("postgresql", named(mark, task)) for task in range(1, 17)))
    assert not made(tasks_server, mark)


def test_a_password_is_not_seen(mark: str) -> None:
    shown = repr(Database("postgresql://a:pass@/x", env={"PGPASSWORD": "pass"}, secrets=("pass",)))
    assert "pass" not in shown
