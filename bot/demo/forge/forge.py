"""Builds the forge: world, git, REST, webhooks and pages behind one ASGI app, and serves it on loopback."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bot.demo.forge.faults import FaultLayer, Faults, Request
from bot.demo.forge.hooks import Hooks
from bot.demo.forge.moved import MovedLayer
from bot.demo.forge.pages.actions import Actions
from bot.demo.forge.pages.registration import Registration
from bot.demo.forge.pages.views import Views, templates
from bot.demo.forge.rest.gate import Allowance, Gate
from bot.demo.forge.rest.routes import rest_routes
from bot.demo.forge.smart_http import SmartHttp
from bot.demo.forge.wire.site import Site
from bot.demo.forge.world import World

LOOPBACK = "127.0.0.1"


def wall_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Forge:
    """A GitHub on a laptop. `app` is the ASGI app, `world` has the verbs of people and apps."""

    app: ASGIApp
    world: World
    hooks: Hooks
    faults: Faults
    allowance: Allowance
    requests: list[Request]
    """Every answered request, oldest first."""
    site: Site

    @property
    def base_url(self) -> str:
        """Where pages and git are, `http://127.0.0.1:8090`."""
        return self.site.web

    @property
    def api_url(self) -> str:
        """Where REST is: `<base_url>/api/v3`."""
        return self.site.api

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0, *, deliver: bool = True) -> AsyncIterator[str]:
        """Serve on loopback until the block ends; yields the base URL (port 0 takes a free one).

        With `deliver` webhooks are sent in the background, else by `hooks.flush()`.
        """
        with contextlib.closing(_listen(port)) as listener:
            self.site.web = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
            server = _Server(uvicorn.Config(self.app, log_level="warning", lifespan="off", access_log=False))
            serving = asyncio.create_task(server.serve([listener]))
            delivering = asyncio.create_task(self.hooks.run()) if deliver else None
            try:
                started = asyncio.create_task(server.ready.wait())
                await asyncio.wait({started, serving}, return_when=asyncio.FIRST_COMPLETED)
                yield self.base_url
            finally:
                server.should_exit = True
                await serving
                if delivering:
                    delivering.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await delivering


def _listen(port: int) -> socket.socket:
    """A listener that knows its protocol number: without it, asyncio leaves Nagle's algorithm on, 40 ms a request."""
    return socket.socket(fileno=socket.create_server((LOOPBACK, port)).detach())


class _Server(uvicorn.Server):
    """Says when it is ready, and leaves signals to whoever runs the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def build_forge(
    root: Path,
    *,
    base_url: str = "http://127.0.0.1:8090",
    clock: Callable[[], datetime] = wall_clock,
    jwt_clock: Callable[[], datetime] = wall_clock,
    new_guid: Callable[[], str] = lambda: str(uuid.uuid4()),
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> Forge:
    """Make an empty forge with its repositories under `root`.

    `clock` is the time of the world. JWTs are checked against `jwt_clock`, since clients sign them with the time of
    the machine. With `webhook_transport` deliveries go there, such as `httpx.ASGITransport(app=…)`.
    """
    root.mkdir(parents=True, exist_ok=True)
    world = World(root.resolve(), clock)
    site = Site(base_url.rstrip("/"))
    hooks = Hooks(world, site, new_guid, webhook_transport)
    gate = Gate(world, site, hooks, jwt_clock)
    registration = Registration(world, site, templates()).routes()  # before /{owner}/{repo}, which fits /apps/… too
    pages = [*registration, *Views(world, hooks, templates()).routes(), *Actions(world, hooks, site).routes()]
    inner = Starlette(routes=[*rest_routes(gate), *SmartHttp(world, jwt_clock).routes(), *pages])
    faults, log = Faults(), list[Request]()
    return Forge(
        FaultLayer(MovedLayer(inner, world, site), faults, log), world, hooks, faults, gate.allowance, log, site
    )
