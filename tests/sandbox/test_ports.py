"""Ports: every sandbox its own where there are namespaces, and leased ranges where there are none."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import Capability
from bot.sandbox.isolation import Isolation
from bot.sandbox.ports import SIZE, NoPorts, PortRanges
from bot.sandbox.process import Sandbox
from bot.task.repo_config import IsolationConfig
from bot.task.results import SandboxLevel

HOLD = """
import sys
from pathlib import Path
from bot.sandbox.ports import PortRanges
with PortRanges(Path(sys.argv[1]), 23000, 24000).lease() as ports:
    print(ports.start, flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-c", HOLD, str(folder)]
    root = Path(bot.__file__).parents[1]
    return subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def told(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_naive_a_port_that_was_free_is_not_kept() -> None:
    """Bind, ask, close: whoever comes next may get the same."""
    with socket.create_server(("127.0.0.1", 0)) as asked:
        port = asked.getsockname()[1]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", port))


def test_processes_get_ranges_apart_and_the_kernel_frees_them(tmp_path: Path) -> None:
    holders = [holder(tmp_path) for _ in range(6)]
    starts = [told(one) for one in holders]
    assert len(set(starts)) == 6
    for one in holders:
        end(one)
    again = holder(tmp_path)
    assert told(again) == min(starts)
    end(again)


def test_a_range_in_which_somebody_listens_is_left_out(tmp_path: Path) -> None:
    ranges = PortRanges(tmp_path, 24100, 24100 + 2 * SIZE)
    with socket.create_server(("127.0.0.1", 24105)), ranges.lease() as ports:
        assert ports.start == 24100 + SIZE
        with pytest.raises(NoPorts, match="all ranges of 20 ports"), ranges.lease():
            pass
    with ranges.lease() as ports:
        assert ports.start == 24100


@pytest.mark.anyio
async def test_the_ports_of_a_repository_are_in_the_environment(sandbox: Sandbox, box: Box, tmp_path: Path) -> None:
    wanted = IsolationConfig(ports={"web": 3000, "api": 3001})
    with Isolation(sandbox, tmp_path).ports(wanted) as ports:
        assert ports == {"PORT": "3000", "ISSUEWRIGHT_PORT_WEB": "3000", "ISSUEWRIGHT_PORT_API": "3001"}
    with Isolation(sandbox, tmp_path).ports(IsolationConfig(ports=(8080,))) as ports:
        assert ports == {"PORT": "8080", "ISSUEWRIGHT_PORT_8080": "8080"}
    with Isolation(sandbox, tmp_path).ports(IsolationConfig()) as ports:
        assert ports == {}


@pytest.mark.anyio
async def test_without_namespaces_tasks_that_bind_at_once_get_along(tmp_path: Path) -> None:
    """Naive: the second that binds 3000 on a shared network fails."""
    sandbox = Sandbox(Capability(SandboxLevel.EXTERNAL, "He says so.", insisted=True))
    isolation, wanted = Isolation(sandbox, tmp_path), IsolationConfig(ports={"web": 3000})
    listen = (
        "import os, socket, time\ns = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\ntime.sleep(1.5)"
    )

    async def serve(**env: str) -> bool:
        return (await sandbox.run(Box((), "/", env), ["python3", "-c", listen], Limits(seconds=60))).exit_code == 0

    async def leased() -> bool:
        with isolation.ports(wanted) as ports:
            return await serve(**ports)

    assert sorted(await asyncio.gather(serve(PORT="18123"), serve(PORT="18123"))) == [False, True]
    assert await asyncio.gather(*(leased() for _ in range(4))) == [True] * 4
