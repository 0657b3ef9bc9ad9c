"""A PostgreSQL server of our own, from whatever binaries this machine has: loopback, in a folder of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

START_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "fsync": "off",  # a kill of the server loses nothing that its kernel has; a power cut is not what is tested
}


def binaries() -> Path | None:
    """The folder of `initdb`, `pg_ctl` and `postgres`, the newest of those there are; None: there are none."""
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).resolve().parent] if on_path else []
    versions = Path("/usr/lib/postgresql")
    if versions.is_dir():
        folders += sorted(versions.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    whole = (folder for folder in folders if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")))
    return next(whole, None)


def _unprivileged() -> tuple[int, int] | None:
    """As whom the superuser runs the server, which refuses to run as root: user and group."""
    if os.getuid() != 0:
        return None
    user = next(entry for name in ("postgres", "nobody") for entry in pwd.getpwall() if entry.pw_name == name)
    return user.pw_uid, user.pw_gid


@dataclass
class Server:
    """One cluster. `url` is that of its database `postgres`."""

    bin: Path
    folder: Path
    port: int = field(default=0)

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Initialise the cluster and start it."""
        who = _unprivileged()
        self.folder.mkdir(parents=True)
        if who is not None:
            os.chown(self.folder, *who)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, "port": str(self.port)}.items()]
        with (self.folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write("\n".join([*lines, ""]))
        self.start()

    def start(self) -> None:
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", str(int(START_SECONDS)), "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate`: as after a crash, without a word to its clients."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def execute(self, statement: str) -> None:
        """One statement of the superuser."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(statement.encode())

    def database(self, name: str, template: str = "template1") -> str:
        """A new database, a copy of `template`; its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url.removesuffix("postgres") + name

    def drop(self, name: str) -> None:
        """Whoever is still connected is thrown out."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def freeze(self) -> None:
        """The server answers nobody any more, and hangs up on nobody."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def _run(self, program: str, *words: str) -> None:
        who = _unprivileged()
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(
            [self.bin / program, *words], env=env, cwd=self.folder, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * START_SECONDS,
            user=who[0] if who else None, group=who[1] if who else None, extra_groups=[] if who else None,
        )  # fmt: skip
        if done.returncode != 0:
            log = self.folder / "log"
            told = log.read_text()[-4000:] if log.exists() else ""
            raise RuntimeError(f"{program}: {done.stdout.decode(errors='replace')}\n{told}")


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server while the block runs. Raises LookupError when there are no binaries."""
    found = binaries()
    if found is None:
        raise LookupError("no PostgreSQL server binaries on the PATH or in /usr/lib/postgresql")
    server = Server(found, folder)
    server.make()
    try:
        yield server
    finally:
        server.stop()


def wait_until_ready(server: Server) -> None:
    """Until it takes connections."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
