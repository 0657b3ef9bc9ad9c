"""What the operator decides about repositories, and what that makes of a repository's own file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.task.limits import OPERATOR_FILE, Bound, RunLimits, narrowed, operators
from bot.task.repo_config import PATH, BadConfig, RepoConfig

OVERRIDABLE = tuple(RepoConfig.model_fields)
"""Keys of the repository's file, which the operator may withhold."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one repository."""

    limits: RunLimits = field(default=RunLimits())
    may_override: tuple[str, ...] = OVERRIDABLE
    """Keys that the repository's own file may set."""
    overrides_setting: str = f"`repository.may_override` in the operator's {OPERATOR_FILE}"
    agent: str | None = None
    """The agent of its new tasks; None: the server's."""
    agents: tuple[str, ...] | None = None
    """The agents that may work for it; None: all."""
    agents_setting: str = ""
    task_minutes: Bound = field(default=operators("budget.task_minutes"))
    """Agent minutes that one task may use in all its runs."""
    month_minutes: Bound = field(default=operators("budget.month_minutes"))
    """Agent minutes that the repository may use in a calendar month, UTC."""
    server_minutes: Bound = field(default=operators("budget.month_minutes"))
    """The same for the whole server."""
    month_usd: Bound = field(default=operators("budget.month_usd"))
    """US dollars that the repository may use for models in a calendar month, UTC."""
    server_usd: Bound = field(default=operators("budget.month_usd"))
    """The same for the whole server."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules for every repository: its own, or the ones for all others."""

    others: Rules = field(default=Rules())
    own: Mapping[str, Rules] = field(default_factory=dict)
    """By full name in lower case."""

    def of(self, full_name: str) -> Rules:
        """GitHub tells repositories apart regardless of case."""
        return self.own.get(full_name.lower(), self.others)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run works under. `notes`: wishes of the repository that were not granted, one sentence each."""

    limits: RunLimits
    notes: tuple[str, ...] = ()


def agree(rules: Rules, config: RepoConfig) -> Terms | BadConfig:
    """The operator's rules over the repository's file."""
    forbidden = [key for key in RepoConfig.model_fields if key in config.model_fields_set - set(rules.may_override)]
    if forbidden:
        keys = ", ".join(f"`{key}`" for key in forbidden)
        granted = ", ".join(rules.may_override) or "nothing"
        return BadConfig(
            f"`{PATH}` may not set {keys} on this server; it may set {granted} ({rules.overrides_setting})."
        )
    return Terms(*narrowed(rules.limits, config.limits))


def not_allowed(rules: Rules, agent: str) -> str:
    """Why this agent may not work for the repository, in one sentence; empty when it may."""
    if rules.agents is None or agent in rules.agents:
        return ""
    return f"the agent `{agent}` may not work here; {', '.join(rules.agents) or 'none'} may ({rules.agents_setting})."
