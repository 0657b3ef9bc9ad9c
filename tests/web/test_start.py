"""Deliveries are answered before the pages' framework is loaded, and two hundred at once are all kept."""

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from bot.store.store import Store
from bot.task.ids import DeliveryId
from bot.task.results import SandboxLevel
from bot.web.app import build_app
from bot.web.asgi import ASGIApp, Message
from bot.web.probes import Readiness
from bot.web.webhooks import PATH
from tests.web.client import head
from tests.web.worlds import SECRET, ManualClock, body_of

COLD = """
import asyncio, sys
from pathlib import Path
from urllib.parse import urlsplit
from bot.task.results import SandboxLevel
from bot.web.app import build_app
from bot.web.probes import Readiness
from tests.web.client import client, deliver, head
from tests.web.worlds import SECRET, ManualClock, body_of, open_store

async def main():
    clock = ManualClock()
    store = await open_store(Path(sys.argv[1]), clock)
    ready = lambda: Readiness(True, SandboxLevel.NONE, "")
    app = build_app(store, secret=SECRET, readiness=ready, clock=clock)
    print((await deliver(app, body_of(), head(body_of()))).status_code, "fastapi" in sys.modules)
    async with client(app) as someone:
        print((await someone.get("/healthz")).status_code, "fastapi" in sys.modules)
    await store.close()

asyncio.run(main())
"""


def test_the_first_delivery_does_not_wait_for_the_framework(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", COLD, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("202 False\n200 True\n", "")


def app_of(store: Store, clock: ManualClock) -> ASGIApp:
    return build_app(store, secret=SECRET, readiness=lambda: Readiness(True, SandboxLevel.NONE, ""), clock=clock)


@pytest.mark.anyio
async def test_lifespan_is_answered_without_building_anything(store: Store, clock: ManualClock) -> None:
    told: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    heard: list[str] = []

    async def receive() -> Message:
        return told.pop(0)

    async def send(message: Message) -> None:
        heard.append(message["type"])

    await app_of(store, clock)({"type": "lifespan"}, receive, send)
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Over a real socket, by the server that `serve` uses."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has nothing to wait for)
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def post(base: str, ready: asyncio.Barrier, body: bytes, guid: str) -> tuple[int, float]:
    """Connect, wait for the others, post; the status and the seconds until it came. No client library in between."""
    address = urlsplit(base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    headers = {**head(body, guid=guid), "host": address.netloc, "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    await ready.wait()
    begun = time.perf_counter()
    writer.write(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    status = int((await reader.readline()).split()[1])
    took = time.perf_counter() - begun
    writer.close()
    await writer.wait_closed()
    return status, took


@pytest.mark.anyio
async def test_two_hundred_at_once_are_all_answered_and_all_stored(store: Store, clock: ManualClock) -> None:
    bodies = {f"delivery-{n}": body_of(issue={"number": n, "body": "x" * 12_000}) for n in range(200)}
    ready = asyncio.Barrier(len(bodies))
    before = store.commits

    async with served(app_of(store, clock)) as base:
        answers = await asyncio.gather(*(post(base, ready, body, guid) for guid, body in bodies.items()))

    assert [status for status, _ in answers] == [202] * 200
    for guid, body in bodies.items():
        stored = await store.delivery(DeliveryId(guid))
        assert stored is not None
        assert stored.body == body
    assert store.commits - before < 200
    percentiles = statistics.quantiles([seconds * 1000 for _, seconds in answers], n=100)
    print(f"\n200 at once: p50 {percentiles[49]:.0f} ms, p99 {percentiles[98]:.0f} ms", end=" ")
    print(f"(clients in the same process), {store.commits - before} commits")
