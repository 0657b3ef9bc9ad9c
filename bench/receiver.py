"""How fast deliveries are taken: our durable receiver beside receivers that store nothing, in one run.

    python -m bench.receiver [--rounds 9] [--seconds 1] [--connections 32] [--probot FOLDER]

Every contender is a server process of its own; one load process asks one of them at a time, in turns, so that whatever
else the machine does hits all alike. Compare the ratios, not the figures: the load shares the cores with the server.
`noop` checks the signature, parses the JSON and forgets it. `probot` (a FOLDER whose node_modules has it) does what
Probot does before a handler that does nothing. Ours answers after the commit. Nothing here judges a time.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from bench.load import PATH, SECRET, head, payload
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.results import SandboxLevel
from bot.web.app import build_app
from bot.web.asgi import ASGIApp, Receive, Scope, Send, answer
from bot.web.probes import Readiness

DATABASE = "bench.db"
OURS, NOOP, PROBOT = "issuewright", "noop", "probot"
PROBOT_SCRIPT = """
import { generateKeyPairSync } from "node:crypto";
import { run } from "probot";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PRIVATE_KEY = privateKey.export({ type: "pkcs1", format: "pem" });
const { BENCH_PORT: PORT, BENCH_SECRET: WEBHOOK_SECRET, BENCH_PATH: WEBHOOK_PATH } = process.env;
const env = { APP_ID: "1", PRIVATE_KEY, WEBHOOK_SECRET, WEBHOOK_PATH, PORT, HOST: "127.0.0.1", LOG_LEVEL: "fatal" };
await run((app) => { app.on("issues.labeled", async () => {}); }, { env });
"""

Process = subprocess.Popen[bytes]

# ── contenders ──


async def noop(scope: Scope, receive: Receive, send: Send) -> None:
    """Signature, JSON, nothing more."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    given = dict(scope["headers"])[b"x-hub-signature-256"]
    good = hmac.compare_digest(b"sha256=" + hmac.digest(SECRET, body, "sha256").hex().encode(), given)
    json.loads(body)
    await answer(202 if good else 401, {"status": "accepted"}).send(send)


def clock() -> datetime:
    return datetime.now(UTC)


async def serve(name: str, port: int, folder: Path) -> None:
    """Be one of the two contenders in Python until terminated."""
    if name == NOOP:
        await _listen(noop, port)
        return
    store = await Store.open(f"sqlite:///{DATABASE}", pace=Pace(), clock=clock, data_dir=folder)
    ready = Readiness(True, SandboxLevel.NONE, "")
    await _listen(build_app(store, secret=SECRET, readiness=lambda: ready, clock=clock), port)
    await store.close()


async def _listen(app: ASGIApp, port: int) -> None:
    settings = uvicorn.Config(app, port=port, log_level="warning", access_log=False, ws="none", lifespan="off")
    await uvicorn.Server(settings).serve()


def start_python(name: str) -> Callable[[int, Path], Process]:
    """Starts one of the two contenders in Python."""

    def start(port: int, folder: Path) -> Process:
        return subprocess.Popen([sys.executable, "-m", "bench.receiver", "--serve", name, str(port), str(folder)])

    return start


