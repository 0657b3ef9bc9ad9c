"""What the documentation lists is what the code has: settings, commands, keys, targets, links."""

import re
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from pydantic import BaseModel, SecretStr

from bot.agents.profiles import PROMPT_FILE
from bot.cli import app
from bot.flow.retry import ATTEMPTS, OUTAGE_ATTEMPTS, pause
from bot.flow.steps.tidy import DELIVERIES_KEPT
from bot.flow.worker import HEARTBEAT_SECONDS
from bot.operator.decided import pauses, rulebook
from bot.operator.model import AgentSection, DatabaseSection, OneRepositorySection, OperatorFile, RunLimitsSection
from bot.operator.outside_model import ModelSection, NamedSecretSection, RegistrySection
from bot.operator.read import parse as operator_file
from bot.settings import PREFIX, Settings
from bot.store.claims import PATIENCE, PATIENCE_TO_CLOSE
from bot.store.opening import TIME_TO_LIVE
from bot.store.postgres import speaks
from bot.store.postgres_database import CONNECTIONS, OUTAGE_SECONDS
from bot.store.pulse import BEATS
from bot.store.sqlite import file_of
from bot.task import repo_config
from bot.task.commands import Verb
from bot.task.limits import UNLIMITED, RunLimits, narrowed
from bot.task.repo_config import MOST_FILES, CheckConfig, IsolationConfig, LimitsConfig, RepoConfig
from bot.task.results import SandboxLevel
from bot.wiring import pace
from bot.words.comments import HELP
from bot.workspace.policy import Caps
from tests.sandbox.real import REQUIRED
from tests.test_floors import FLOORS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
DASH = "\N{EN DASH}"
README, OPERATING = ROOT / "README.md", ROOT / "docs" / "operating.md"


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first row begins with `head`."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(head))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def spelled(default: Any) -> str:
    """A default as the tables show it; nothing is a dash."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        default = str(default).lower()
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return DASH if default in (None, "", {}, ()) else f"`{default}`"


# ── settings and commands ──


def test_every_setting_and_its_default() -> None:
    told = {row[0]: row[1] for row in rows(OPERATING.read_text(), "| variable")}
    there = {f"`{PREFIX}{name.upper()}`": spelled(field.default) for name, field in Settings.model_fields.items()}
    assert told == there


@pytest.mark.parametrize("page", [*PAGES, ROOT / "app.yml"], ids=lambda page: page.name)
def test_no_setting_is_made_up(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]*[A-Z])", page.read_text()))
    others = {PROMPT_FILE.removeprefix(PREFIX), REQUIRED.removeprefix(PREFIX)}
    assert named <= others | {*(name.upper() for name in Settings.model_fields)}


def commands() -> dict[str, set[str]]:
    """Every command with its long options."""
    group: Any = typer.main.get_command(app)
    return {
        name: {option for param in command.params for option in param.opts if option.startswith("--")} - {"--help"}
        for name, command in group.commands.items()
    }


def test_every_command_and_its_options() -> None:
    told = {row[0]: row[1] for row in rows(OPERATING.read_text(), "| command")}
    there = commands()
    assert set(told) == {f"`issuewright {name}`" for name in there}
    for name, options in there.items():
        assert set(re.findall(r"`(--[a-z-]+)", told[f"`issuewright {name}`"])) == options, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_is_made_up(page: Path) -> None:
    named = set(
        re.findall(r"`(?:\.venv/bin/)?issuewright ([a-z]+)|^\$ .*?\bissuewright ([a-z]+)", page.read_text(), re.M)
    )
    assert {one or other for one, other in named} <= set(commands())


def test_every_sandbox_level() -> None:
    assert [row[0] for row in rows(OPERATING.read_text(), "| level")] == [f"`{level}`" for level in SandboxLevel]


def test_the_pages_say_which_databases_there_are() -> None:
    text = OPERATING.read_text()
    assert file_of("sqlite:///FILE", ROOT) == ROOT / "FILE"
    assert speaks("postgresql://USER:PASSWORD@HOST/NAME")
    assert {"`sqlite:///FILE`", "`postgresql://USER:PASSWORD@HOST/NAME`"} <= set(
        re.findall(r"`[a-z]+:///?[A-Z:@/]+`", text)
    )


def test_the_times_of_workers_that_are_promised() -> None:
    text = " ".join((ROOT / "docs" / "postgresql.md").read_text().split())
    assert timedelta(seconds=Settings().lease_seconds) == TIME_TO_LIVE == timedelta(seconds=30)
    assert "`ISSUEWRIGHT_LEASE_SECONDS` (30)" in text
    assert (BEATS, "six times" in text) == (6, True)
    assert (OUTAGE_SECONDS, "for eight seconds" in text) == (8, True)
    assert (CONNECTIONS + 2, "up to eight connections" in text) == (8, True)
    assert (PATIENCE, "within ten seconds" in text) == (timedelta(seconds=10), True)
    assert (PATIENCE_TO_CLOSE, "up to ten minutes" in text) == (timedelta(minutes=10), True)


def test_the_bounds_of_what_is_taken_over() -> None:
    caps = Caps()
    sentence = f"{caps.file_bytes >> 20} MiB a file and {caps.pack_bytes >> 20} MiB in all"
    assert caps.files == MOST_FILES
    assert sentence in " ".join(OPERATING.read_text().split())


def test_the_times_that_are_promised() -> None:
    assert HEARTBEAT_SECONDS <= 1, "docs/architecture.md says about a second"
    assert timedelta(days=7) == DELIVERIES_KEPT, "docs/operating.md says seven days"
    outage = sum((pause(attempt) for attempt in range(1, OUTAGE_ATTEMPTS)), timedelta())
    assert timedelta(minutes=30) < outage < timedelta(minutes=60), "docs/operating.md says more than half an hour"
    assert ATTEMPTS == 6
    assert pace(Settings()).feedback_bound == 5 * pace(Settings()).feedback_quiet, "docs/operating.md says five times"


# ── the repository's file ──


def keys(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items()}


def all_keys() -> dict[str, Any]:
    """Every key of the repository's file, as the table spells it, with its default."""
    whole = {name: default for name, default in keys(RepoConfig).items() if name not in ("limits", "isolation")}
    whole["checks"] = None
    checks = {f"checks.NAME.{name}": default for name, default in keys(CheckConfig).items()}
    checks["checks.NAME.run"] = None
    limits = {f"limits.{name}": default for name, default in keys(LimitsConfig).items()}
    isolation = {f"isolation.{name}": default for name, default in keys(IsolationConfig).items()}
    return {**whole, **checks, **limits, **isolation}


