"""The agents that the operator offers: those of the file, and the one of the environment."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bot.agents.catalogue import Choice, known
from bot.agents.profiles import AcpProfile, Profile, command, scripted
from bot.operator.folders import Private
from bot.operator.model import AgentSection, OperatorFile
from bot.operator.outside_model import ModelSection
from bot.sandbox.box import Bind
from bot.settings import PREFIX, Settings, SettingsError
from bot.task.limits import OPERATOR_FILE

ABOUT = "The operator's agent (Agent Client Protocol)."


def offered(settings: Settings, file: OperatorFile, folder: Path, private: Private) -> dict[str, Profile]:
    """By name; the environment's replaces one of the same name. `folder`: where the file lies. Raises SettingsError."""
    profiles = {
        name: _of_the_file(name, section, _Place(folder, private, _model(name, section, file)))
        for name, section in file.agents.items()
    }
    if settings.agent_command:
        profiles[settings.agent] = _of_the_environment(settings)
    elif settings.agent_script is not None:
        if not settings.agent_script.is_file():
            raise SettingsError(f"{PREFIX}AGENT_SCRIPT {settings.agent_script} is no file.")
        profiles.setdefault("scripted", scripted(settings.agent_script))
    if not profiles:
        raise SettingsError(
            f"No agent: set {PREFIX}AGENT_COMMAND to the command line of an agent ({PREFIX}AGENT to its name, "
            f"{PREFIX}AGENT_PROTOCOL to `acp` or `command`), name one in {OPERATOR_FILE}, "
            f"or set {PREFIX}AGENT_SCRIPT for the scripted demo agent."
        )
    return profiles


def default(settings: Settings, file: OperatorFile, profiles: dict[str, Profile]) -> str:
    """The agent of new tasks: the environment's choice, else the file's, else the only one. Raises SettingsError."""
    if "agent" in settings.model_fields_set or settings.agent_command or (file.agent is None and not file.agents):
        chosen, setting = settings.agent, f"{PREFIX}AGENT"
    elif file.agent is not None:
        chosen, setting = file.agent, "`agent`"
    elif len(profiles) == 1:
        return next(iter(profiles))
    else:
        raise SettingsError(f"Which agent do new tasks get? Set `agent` in {OPERATOR_FILE} to {_one_of(profiles)}.")
    if chosen not in profiles and (file.agents or setting == "`agent`"):
        raise SettingsError(f"{setting} is {chosen}, but the agents are {_one_of(profiles)}.")
    return chosen


def _one_of(profiles: Iterable[str]) -> str:
    return " or ".join(sorted(profiles))


def _of_the_environment(settings: Settings) -> Profile:
    line, name = settings.agent_command, settings.agent
    try:
        if settings.agent_protocol == "command":
            return command(line, Path.cwd(), name)
        return AcpProfile(name, tuple(shlex.split(line)), about=ABOUT)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}AGENT_COMMAND: {error}") from error


@dataclass(frozen=True, slots=True)
class _Place:
    """What is around a section."""

    folder: Path
    """Where the file lies."""
    private: Private
    model: ModelSection | None
    """What the agent calls."""


def _model(name: str, section: AgentSection, file: OperatorFile) -> ModelSection | None:
    chosen = section.model or file.model
    return file.models.get(chosen) if chosen else None  # `outside` complains of one that is not there


def _of_the_file(name: str, section: AgentSection, place: _Place) -> Profile:
    binds = tuple(Bind(shown, str(shown)) for shown in place.private.folders(f"agents.{name}.folders", section.folders))
    if section.profile is not None:
        profile = _known(name, section, section.profile, place)
    elif section.install is not None or section.asks_for is not None:
        raise _wrong(name, "profile", f"is missing: one of {_one_of(known())}.")
    elif section.command is None:
        raise _wrong(name, "command", f"is missing; or set `profile` to one of {_one_of(known())}.")
    else:
        profile = _other(name, section, section.command, binds, place.folder)
    stall = section.stall_minutes * 60
    return replace(profile, binds=(*profile.binds, *binds), env={**profile.env, **section.env}, stall_seconds=stall)


def _known(name: str, section: AgentSection, chosen: str, place: _Place) -> Profile:
    """An agent of the catalogue, as it is installed here."""
    agent = known().get(chosen)
    if agent is None:
        raise _wrong(name, "profile", f"is {chosen}; known are {_one_of(known())}.")
    if section.command is not None:
        raise _wrong(name, "command", "says how to start what `profile` knows already: take one of them away.")
    if section.install is None:
        raise _wrong(name, "install", f"is missing, the folder of `{agent.installing(Path('/opt/agents', name))}`.")
    if place.model is not None and place.model.wire != agent.wire:
        raise _wrong(name, "model", f"speaks {place.model.wire}, but {chosen} speaks {agent.wire}.")
    asks_for = section.asks_for or next(iter(place.model.models if place.model else ()), None)
    if asks_for is None:
        raise _wrong(name, "asks_for", "is missing: the model that the agent asks for.")
    [install] = place.private.folders(f"agents.{name}.install", [section.install])
    profile = agent.profile(name, Choice(install, asks_for))
    if isinstance(profile, AcpProfile) and section.resume == "none":
        return replace(profile, resume="none")
    return profile


def _other(name: str, section: AgentSection, line: str, binds: tuple[Bind, ...], folder: Path) -> Profile:
    """An agent that only the operator knows."""
    try:
        argv = tuple(shlex.split(line))
        if not argv:
            raise ValueError("the command line is empty.")
        if section.protocol == "acp":
            return AcpProfile(name, argv, ABOUT, resume=section.resume or "load")
        if section.resume == "load":
            raise ValueError(f"`agents.{name}.resume` is `load`, but a plain command has no session to load.")
        if any(Path(argv[0]).is_relative_to(bind.source) for bind in binds):
            return replace(command(f"env {line}", folder, name), argv=argv, binds=())
        return command(line, folder, name)
    except ValueError as error:
        raise SettingsError(f"`agents.{name}.command` in {OPERATOR_FILE}: {error}") from error


def _wrong(name: str, key: str, why: str) -> SettingsError:
    return SettingsError(f"`agents.{name}.{key}` in {OPERATOR_FILE} {why}")
