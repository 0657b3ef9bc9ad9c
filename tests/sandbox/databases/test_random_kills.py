"""Tasks with a worktree, a database and a server on port 3000, in a bot that is killed again and again.

A few by default; `make leftovers` plays two hundred.
"""

import asyncio
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bot
from bot.sandbox.capability import Capability
from bot.sandbox.databases.postgres import PostgresDatabases
from bot.sandbox.process import Sandbox
from bot.task.ids import TaskId
from bot.workspace.workspaces import GitWorkspaces
from tests.postgres.server import Server
from tests.sandbox.databases.conftest import everything
from tests.workspace.origin import Origin
from tests.worlds.leftovers import nothing_left

pytestmark = pytest.mark.anyio

TASKS = int(os.environ.get("KILLED_TASKS", "6"))
AT_ONCE = 3

WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.sandbox.box import Limits
from bot.sandbox.databases.cluster import Cluster
from bot.sandbox.databases.names import DatabaseName, Purpose
from bot.sandbox.databases.postgres import PostgresDatabases
from bot.sandbox.isolation import Isolation
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.ids import BranchName, InstallationId, RepoRef, TaskId
from bot.task.repo_config import IsolationConfig
from bot.workspace.values import CommitMessage, Remote
from bot.workspace.workspaces import GitWorkspaces

root, origin, url, mark = sys.argv[1:5]
REPO, MAIN = RepoRef(99, "ann/app", InstallationId(1)), BranchName("main")
MESSAGE = CommitMessage("Work", "Bot <bot@example.org>", datetime(2026, 1, 2, tzinfo=UTC))
WORK = "echo work > work.txt; psql -qc 'create table t (x int)'; python3 -m http.server 3000 & sleep 0.3; kill $!"

async def one(door, sandbox, isolation, task):
    fetched = await door.fetch(task, REPO, Remote(origin, ""), MAIN, BranchName(f"agent/{task}"))
    await door.open(task, REPO, fetched.base)
    name = DatabaseName(mark, task, Purpose.WORK)
    database = await isolation.open("postgresql", name, None, fresh=True)
    await sandbox.run(isolation.furnish(database, door.box(task)), ["sh", "-c", WORK], Limits(seconds=60))
    await door.harvest(task, fetched.base, fetched.base, MESSAGE)
    await isolation.drop("postgresql", name)
    await door.close(task)

async def main():
    sandbox = Sandbox(probe("auto"))
    door = GitWorkspaces(Path(root), sandbox)
    isolation = Isolation(sandbox, Path(root), {"postgresql": PostgresDatabases(Cluster("databases.main", url))})
    print("begin", flush=True)
    await asyncio.gather(*(one(door, sandbox, isolation, TaskId(int(word))) for word in sys.argv[5:]))

asyncio.run(main())
"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.new(tmp_path / "origin")


def killed(argv: list[str], seconds: float) -> bool:
    """Did it live longer than it was given?"""
    with subprocess.Popen(argv, cwd=Path(bot.__file__).parents[1], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"begin\n"
        try:
            return worker.wait(seconds) != 0
        except subprocess.TimeoutExpired:
            worker.kill()
            return True


def mounts() -> str:
    """Of the host."""
    return Path("/proc/self/mountinfo").read_text()


async def test_nothing_is_left_of_tasks_whose_bot_was_killed_at_random(
    tasks_server: Server, databases: PostgresDatabases, capability: Capability, origin: Origin, tmp_path: Path
) -> None:
    chance, mark, root = random.Random(7), secrets.token_hex(4), tmp_path / "data"
    before = mounts()
    began, kills = time.monotonic(), 0
    for first in range(1, TASKS + 1, AT_ONCE):
        words = [str(number) for number in range(first, min(first + AT_ONCE, TASKS + 1))]
        argv = [sys.executable, "-c", WORKER, str(root), str(origin.remote), tasks_server.url, mark, *words]
        kills += await asyncio.to_thread(killed, argv, chance.uniform(0, 2.0))
        await nothing_left(root, 20)
    door = GitWorkspaces(root, Sandbox(capability))
    for number in range(1, TASKS + 1):  # what the bot does with what it finds in its notes, as it starts
        await door.close(TaskId(number))
    for name in await databases.leftovers(mark):
        await databases.drop(name)
    assert not [name for name in everything(tasks_server) if mark in name]
    assert os.listdir(root / "tasks") == []
    assert mounts() == before
    with socket.create_server(("127.0.0.1", 3000)):
        pass
    await nothing_left(root, 20)
    print(f"{TASKS} tasks, {kills} kills, {time.monotonic() - began:.0f} s: nothing is left")
    await asyncio.to_thread(shutil.rmtree, root)
