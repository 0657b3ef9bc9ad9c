"""The one place that builds things: from settings to a bot whose parts know each other."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bot.agents.registry import SandboxedAgents
from bot.flow.fence import Fence
from bot.flow.observe import Observer
from bot.flow.steps.bench import Bench
from bot.flow.steps.perform import Steps
from bot.flow.sweep import Sweeper
from bot.flow.worker import Worker
from bot.github.door import Door, Server, open_door
from bot.github.fenced import Fenced
from bot.github.transport import AppKey
from bot.operator.databases import isolation
from bot.operator.decided import decide, pauses
from bot.operator.read import read
from bot.sandbox.capability import Capability
from bot.sandbox.egress.registries import lender
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.store.store import Store
from bot.task.effects import Pace
from bot.verify.runner import SandboxChecks
from bot.words.redacted import Redactor
from bot.workspace.workspaces import GitWorkspaces

AUTHOR = "issuewright[bot] <issuewright[bot]@users.noreply.github.com>"


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything that runs, for whoever starts and stops it."""

    store: Store
    github: Door
    capability: Capability
    agents: SandboxedAgents
    worker: Worker

    async def close(self) -> None:
        """After the worker has stopped."""
        await self.github.aclose()
        await self.store.close()


def pace(settings: Settings) -> Pace:
    """How long things wait on purpose."""
    quiet = timedelta(seconds=settings.feedback_quiet_seconds)
    return Pace(
        feedback_quiet=quiet,
        feedback_bound=max(quiet * 5, quiet),
        sweep_every=timedelta(seconds=settings.sweep_seconds),
    )


def make_data_dir(folder: Path) -> Path:
    """The data folder, made for its owner alone; one that is there keeps its mode. Raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"ISSUEWRIGHT_DATA_DIR {folder} cannot be used: {error.strerror}.") from error
    return folder


async def open_store(settings: Settings) -> Store:
    """The database of these settings, which knows the pauses of the operator's file.

    Raises SettingsError and the errors of `bot.store.errors`.
    """
    paused = pauses(read(settings))
    folder = make_data_dir(settings.data_dir)
    store = await Store.open(
        settings.database_url,
        pace=pace(settings),
        clock=wall_clock,
        data_dir=folder,
        time_to_live=timedelta(seconds=settings.lease_seconds),
    )
    try:
        await store.declare_pauses(paused)
    except BaseException:
        await store.close()
        raise
    return store


def build(
    settings: Settings,
    store: Store,
    *,
    clock: Callable[[], datetime] = wall_clock,
    http: httpx.AsyncBaseTransport | None = None,
) -> Bot:
    """A bot on an open store. Nothing is asked of GitHub yet. Raises SettingsError."""
    decided = decide(settings)
    folder = make_data_dir(settings.data_dir)
    capability = probe(settings.sandbox, folder)
    sandbox = Sandbox(capability, toolchains=decided.toolchains.folders, path=decided.toolchains.path)
    key = AppKey(settings.app_id(), settings.private_key())
    fence = Fence(store)
    redactor = Redactor((*settings.secrets(), *decided.outside.known_secrets))
    server = Server(key, settings.webhook_secret(), settings.github_api_url)
    github = open_door(server, clock, Fenced(fence, http, redactor.data))
    access = lender(decided.outside.registries if capability.contains else ())
    workspaces = GitWorkspaces(folder / "work", sandbox, fence=fence, access=access, cache_bytes=decided.cache_bytes)
    agents = SandboxedAgents(sandbox, decided.profiles.values())
    observer = Observer(store, github, decided.agent, clock, decided.rulebook, settings.onboarding)
    bench = Bench(
        isolation=isolation(settings, read(settings), sandbox),
        store=store,
        github=github,
        workspaces=workspaces,
        agents=agents,
        checks=SandboxChecks(sandbox),
        clock=clock,
        pace=pace(settings),
        sandbox=capability.level,
        may_run_checks=capability.admits_strangers,
        author=AUTHOR,
        rulebook=decided.rulebook,
        routes=decided.outside.routes,
        secrets=decided.outside.secrets,
        redactor=redactor,
        onboarding=settings.onboarding,
    )
    steps = Steps(bench, observer, Sweeper(store, github, observer, clock))
    places = settings.max_parallel_here or None
    worker = Worker(socket.gethostname(), store, steps, clock, decided.max_parallel, places=places)
    return Bot(store, github, capability, agents, worker)
