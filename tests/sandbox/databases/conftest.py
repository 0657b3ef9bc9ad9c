"""A PostgreSQL cluster for tasks: reached by its socket alone, and it asks for passwords."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.sandbox.databases.cluster import Cluster
from bot.sandbox.databases.postgres import PostgresDatabases
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from tests.postgres.fixtures import MEMORY, NOT_RUN
from tests.postgres.server import Server, binaries

HBA = "local all tester trust\nlocal all all {method}\nhost all tester 127.0.0.1/32 trust\n"


@pytest.fixture(scope="session")
def tasks_server() -> Iterator[Server]:
    """Beside `postgres`, which is the bot's."""
    found = binaries()
    if found is None:
        pytest.skip(NOT_RUN)
    with tempfile.TemporaryDirectory(prefix="iw-pg-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        Path(folder).chmod(0o755)
        server = Server(found, Path(folder) / "cluster")
        server.make()
        try:
            listen(server)
            yield server
        finally:
            server.stop()


def listen(server: Server, method: str = "scram-sha-256") -> None:
    """On a socket in a folder of its own."""
    sockets = server.folder / "sockets"
    if not sockets.exists():
        sockets.mkdir()
        owner = (server.folder / "data").stat()
        os.chown(sockets, owner.st_uid, owner.st_gid)
        with (server.folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write(f"unix_socket_directories = '{sockets}'\nmax_connections = '200'\n")
    (server.folder / "data" / "pg_hba.conf").write_text(HBA.format(method=method))
    server.restart()


@pytest.fixture
def cluster(tasks_server: Server) -> Cluster:
    return Cluster("databases.main", tasks_server.url)


@pytest.fixture
def databases(cluster: Cluster) -> PostgresDatabases:
    return PostgresDatabases(cluster)


@pytest.fixture
def isolation(sandbox: Sandbox, tmp_path: Path, databases: PostgresDatabases) -> Isolation:
    return Isolation(sandbox, tmp_path / "bot", {"postgresql": databases}, {"postgresql": databases})


def everything(server: Server) -> set[str]:
    """Databases, roles and schemas that somebody made."""
    query = "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles UNION SELECT nspname FROM pg_namespace"
    with psycopg.connect(server.url) as conn:
        return {str(row[0]) for row in conn.execute(query.encode()) if str(row[0]).startswith("iw_")}
