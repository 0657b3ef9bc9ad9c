"""Beside its own socket a box reaches nothing: each way works from this machine and fails inside."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.sandbox.box import Box, Limits
from bot.sandbox.egress import turn
from bot.sandbox.egress.turn import Egress
from bot.sandbox.egress.values import TurnLimits
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Finished
from tests.sandbox.egress.client import clock, route
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio

TCP = "import socket; socket.create_connection(('127.0.0.1', {port}), 3).send(b'out')"
UDP = "import socket; print(socket.socket(type=socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', {port})))"
DNS = """
import socket
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(3); s.connect(('{host}', 53)); print('a way to a resolver')
"""
UNIX = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('{path}'); print('connected')"


@pytest.fixture
def heard() -> Iterator[tuple[int, list[bytes]]]:
    """A port on which this machine listens, TCP and UDP, and what came in."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as ear, socket.socket(type=socket.SOCK_DGRAM) as post:
        port = ear.getsockname()[1]
        post.bind(("127.0.0.1", port))

        def listen() -> None:
            while True:
                try:
                    connection, _ = ear.accept()
                except OSError:
                    return
                with connection:
                    came.append(connection.recv(100))

        def read() -> None:
            while (data := post.recv(100)) != b"over":
                came.append(data)

        threads = [threading.Thread(target=listen, daemon=True), threading.Thread(target=read, daemon=True)]
        for thread in threads:
            thread.start()
        yield port, came
        with socket.socket(type=socket.SOCK_DGRAM) as last:
            last.sendto(b"over", ("127.0.0.1", port))
        ear.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)


async def python(sandbox: Sandbox, box: Box, code: str) -> Finished:
    return await sandbox.run(box, ["python3", "-c", code], Limits(seconds=30))


@pytest.mark.parametrize("way", [TCP, UDP])
async def test_the_loopback_of_the_machine(
    sandbox: Sandbox, box: Box, vendor: ModelServer, heard: tuple[int, list[bytes]], way: str
) -> None:
    port, came = heard
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", way.format(port=port)], check=True)
    for _ in range(200):
        if came:
            break
        await asyncio.sleep(0.05)
    assert came == [b"out"]
    async with turn.opened(route(vendor.url), TurnLimits(), clock) as egress:
        await python(sandbox, egress.furnish(box), way.format(port=port))
    assert came == [b"out"]


async def test_names_and_other_addresses(sandbox: Sandbox, box: Box, vendor: ModelServer) -> None:
    async with turn.opened(route(vendor.url), TurnLimits(), clock) as egress:
        inside = egress.furnish(box)
        for host in ("9.9.9.9", "10.0.0.2", "169.254.169.254"):
            resolver = await python(sandbox, inside, DNS.format(host=host))
            assert b"unreachable" in resolver.output, resolver.output
        curl = await sandbox.run(inside, ["curl", "-sS", "-m", "20", "http://e.example/"], Limits(seconds=30))
        assert (curl.exit_code, b"Could not resolve host" in curl.output) == (6, True), curl.output
        proxied = ["curl", "-sS", "-x", "http://127.0.0.1:8080", "http://e.example/"]
        told = await sandbox.run(inside, proxied, Limits(seconds=30))
    assert b"There is no network in this sandbox" in told.output
    assert vendor.requests == []


async def test_the_socket_of_another_task(sandbox: Sandbox, box: Box, vendor: ModelServer) -> None:
    """With the folder of all sockets in the box, as one would show it first, any of them answers."""

    def path(egress: Egress) -> str:
        return str(egress.folder / "out.sock")

    async with (
        turn.opened(route(vendor.url), TurnLimits(), clock) as mine,
        turn.opened(route(vendor.url), TurnLimits(), clock) as other,
    ):
        shown = mine.furnish(box)
        naive = replace(shown, binds=(*shown.binds, *other.furnish(box).binds[-2:-1]))
        there = naive.binds[-1].target
        naive = replace(naive, binds=(*shown.binds, replace(naive.binds[-1], target="/run/others")))
        assert there == "/run/egress/model"
        assert b"connected" in (await python(sandbox, naive, UNIX.format(path="/run/others/out.sock"))).output
        for place in (path(other), path(mine), "/run/others/out.sock"):
            assert b"connected" not in (await python(sandbox, shown, UNIX.format(path=place))).output
        spoilt = await sandbox.run(shown, ["rm", "/run/egress/model/out.sock"], Limits(seconds=30))
        assert b"Read-only file system" in spoilt.output
