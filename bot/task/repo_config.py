"""The repository's own settings: `.github/issuewright.yml` of the default branch. A bad file is a value."""

import difflib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

PATH = ".github/issuewright.yml"
LARGEST = 64 * 1024
"""Bytes of the file. Reading YAML takes time that everybody waits for."""
LATER = frozenset({"scope", "env", "stop_points", "publish", "review", "mcp"})
"""Keys that are planned. Refused rather than read over: a limit that is not kept is worse than none."""
MOST_FILES = 50_000
"""No setting lets a change be larger: above it the workspace refuses to look at it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckConfig(_Section):
    """One check. A bare string stands for its command."""

    run: str = Field(min_length=1)
    required: bool = True
    """False: shown in the report, but it cannot fail the work."""


def _spelled_out(value: Any) -> Any:
    return {"run": value} if isinstance(value, str) else value


class LimitsConfig(_Section):
    """Wishes for the bounds of one run; the operator's limits hold above them, and where one is None."""

    minutes: float | None = Field(default=None, gt=0, le=24 * 60)
    """Longest turn of the agent."""
    check_minutes: float | None = Field(default=None, gt=0, le=24 * 60)
    """Longest single check."""
    attempts: int | None = Field(default=None, ge=1, le=10)
    """Agent turns before work whose checks fail is published as a draft."""
    files: int | None = Field(default=None, ge=1, le=MOST_FILES)
    """Changed files of the whole pull request."""
    lines: int | None = Field(default=None, ge=1)
    """Added and removed lines of the whole pull request."""
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
    usd: float | None = Field(default=None, gt=0)
    """US dollars that one task may use for models in all its runs."""


PortName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
Port = Annotated[int, Field(ge=1024, le=65535)]
MOST_PORTS = 20
"""The size of a range that is leased where there are no network namespaces."""


class CommandDatabase(_Section):
    """A database that the operator's commands make and drop."""

    command: str
    """NAME of the operator's `[databases.NAME]`."""


class IsolationConfig(_Section):
    """What each run has for itself."""

    ports: dict[PortName, Port] | tuple[Port, ...] = Field(default=(), max_length=MOST_PORTS)
    """Ports that the repository's servers listen on, by name or as a list: `PORT` is the first of them."""
    database: Literal["none", "sqlite", "postgresql"] | CommandDatabase = "none"
    """`DATABASE_URL` for the agent's turns, and another one for the checks."""
    prepare: str | None = None
    """Migrates and seeds a new database, in a clean checkout of the base commit."""
    inputs: tuple[str, ...] = ()
    """Patterns of the files that `prepare` reads; without one it is run anew for every base commit."""

    @property
    def named_ports(self) -> dict[str, int]:
        """A list names each port by its number."""
        return self.ports if isinstance(self.ports, dict) else {str(port): port for port in self.ports}


class RepoConfig(_Section):
    """The whole file; every key is optional."""

    setup: str | None = None
    """Run once above a clean checkout of the base, for the agent and the checks; again where its manifests change."""
    checks: dict[str, Annotated[CheckConfig, BeforeValidator(_spelled_out)]] = Field(default_factory=dict)
    """By name, in order."""
    agent: str | None = None
    """One of the agents that the operator offers."""
    limits: LimitsConfig = LimitsConfig()
    """Narrower than the operator's."""
    isolation: IsolationConfig = IsolationConfig()
    """What each run has for itself: ports, a database."""
    secrets: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)], ...] = ()
    """Names of secrets that the operator granted: variables of the set-up and the checks, never of the agent."""


@dataclass(frozen=True, slots=True)
class BadConfig:
    """Why the file cannot be used: one sentence for the person who can mend it."""

    reason: str


def parse(content: bytes | None) -> RepoConfig | BadConfig:
    """No file at all is a good file."""
    data = _load(content or b"")
    if isinstance(data, BadConfig):
        return data
    try:
        return RepoConfig.model_validate({} if data is None else data)
    except ValidationError as error:
        return BadConfig(f"`{PATH}`: {'; '.join(_sentence(item) for item in error.errors()[:5])}.")


def _load(content: bytes) -> Any:
    """YAML can raise nearly everything on a value that is none (a 45th day, a number of letters, endless nesting)."""
    if len(content) > LARGEST:
        return BadConfig(f"`{PATH}` has {len(content):,} bytes; at most {LARGEST:,} are read.")
    try:
        data = yaml.safe_load(content.decode())
        json.dumps(data, default=str, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return BadConfig(f"`{PATH}` is not UTF-8.")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        return BadConfig(f"`{PATH}` is not valid YAML at line {line}: {error.problem}.")
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return BadConfig(f"`{PATH}` has a value that cannot be read: {str(error).splitlines()[0][:200]}.")
    return data


_SECTIONS = (RepoConfig, LimitsConfig, CheckConfig, IsolationConfig)
_KNOWN = tuple(name for section in _SECTIONS for name in section.model_fields)


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] != "extra_forbidden":
        return f"`{where}`: {error['msg'][0].lower()}{error['msg'][1:]}"
    name = str(error["loc"][-1])
    if name in LATER:
        return f"`{where}` is not supported by this version yet; remove it"
    near = difflib.get_close_matches(name, _KNOWN, n=1)
    return f"unknown key `{where}`" + (f" (did you mean `{near[0]}`?)" if near else "")
