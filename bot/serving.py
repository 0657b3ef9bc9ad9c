"""`issuewright serve`: receiver, pages and worker in one process, until a signal ends it. `work`: the worker alone."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from bot.sandbox.capability import limits_told
from bot.settings import Settings, SettingsError
from bot.web.app import build_app
from bot.web.probes import Readiness
from bot.wiring import Bot, build, open_store, wall_clock

log = logging.getLogger(__name__)

STOP_SECONDS = 10
"""How long a stopping server waits for requests that are being answered."""


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: `serve` has the only ones."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Serving:
    """A bot that serves, and where."""

    url: str
    bot: Bot


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Serving]:
    """Serve while the block runs; if worker or server break, the block is cancelled and the fault is raised.

    Raises SettingsError and the errors of the store before anything is served.
    """
    with contextlib.closing(_listen(settings)) as listener:
        async with _built(settings) as bot:
            host, port = listener.getsockname()[:2]
            async with _at_work(bot, _server(settings, bot), listener):
                yield Serving(f"http://{host}:{port}", bot)


@asynccontextmanager
async def _built(settings: Settings) -> AsyncIterator[Bot]:
    store = await open_store(settings)
    try:
        bot = build(settings, store)
    except BaseException:
        await store.close()
        raise
    try:
        yield bot
    finally:
        await bot.close()


@asynccontextmanager
async def _at_work(bot: Bot, server: Server, listener: socket.socket) -> AsyncIterator[None]:
    """First no new requests, then no new steps: what is claimed is given back before the store closes."""
    async with asyncio.TaskGroup() as group:
        worker = group.create_task(bot.worker.serve(), name="worker")
        answering = group.create_task(server.serve([listener]), name="server")
        try:
            yield
        finally:
            server.should_exit = True
            with contextlib.suppress(Exception):
                await answering
            worker.cancel()


def _listen(settings: Settings) -> socket.socket:
    try:
        listener = socket.create_server((settings.host, settings.port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # handed on to what it accepts
        return listener
    except OSError as error:
        where = f"ISSUEWRIGHT_HOST {settings.host}, ISSUEWRIGHT_PORT {settings.port}"
        raise SettingsError(f"{where}: cannot listen there: {error.strerror}.") from error


def _server(settings: Settings, bot: Bot) -> Server:
    capability = bot.capability
    told = f"{capability.reason} {limits_told(capability)}"
    app = build_app(
        bot.store,
        secret=settings.webhook_secret(),
        readiness=lambda: Readiness(bool(bot.agents.known()), capability.level, told),
        clock=wall_clock,
        operator_token=settings.operator_token.get_secret_value() or None,
        public_url=settings.public_url,
        html_url=settings.html_url(),
    )
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return Server(config)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    ended = _ended()
    async with serving(settings) as here:
        capability = here.bot.capability
        log.info("serving on %s, sandbox %s: %s", here.url, capability.level, capability.reason)
        if settings.public_url is None:
            log.info("no ISSUEWRIGHT_PUBLIC_URL: GitHub is looked through every %.0f s", settings.sweep_seconds)
        await ended.wait()
        log.info("stopping: what is going on is given back and goes on at the next start")


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, without listening anywhere."""
    ended = _ended()
    async with _built(settings) as bot, asyncio.TaskGroup() as group:
        worker = group.create_task(bot.worker.serve(), name="worker")
        log.info("working, sandbox %s: %s", bot.capability.level, bot.capability.reason)
        await ended.wait()
        log.info("stopping: what is going on is given back, and goes on elsewhere or at the next start")
        worker.cancel()


def _ended() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended
