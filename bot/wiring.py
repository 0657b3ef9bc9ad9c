"""The one place that builds things: from settings to a bot whose parts know each other."""

import shlex
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bot.agents.profiles import AcpProfile, Profile, command, scripted
from bot.agents.registry import SandboxedAgents
from bot.flow.observe import Observer
from bot.flow.steps.bench import Bench
from bot.flow.steps.perform import Steps
from bot.flow.sweep import Sweeper
from bot.flow.worker import Worker
from bot.github.door import Door, Server, open_door
from bot.github.transport import AppKey
from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.results import SandboxLevel
from bot.verify.runner import SandboxChecks
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
    """The database of these settings; raises the errors of `bot.store.errors`."""
    folder = make_data_dir(settings.data_dir)
    return await Store.open(settings.database_url, pace=pace(settings), clock=wall_clock, data_dir=folder)


def profiles(settings: Settings) -> list[Profile]:
    """The agents that the operator offers. Raises SettingsError when there is none."""
    if settings.agent_command:
        return [_operators(settings)]
    if settings.agent_script is not None:
        if not settings.agent_script.is_file():
            raise SettingsError(f"ISSUEWRIGHT_AGENT_SCRIPT {settings.agent_script} is no file.")
        return [scripted(settings.agent_script)]
    raise SettingsError(
        "No agent: set ISSUEWRIGHT_AGENT_COMMAND to the command line of an agent (ISSUEWRIGHT_AGENT to its name, "
        "ISSUEWRIGHT_AGENT_PROTOCOL to `acp` or `command`), or ISSUEWRIGHT_AGENT_SCRIPT for the scripted demo agent."
    )


def _operators(settings: Settings) -> Profile:
    line, name = settings.agent_command, settings.agent
    try:
        if settings.agent_protocol == "command":
            return command(line, Path.cwd(), name)
        return AcpProfile(name, tuple(shlex.split(line)), about="The operator's agent (Agent Client Protocol).")
    except ValueError as error:
        raise SettingsError(f"ISSUEWRIGHT_AGENT_COMMAND: {error}") from error


def _used(level: SandboxLevel) -> SandboxLevel:
    """What a report may claim: worktrees are plain checkouts, also where overlays would be possible."""
    return SandboxLevel.CHECKOUT if level is SandboxLevel.OVERLAY else level


def build(
    settings: Settings,
    store: Store,
    *,
    clock: Callable[[], datetime] = wall_clock,
    http: httpx.AsyncBaseTransport | None = None,
) -> Bot:
    """A bot on an open store. Nothing is asked of GitHub yet. Raises SettingsError."""
    capability = probe(settings.sandbox)
    sandbox = Sandbox(capability)
    key = AppKey(settings.app_id(), settings.private_key())
    github = open_door(Server(key, settings.webhook_secret(), settings.github_api_url), clock, http)
    workspaces = GitWorkspaces(make_data_dir(settings.data_dir) / "work", sandbox)
    agents = SandboxedAgents(sandbox, profiles(settings))
    observer = Observer(store, github, settings.agent)
    bench = Bench(
        store=store,
        github=github,
        workspaces=workspaces,
        agents=agents,
        checks=SandboxChecks(sandbox),
        clock=clock,
        pace=pace(settings),
        sandbox=_used(capability.level),
        may_run_checks=capability.admits_strangers,
        author=AUTHOR,
    )
    steps = Steps(bench, observer, Sweeper(store, github, observer, clock))
    worker = Worker(socket.gethostname(), store, steps, clock, settings.max_parallel)
    return Bot(store, github, capability, agents, worker)
