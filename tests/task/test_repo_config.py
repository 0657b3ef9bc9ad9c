"""The repository's settings: a good file, and one sentence for each bad one."""

import pytest

from bot.task.repo_config import BadConfig, CheckConfig, CommandDatabase, RepoConfig, parse


def test_no_file_and_an_empty_file_are_good() -> None:
    assert parse(None) == parse(b"") == RepoConfig()


def test_a_whole_file() -> None:
    content = b"""
setup: make setup
checks:
  tests: pytest -q
  lint: {run: ruff check ., required: false}
limits: {attempts: 2, minutes: 5}
agent: scripted
"""
    config = parse(content)
    assert isinstance(config, RepoConfig)
    assert config.checks == {
        "tests": CheckConfig(run="pytest -q"),
        "lint": CheckConfig(run="ruff check .", required=False),
    }
    assert list(config.checks) == ["tests", "lint"]
    assert (config.limits.attempts, config.limits.minutes) == (2, 5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"chekcs: {}", "unknown key `chekcs` (did you mean `checks`?)"),
        (b"limits: {minuets: 3}", "unknown key `limits.minuets` (did you mean `minutes`?)"),
        (b"limits: {attempts: 0}", "`limits.attempts`: input should be greater than or equal to 1"),
        (b"checks: {tests: ''}", "`checks.tests.run`: string should have at least 1 character"),
        (b"- checks", "`the file`: input should be a valid dictionary"),
        (b"checks: [", "not valid YAML at line 1"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a: !!python/object:os.system {}", "not valid YAML"),
        (b"setup: 2024-13-45", "cannot be read"),
        (b"setup: !!int abc", "cannot be read"),
        (b"setup: !!timestamp foo", "cannot be read"),
        (b'agent: "\\ud800"', "cannot be read"),
        (b"[" * 30_000, "cannot be read"),
        (b"#" * 70_000, "has 70,000 bytes; at most 65,536 are read"),
    ],
)
def test_a_bad_file_gets_one_sentence(content: bytes, reason: str) -> None:
    found = parse(content)
    assert isinstance(found, BadConfig)
    assert reason in found.reason
    assert ".github/issuewright.yml" in found.reason


def test_isolation() -> None:
    config = parse(b"isolation: {ports: {web: 3000, api: 3001}, database: {command: neon}, inputs: [db/*]}")
    assert isinstance(config, RepoConfig)
    assert config.isolation.named_ports == {"web": 3000, "api": 3001}
    assert config.isolation.database == CommandDatabase(command="neon")
    config = parse(b"isolation: {ports: [8080, 9090], database: postgresql, prepare: make migrate}")
    assert isinstance(config, RepoConfig)
    assert config.isolation.named_ports == {"8080": 8080, "9090": 9090}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"isolation: {ports: {web: 80}}", "isolation.ports"),
        (b"isolation: {ports: {a-b: 3000}}", "isolation.ports"),
        (b"isolation: {database: oracle}", "isolation.database"),
        (b"isolation: {databse: sqlite}", "unknown key `isolation.databse` (did you mean `database`?)"),
        (b"limits: {memory_gb: 0}", "`limits.memory_gb`: input should be greater than or equal to 0.1"),
    ],
)
def test_what_is_wrong_with_isolation_is_said(text: bytes, why: str) -> None:
    config = parse(text)
    assert isinstance(config, BadConfig)
    assert why in config.reason
