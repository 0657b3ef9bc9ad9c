"""Workers as processes of their own on one database, and what a test does to them."""

import asyncio
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bot.settings import PREFIX
from tests.postgres.town import Town
from tests.worlds.real_world import SECRET

ROOT = Path(__file__).parents[2]

WITNESS = """
CREATE TABLE witness (at double precision, task bigint, lease text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO witness SELECT extract(epoch from clock_timestamp()), OLD.task_id,
    CASE TG_OP WHEN 'UPDATE' THEN NEW.lease END;
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER UPDATE OR DELETE ON effects FOR EACH ROW
  WHEN (OLD.kind = 'Publish') EXECUTE FUNCTION witness();
"""
"""Who held a task's Publish effect, and from when, by the clock of this machine."""


@dataclass(frozen=True)
class Push:
    """One `git push` that a worker began."""

    at: float
    pid: int
    branch: str


@dataclass
class Ship:
    """One worker with a data folder, which outlives its processes."""

    name: str
    env: Mapping[str, str]
    log: Path
    process: Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.cli", "work", env=dict(self.env), cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def signal(self, number: int) -> None:
        assert self.process is not None
        assert self.process.returncode is None, f"{self.name} ended by itself: {self.log.read_text()[-3000:]}"
        self.process.send_signal(number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        await self.process.wait()

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM, once it listens for it; exit code, and how many seconds it took."""
        while not self._listens():  # noqa: ASYNC110 - another process does not tell
            await asyncio.sleep(0.05)
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self.process is not None
        return await self.process.wait(), time.monotonic() - began

    def _listens(self) -> bool:
        """Did the process come so far as to handle SIGTERM? Or it is over, and there is nothing to wait for."""
        assert self.process is not None
        if self.process.returncode is not None:
            return True
        status = Path("/proc", str(self.process.pid), "status").read_text()
        [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


@dataclass
class Fleet:
    """`ships` workers of one town on one database."""

    town: Town
    database: str
    folder: Path
    size: int
    limit: int
    lease_seconds: float
    ships: list[Ship] = field(init=False)

    def __post_init__(self) -> None:
        self._make_git()
        self.ships = [
            Ship(f"ship{n}", self.environment(f"ship{n}"), self.folder / f"ship{n}.log") for n in range(self.size)
        ]
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute(WITNESS)

    def _make_git(self) -> None:
        """A `git` that writes pushes down before it makes them."""
        real = shutil.which("git")
        folder = self.folder / "bin"
        folder.mkdir()
        script = folder / "git"
        script.write_text(
            f'#!/bin/sh\ncase " $* " in *" push --porcelain "*)\n'
            f'echo "$(date +%s.%N) $PPID $*" >> {self.folder}/pushes\n;; esac\nexec {real} "$@"\n'
        )
        script.chmod(0o755)

    def environment(self, name: str) -> dict[str, str]:
        town = self.town
        told = {
            "GITHUB_APP_ID": str(town.app.id),
            "GITHUB_PRIVATE_KEY": town.app.private_key_pem,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": town.forge.api_url,
            "DATABASE_URL": self.database,
            "DATA_DIR": str(self.folder / name),
            "AGENT_SCRIPT": str(town.script()),
            "MAX_PARALLEL": str(self.limit),
            "MAX_PARALLEL_HERE": str(max(1, self.limit // 2)),
            "LEASE_SECONDS": str(self.lease_seconds),
            "SWEEP_SECONDS": "15",
        }
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, **{f"{PREFIX}{setting}": value for setting, value in told.items()}}

    async def start(self) -> None:
        for ship in self.ships:
            await ship.start()

    async def stop(self) -> list[tuple[int, float]]:
        return list(await asyncio.gather(*(ship.terminate() for ship in self.ships)))

    def sink(self) -> None:
        """Leave no process behind, whatever happened."""
        for ship in self.ships:
            if ship.process is not None and ship.process.returncode is None:
                ship.process.kill()

    def pushes(self) -> list[Push]:
        file = self.folder / "pushes"
        lines = file.read_text().splitlines() if file.exists() else []
        return [_push(line) for line in lines]

    def logs(self) -> str:
        return "\n".join(
            f"── {ship.name} ──\n{ship.log.read_text()[-4000:]}" for ship in self.ships if ship.log.exists()
        )


def _push(line: str) -> Push:
    at, pid, words = line.split(" ", 2)
    return Push(float(at), int(pid), words.rpartition(":refs/heads/")[2])
