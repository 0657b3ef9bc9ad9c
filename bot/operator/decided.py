"""What the operator decided: file and environment together, checked against this machine, as plain values.

Where both can say something, the environment wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.agents.profiles import Profile
from bot.operator.agents import default, offered
from bot.operator.folders import Private, path_entries
from bot.operator.model import BudgetSection, OneRepositorySection, OperatorFile, RunLimitsSection
from bot.operator.outside import Outside, key_files, outside
from bot.operator.read import find, read, spelled
from bot.settings import Settings, SettingsError
from bot.task.limits import OPERATOR_FILE, Bound, RunLimits, operators
from bot.task.pause import NO_REASON, SERVER
from bot.task.rules import Rulebook, Rules


@dataclass(frozen=True, slots=True)
class Toolchains:
    """What every sandbox shows in addition."""

    folders: tuple[Path, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """All of it."""

    rulebook: Rulebook
    profiles: Mapping[str, Profile]
    agent: str
    """Of new tasks."""
    max_parallel: int
    toolchains: Toolchains
    pauses: Mapping[str, str]
    """Reasons, by full name of a repository in lower case; `SERVER` is the server."""
    outside: Outside
    cache_bytes: int
    """For what is kept for later tasks."""


def decide(settings: Settings) -> Decided:
    """Raises SettingsError with one sentence that names the setting."""
    file, path = read(settings), find(settings)
    private = Private.of(settings, path, key_files(file))
    profiles = offered(settings, file, path.parent, private)
    for name, section in file.repositories.items():
        _known(name, section, profiles)
    rules = rulebook(file)
    return Decided(
        rulebook=rules,
        profiles=profiles,
        agent=default(settings, file, profiles),
        max_parallel=_max_parallel(settings, file),
        toolchains=toolchains(file, private),
        pauses=pauses(file),
        outside=outside(file, profiles, rules),
        cache_bytes=int(file.cache.gigabytes * 10**9),
    )


def toolchains(file: OperatorFile, private: Private) -> Toolchains:
    """Raises SettingsError."""
    folders = private.folders("toolchains.folders", file.toolchains.folders)
    return Toolchains(folders, path_entries("toolchains.path", file.toolchains.path, folders))


def rulebook(file: OperatorFile) -> Rulebook:
    """The rules for each repository."""
    others = Rules(limits=_limits(RunLimits(), file.limits, ()))
    if file.repository.may_override is not None:
        others = replace(others, may_override=file.repository.may_override)
    others = replace(others, server_minutes=_bound(others.server_minutes, file.budget, ("budget", "month_minutes")))
    others = replace(others, task_minutes=_bound(others.task_minutes, file.budget, ("budget", "task_minutes")))
    others = replace(others, server_usd=_bound(others.server_usd, file.budget, ("budget", "month_usd")))
    others = replace(others, limits=_task_usd(others.limits, file.budget, ("budget", "task_usd")))
    return Rulebook(others, {name.lower(): _rules(others, name, one) for name, one in file.repositories.items()})


def pauses(file: OperatorFile) -> dict[str, str]:
    """What the file pauses, and why."""
    said = {SERVER: file.paused, **{name.lower(): one.paused for name, one in file.repositories.items()}}
    return {name: NO_REASON if paused is True else paused for name, paused in said.items() if paused}


def _rules(others: Rules, name: str, section: OneRepositorySection) -> Rules:
    place = ("repositories", name)
    rules = replace(
        others,
        limits=_task_usd(_limits(others.limits, section.limits, place), section.budget, (*place, "budget", "task_usd")),
        agent=section.agent,
        agents=section.agents,
        agents_setting=_setting(*place, "agents"),
        task_minutes=_bound(others.task_minutes, section.budget, (*place, "budget", "task_minutes")),
        month_minutes=_bound(others.month_minutes, section.budget, (*place, "budget", "month_minutes")),
        month_usd=_bound(others.month_usd, section.budget, (*place, "budget", "month_usd")),
    )
    if section.may_override is None:
        return rules
    return replace(rules, may_override=section.may_override, overrides_setting=_setting(*place, "may_override"))


def _limits(limits: RunLimits, section: RunLimitsSection, place: tuple[str, ...]) -> RunLimits:
    names = RunLimitsSection.model_fields
    bounds = {name: _bound(getattr(limits, name), section, (*place, "limits", name)) for name in names}
    return replace(limits, **bounds)


def _task_usd(limits: RunLimits, section: BudgetSection, place: tuple[str, ...]) -> RunLimits:
    return replace(limits, usd=_bound(limits.usd, section, place))


def _bound(before: Bound, section: RunLimitsSection | BudgetSection, place: tuple[str, ...]) -> Bound:
    """The section's value where it has one."""
    value = getattr(section, place[-1])
    return before if value is None else operators(spelled(place), value)


def _setting(*place: str) -> str:
    return operators(spelled(place)).setting


def _max_parallel(settings: Settings, file: OperatorFile) -> int:
    if "max_parallel" in settings.model_fields_set or file.limits.max_parallel is None:
        return settings.max_parallel
    return file.limits.max_parallel


def _known(repository: str, section: OneRepositorySection, profiles: Mapping[str, Profile]) -> None:
    for key, names in (("agent", [section.agent] if section.agent else []), ("agents", section.agents or ())):
        for name in names:
            if name not in profiles:
                offered = ", ".join(sorted(profiles))
                setting = spelled(("repositories", repository, key))
                raise SettingsError(f"`{setting}` in {OPERATOR_FILE} names {name}; the agents are {offered}.")
    if section.agent and section.agents is not None and section.agent not in section.agents:
        setting = spelled(("repositories", repository, "agent"))
        raise SettingsError(f"`{setting}` in {OPERATOR_FILE} is {section.agent}, which `agents` there leaves out.")
