"""The keys of `issuewright.toml`. Unknown ones are errors; a file that is not there is an empty file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.operator.outside_model import EnvName, ModelSection, NamedSecretSection, RegistrySection
from bot.task.repo_config import MOST_FILES

RepositoryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")]
DatabaseServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=40)]
AgentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Key = Literal["setup", "checks", "agent", "limits", "isolation", "secrets"]
Minutes = Annotated[float, Field(gt=0, le=24 * 60)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunLimitsSection(_Section):
    """The most that one run may do; a repository may ask for less."""

    minutes: Minutes | None = None
    """Longest turn of the agent."""
    check_minutes: Minutes | None = None
    """Longest single check."""
    attempts: int | None = Field(default=None, ge=1, le=10)
    """Agent turns before work whose checks still fail is published as a draft."""
    files: int | None = Field(default=None, ge=1, le=MOST_FILES)
    """Changed files of the whole pull request."""
    lines: int | None = Field(default=None, ge=1)
    """Added and removed lines of the whole pull request; binary files count none."""
    memory_gb: float | None = Field(default=None, ge=0.1)
    """Memory of the agent, or of one check, with all that it starts; a GB is 10^9 bytes."""
    disk_gb: float | None = Field(default=None, ge=0.1)
    """Disk space of the folders that it may write, together."""
    cpus: float | None = Field(default=None, ge=0.1)
    """How many processors' time it may use."""
    turn_calls: int | None = Field(default=None, ge=1)
    """Calls of the model in one turn of the agent."""
    turn_tokens: int | None = Field(default=None, ge=1)
    """Tokens, in and out, of one turn."""


class LimitsSection(RunLimitsSection):
    """The same for all repositories, and for the server."""

    max_parallel: int | None = Field(default=None, ge=1, le=256)
    """How many runs may go on at once."""


class BudgetSection(_Section):
    """Agent minutes, the time that agents had their turn; and US dollars for models."""

    task_minutes: float | None = Field(default=None, gt=0)
    """Of one task, in all its runs."""
    month_minutes: float | None = Field(default=None, gt=0)
    """In a calendar month, UTC."""
    task_usd: float | None = Field(default=None, gt=0)
    """Of one task, in all its runs."""
    month_usd: float | None = Field(default=None, gt=0)
    """In a calendar month, UTC."""


class RepositorySection(_Section):
    """`[repository]`: what the repositories' own files may decide."""

    may_override: tuple[Key, ...] | None = None
    """Keys that `.github/issuewright.yml` may set."""


class OneRepositorySection(RepositorySection):
    """`[repositories."owner/name"]`: what holds for one repository instead."""

    paused: bool | str = False
    """No new run; a text says why."""
    agent: AgentName | None = None
    """The agent of its new tasks."""
    agents: tuple[AgentName, ...] | None = None
    """The only agents that may work for it."""
    limits: RunLimitsSection = RunLimitsSection()
    budget: BudgetSection = BudgetSection()


class AgentSection(_Section):
    """`[agents.NAME]`: an agent that tasks may have."""

    profile: str | None = None
    """One of the agents that Issuewright knows, by name; `docs/agents.md` lists them."""
    install: str | None = None
    """The folder that it is installed in."""
    asks_for: str | None = Field(default=None, pattern=r"^[\w./:@-]+$", max_length=200)
    """The model that it asks for, as the model's service calls it."""
    command: str | None = Field(default=None, min_length=1)
    """For any other agent: its command line as it is found inside the sandbox; no shell reads it."""
    protocol: Literal["acp", "command"] = "acp"
    """As `ISSUEWRIGHT_AGENT_PROTOCOL`."""
    env: dict[str, str] = Field(default_factory=dict)
    """Variables for it. Everything that it runs can read them: no secrets."""
    folders: tuple[str, ...] = ()
    """Folders that only this agent sees, read-only, at their own path."""
    resume: Literal["load", "none"] | None = None
    """`none`: every turn begins a new session. `load`, for `acp` alone: a later turn goes on in the last one."""
    model: AgentName | None = None
    """One of `[models]`; instead of the `model` of all agents."""
    stall_minutes: Minutes = 20
    """An agent that says nothing and asks its model nothing for so long is ended."""


class ToolchainsSection(_Section):
    """What every sandbox shows in addition."""

    folders: tuple[str, ...] = ()
    """Read-only, at their own path."""
    path: tuple[str, ...] = ()
    """First entries of the PATH inside."""


class DatabaseSection(_Section):
    """`[databases.NAME]`: what makes databases for tasks. A repository asks for `postgresql`, or `{command: NAME}`."""

    kind: Literal["postgresql", "command"]
    url_file: str | None = None
    """postgresql: a file that holds the URL of an administrator (CREATEDB, CREATEROLE) of a cluster for tasks alone."""
    mode: Literal["database", "schema"] = "database"
    """postgresql: `schema` is the weaker way, one database for all."""
    connections: int = Field(default=20, ge=1, le=1000)
    """postgresql: how many one task may have."""
    statement_seconds: float = Field(default=0, ge=0)
    """postgresql: longest statement, 0: any; a task can set it higher for itself."""
    create: tuple[str, ...] = ()
    """command: program and arguments; the name is added. Prints the URL on its last line."""
    drop: tuple[str, ...] = ()
    """command: the same, to remove it; nothing to remove is no error."""
    env_file: str | None = None
    """command: a file of NAME=VALUE lines, for these two programs alone."""
    seconds: float = Field(default=120, gt=0)
    """command: how long each may take."""
    socket: str | None = None
    """command: a folder that sandboxes see read-only at /run/database."""


class CacheSection(_Section):
    """What is kept for later tasks: mirrors, templates, layers of set-ups."""

    gigabytes: float = Field(default=20, gt=0)
    """Disk space for all of it; the least recently used goes first, and nothing that is in use."""


class OperatorFile(_Section):
    """The whole file."""

    paused: bool | str = False
    """No new run on this server; a text says why."""
    agent: AgentName | None = None
    """The agent of new tasks."""
    model: AgentName | None = None
    """One of `[models]`: what the agents call that name none of their own."""
    limits: LimitsSection = LimitsSection()
    budget: BudgetSection = BudgetSection()
    repository: RepositorySection = RepositorySection()
    repositories: dict[RepositoryName, OneRepositorySection] = Field(default_factory=dict)
    agents: dict[AgentName, AgentSection] = Field(default_factory=dict)
    toolchains: ToolchainsSection = ToolchainsSection()
    cache: CacheSection = CacheSection()
    models: dict[AgentName, ModelSection] = Field(default_factory=dict)
    registries: dict[AgentName, RegistrySection] = Field(default_factory=dict)
    secrets: dict[EnvName, NamedSecretSection] = Field(default_factory=dict)
    databases: dict[DatabaseServiceName, DatabaseSection] = Field(default_factory=dict)