def start_probot(modules: Path) -> Callable[[int, Path], Process]:
    """Starts Probot without a log."""

    def start(port: int, folder: Path) -> Process:
        env = os.environ | {"BENCH_PORT": str(port), "BENCH_SECRET": SECRET.decode(), "BENCH_PATH": PATH}
        return subprocess.Popen(["node", "--input-type=module", "-e", PROBOT_SCRIPT], cwd=modules, env=env)

    return start


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that is up. `first`: seconds from its start to its first answer to a delivery."""

    name: str
    process: Process
    port: int
    folder: Path
    first: float


@contextlib.contextmanager
def running(name: str, start: Callable[[int, Path], Process], folder: Path) -> Iterator[Running]:
    """Start it and wait for its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    begun = time.perf_counter()
    process = start(port, folder)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - begun > 60:
                raise SystemExit(f"{name} does not start")
            time.sleep(0.01)
        yield Running(name, process, port, folder, time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    body = payload()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as server:
        server.sendall(head(body, port) + b"first\r\n\r\n" + body)
        return server.recv(100).split()[1:2] in ([b"202"], [b"200"])
    return False


# ── rounds ──


@dataclass(frozen=True, slots=True)
class Round:
    """One contender's turn. Times in milliseconds; `cpu`: microseconds of the server's processors for one request.

    `busy`: share of the time that the load process computed; near 1 the load was the limit, not the server.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    busy: float
    good: int
    bad: int


def measure(contender: Running, connections: int, seconds: float) -> Round:
    """Load it for so long."""
    before = _cpu_seconds(contender.process.pid)
    command = [sys.executable, "-m", "bench.load", str(contender.port), str(connections), str(seconds)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    used = _cpu_seconds(contender.process.pid) - before
    took = sorted(said["took"])
    percentiles = statistics.quantiles(took, n=100)
    return Round(
        rate=said["good"] / said["elapsed"],
        p50=percentiles[49] * 1e3,
        p99=percentiles[98] * 1e3,
        cpu=used / len(took) * 1e6,
        busy=said["busy"],
        good=said["good"],
        bad=len(took) - said["good"],
    )


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(contenders: Sequence[Running], rounds: dict[str, list[Round]]) -> None:
    """The table, then our ratios to each other contender: median of the paired rounds and its quartiles."""
    print(
        "| receiver | req/s median (min-max) | p50 ms | p99 ms | CPU us/req | load busy | bad | first answer s | MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for one in contenders:
        done = rounds[one.name]
        rates = [turn.rate for turn in done]
        p50, p99, cpu, busy = map(statistics.median, zip(*((t.p50, t.p99, t.cpu, t.busy) for t in done), strict=True))
        print(
            f"| {one.name} | {statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f}) | {p50:.1f} | {p99:.1f}"
            f" | {cpu:.0f} | {busy:.0%} | {sum(turn.bad for turn in done)} | {one.first:.2f}"
            f" | {_resident_mib(one.process.pid):.0f} |"
        )
    for other in contenders[1:]:
        pairs = list(zip(rounds[OURS], rounds[other.name], strict=True))
        print(f"{OURS} / {other.name}: req/s {_spread([a.rate / b.rate for a, b in pairs])}", end=", ")
        print(f"p99 {_spread([a.p99 / b.p99 for a, b in pairs])}")


def _spread(ratios: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    return f"{middle:.2f} [{low:.2f}-{high:.2f}]"


def compare(options: argparse.Namespace) -> None:
    """Start all, warm each up, measure in turns, and count what ours stored."""
    starts = {OURS: start_python(OURS), NOOP: start_python(NOOP)}
    if options.probot:
        starts[PROBOT] = start_probot(options.probot)
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-receiver-")))
        contenders = [stack.enter_context(running(name, start, root)) for name, start in starts.items()]
        warm = {one.name: measure(one, options.connections, options.warm_up) for one in contenders}
        rounds: dict[str, list[Round]] = {one.name: [] for one in contenders}
        for number in range(options.rounds):
            for one in contenders[number % len(contenders) :] + contenders[: number % len(contenders)]:
                rounds[one.name].append(measure(one, options.connections, options.seconds))
        print(f"{len(payload())} bytes, {options.connections} connections, {options.rounds} rounds of", end=" ")
        print(f"{options.seconds:g} s, load {os.getloadavg()[0]:.1f}")
        report(contenders, rounds)
        answered = 1 + warm[OURS].good + sum(one.good for one in rounds[OURS])
        with contextlib.closing(sqlite3.connect(root / DATABASE)) as database:
            stored = database.execute("SELECT count(*) FROM deliveries").fetchone()[0]
        print(f"{OURS} answered {answered} deliveries and stored {stored}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare receivers of webhooks.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--warm-up", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--probot", type=Path, help="a folder with node_modules/probot")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        name, port, folder = options.serve
        asyncio.run(serve(name, int(port), Path(folder)))
    else:
        compare(options)


if __name__ == "__main__":
    main()