def test_every_key_of_the_repositorys_file() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(OPERATING.read_text(), "| key")}
    assert told == {name: spelled(default) for name, default in all_keys().items()}


def test_the_example_is_a_good_file_with_every_key() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.S)
    parsed = repo_config.parse(example.encode())
    assert isinstance(parsed, RepoConfig), parsed
    written = yaml.safe_load(example)
    assert set(written) == set(RepoConfig.model_fields)
    assert set(written["limits"]) == set(LimitsConfig.model_fields)
    assert set(written["isolation"]) == set(IsolationConfig.model_fields)
    assert narrowed(RunLimits(), parsed.limits)[1] == (), "the example asks for more than an operator gives by default"
    assert {key for check in written["checks"].values() if isinstance(check, dict) for key in check} == set(
        CheckConfig.model_fields
    )


# ── the operator's file ──


SECTIONS_BY_NAME: dict[str, type[BaseModel]] = {
    "agents": AgentSection,
    "databases": DatabaseSection,
    "models": ModelSection,
    "registries": RegistrySection,
    "secrets": NamedSecretSection,
}


def _leaves(model: type[BaseModel], before: str) -> Iterable[str]:
    """Every key as the table spells it; a section of a single repository is one row."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if not before and name == "repositories":
            yield from _leaves(OneRepositorySection, 'repositories."OWNER/NAME".')
        elif not before and name in SECTIONS_BY_NAME:
            yield from _leaves(SECTIONS_BY_NAME[name], f"{name}.NAME.")
        elif isinstance(kind, type) and issubclass(kind, BaseModel) and not before:
            yield from _leaves(kind, f"{name}.")
        else:
            yield f"{before}{name}"


def test_every_key_of_the_operators_file() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(OPERATING.read_text(), "| in the operator's file")}
    assert sorted(told) == sorted(_leaves(OperatorFile, ""))
    rules = rulebook(OperatorFile()).others
    for name in RunLimitsSection.model_fields:
        most = getattr(rules.limits, name)
        assert told[f"limits.{name}"] == (DASH if most.value == UNLIMITED else f"`{most}`")
    assert told["limits.max_parallel"] == f"`{Settings.model_fields['max_parallel'].default}`"
    (page,) = (
        row[2]
        for row in rows(OPERATING.read_text(), "| in the operator's file")
        if row[0] == "`repository.may_override`"
    )
    assert sorted(re.findall(r"`(\w+)`", page)) == sorted(rules.may_override)


def test_the_operators_example_is_a_good_file() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", OPERATING.read_text(), re.S)
    file = operator_file(example, ROOT / "issuewright.toml")
    assert pauses(file) == {"octo/widgets": "release week"}


# ── what people type ──


def test_the_slash_commands_are_those_of_the_help() -> None:
    help_rows = rows(HELP, "| command")
    assert rows(README.read_text(), "| command") == help_rows
    assert {row[0].strip("`").split()[1] for row in help_rows} <= {verb.value for verb in Verb}


def test_the_make_targets_exist() -> None:
    there = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = re.findall(r"(?:`|^\$ )make ([a-z]+)", page.read_text(), re.M)
        assert set(named) <= there, page.name
    contributing = [row[0] for row in rows((ROOT / "CONTRIBUTING.md").read_text(), "| command")]
    assert {f"`make {name}`" for name in ("demo", "test", "check", "bench")} <= set(contributing)


# ── pages ──


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page: Path, text: str) -> Iterable[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path) if path else page
        if not to.exists() or (anchor and anchor not in anchors(to)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page, page.read_text())) == []


def test_a_broken_link_is_found() -> None:
    planted = (
        "[a](docs/nowhere.md) [b](docs/operating.md#nowhere) [c](docs/operating.md#settings) [d](https://x.example)"
    )
    assert list(broken_links(README, planted)) == ["docs/nowhere.md", "docs/operating.md#nowhere"]


def test_every_room_of_the_house() -> None:
    told = [re.findall(r"`(\w+)`", row[1]) for row in rows((ROOT / "docs" / "architecture.md").read_text(), "| floor")]
    by_floor: dict[int, set[str]] = {}
    for room, floor in FLOORS.items():
        by_floor.setdefault(floor, set()).add(room)
    assert [set(rooms) for rooms in told] == [by_floor[floor] for floor in sorted(by_floor, reverse=True)]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^A-Za-z0-9_.-]", one)[0] for one in project["dependencies"]}
    told = {row[0].strip("`") for row in rows((ROOT / "docs" / "decisions.md").read_text(), "| package")}
    assert told == needed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_the_code_exist(page: Path) -> None:
    for path in re.findall(r"`((?:bot|tests|docs|requirements)/[\w./-]+)`", page.read_text()):
        assert (ROOT / path).exists(), path
