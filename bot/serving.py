"""`issuewright serve`: receiver, pages and worker in one process, until a signal ends it. `work`: the worker alone.

A server that has no GitHub App yet begins with the set-up page, and goes over to its work when there is one.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from bot.sandbox.capability import limits_told
from bot.settings import Settings, SettingsError
from bot.store.errors import StoreError
from bot.web.app import build_app
from bot.web.asgi import ASGIApp
from bot.web.probes import Readiness
from bot.wiring import Bot, build, make_data_dir, open_store, wall_clock

if TYPE_CHECKING:
    from bot.first_start import FirstStart

log = logging.getLogger(__name__)

STOP_SECONDS = 10
"""How long a stopping server waits for requests that are being answered."""

RETRY_SECONDS = 5
"""How often a server that was just set up tries again to start its bot."""


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


@dataclass(frozen=True, slots=True)
class Answering:
    """A server that takes requests; what else must not outlive it is started in `group`."""

    server: Server
    task: asyncio.Task[None]
    group: asyncio.TaskGroup

    async def stop(self) -> None:
        """No new requests; those that are being answered get their time."""
        self.server.should_exit = True
        with contextlib.suppress(Exception):
            await self.task


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Serving]:
    """Serve while the block runs; if worker or server break, the block is cancelled and the fault is raised.

    Raises SettingsError and the errors of the store before anything is served.
    """
    with contextlib.closing(_listen(settings)) as listener:
        async with (
            _built(settings) as bot,
            _answering(face(settings, bot), listener) as answering,
            _at_work(bot, answering),
        ):
            yield Serving(_url(listener), bot)


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
async def _answering(app: ASGIApp, listener: socket.socket) -> AsyncIterator[Answering]:
    async with asyncio.TaskGroup() as group:
        server = _server(app)
        answering = Answering(server, group.create_task(server.serve([listener]), name="server"), group)
        try:
            yield answering
        finally:
            await answering.stop()


@asynccontextmanager
async def _at_work(bot: Bot, answering: Answering) -> AsyncIterator[None]:
    """First no new requests, then no new steps: what is claimed is given back before the store closes."""
    worker = answering.group.create_task(bot.worker.serve(), name="worker")
    try:
        yield
    finally:
        await answering.stop()
        worker.cancel()
        await asyncio.wait({worker})


def _listen(settings: Settings) -> socket.socket:
    try:
        listener = socket.create_server((settings.host, settings.port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # handed on to what it accepts
        return listener
    except OSError as error:
        where = f"ISSUEWRIGHT_HOST {settings.host}, ISSUEWRIGHT_PORT {settings.port}"
        raise SettingsError(f"{where}: cannot listen there: {error.strerror}.") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def face(settings: Settings, bot: Bot) -> ASGIApp:
    """Receiver and pages of a bot."""
    capability = bot.capability
    told = f"{capability.reason} {limits_told(capability)}"
    return build_app(
        bot.store,
        secret=settings.webhook_secret(),
        readiness=lambda: Readiness(bool(bot.agents.known()), capability.level, told),
        clock=wall_clock,
        operator_token=settings.operator_token.get_secret_value() or None,
        public_url=settings.public_url,
        html_url=settings.html_url(),
    )


def _server(app: ASGIApp) -> Server:
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
    if settings.names_no_app():
        await _first_start(settings, ended)
        return
    async with serving(settings) as here:
        await _until(ended, here, settings)


async def _first_start(settings: Settings, ended: asyncio.Event) -> None:
    """The set-up page, and the bot behind the same listener as soon as it has an App."""
    from bot.first_start import FirstStart  # pages and doctor: no other start needs them

    make_data_dir(settings.data_dir)
    with contextlib.closing(_listen(settings)) as listener:
        first = FirstStart(settings)
        async with _answering(first.app, listener) as answering:
            print(f"This server is not set up yet. Open, once:\n\n    {first.address(listener)}\n", flush=True)
            if await first.registered(ended):
                await _go_over(first, answering, listener, ended)


async def _go_over(first: "FirstStart", answering: Answering, listener: socket.socket, ended: asyncio.Event) -> None:
    """What still keeps the bot from starting, an agent say, is told on the page, and tried again: files may change."""
    while not ended.is_set():
        try:
            complete = first.complete()
            async with _built(complete) as bot, _at_work(bot, answering):
                first.hand_over(face(complete, bot), bot)
                await _until(ended, Serving(_url(listener), bot), complete)
        except (SettingsError, StoreError) as error:
            first.held_up(str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), RETRY_SECONDS)


async def _until(ended: asyncio.Event, here: Serving, settings: Settings) -> None:
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
