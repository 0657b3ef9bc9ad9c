"""What is a test, what is the harness, and what of it comes from the base."""

import tomllib

import pytest

from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha
from bot.verify.command import Command
from bot.verify.harness import changed_tests, from_base, is_harness, is_test, run_by
from bot.verify.sections import with_sections_of

BASE = CommitSha("b" * 40)


@pytest.mark.parametrize(
    "path",
    [
        *("tests/test_a.py", "test_a.py", "pkg/a_test.py", "tests/helpers.py", "tests/data/x.json", "a/b_test.go"),
        *("src/x.test.ts", "src/x.spec.jsx", "src/test/java/AppTest.java", "spec/a_spec.rb", "app/tests.py"),
        "src/__snapshots__/a.snap",
    ],
)
def test_tests(path: str) -> None:
    assert is_test(path)
    assert not is_harness(path)


@pytest.mark.parametrize(
    "path",
    [
        *("conftest.py", "tests/conftest.py", "pytest.ini", "tox.ini", "evil.pth", "sitecustomize.py", "Makefile"),
        *("jest.config.js", "vitest.config.ts", ".github/workflows/ci.yml", "pytest.py", "unittest/__init__.py"),
        *("web/vite.config.ts", "spec/spec_helper.rb", ".cargo/config.toml", "noxfile.py"),
    ],
)
def test_the_harness(path: str) -> None:
    assert is_harness(path)
    assert not is_test(path)


@pytest.mark.parametrize(
    "path", ["src/app.py", "latest.py", "contest.py", "docs/testing.md", "src/pytest.py", "protest.go"]
)
def test_neither(path: str) -> None:
    assert not is_test(path)
    assert not is_harness(path)


def test_what_is_laid_over_a_head() -> None:
    changed = [
        ChangedFile("app.py", b"a", b"b"),
        ChangedFile("conftest.py", None, b"import os"),
        ChangedFile("scripts/check.sh", b"pytest", b"true"),
        ChangedFile("tests/test_a.py", b"1", b"2"),
        ChangedFile("tests/gone.py", b"1", None),
        ChangedFile("pyproject.toml", b"[project]\nname='a'\n", b"[project]\nname='b'\n"),
        ChangedFile("setup.cfg", b"[tool:pytest]\naddopts =\n", None),
    ]
    commands = (Command("t", "./scripts/check.sh -x && pytest tests/test_a.py", required=True),)
    assert from_base(changed, BASE, commands) == {"conftest.py": BASE, "scripts/check.sh": BASE, "setup.cfg": BASE}
    assert changed_tests(changed) == ("tests/test_a.py",)


def test_sections_of_the_base_in_the_heads_file() -> None:
    base = b"[project]\nname = 'a'\n\n[tool.pytest.ini_options]\naddopts = '-q'\n[tool.ruff]\nline-length = 1\n"
    head = b"[project]\nname = 'b'\n\n[tool.pytest.ini_options]\naddopts = '--co'\n[tool.ruff]\nline-length = 2\n"
    merged = with_sections_of("pyproject.toml", base, head)
    assert merged
    data = tomllib.loads(merged.decode())
    assert data["project"]["name"] == "b"
    assert data["tool"] == {"pytest": {"ini_options": {"addopts": "-q"}}, "ruff": {"line-length": 2}}
    added = with_sections_of("pyproject.toml", b"[project]\nname = 'a'\n", head)
    assert added
    assert "pytest" not in tomllib.loads(added.decode())["tool"]
    npm = with_sections_of("a/package.json", b'{"scripts": {"test": "jest"}}', b'{"scripts": {"test": "true"}, "x": 1}')
    assert npm == b'{\n  "x": 1,\n  "scripts": {\n    "test": "jest"\n  }\n}\n'
    ini = with_sections_of("setup.cfg", b"[tool:pytest]\nx = 1\n", b"[metadata]\nname = b\n[tool:pytest]\nx = 2\n")
    assert ini == b"[metadata]\nname = b\n[tool:pytest]\nx = 1\n"


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("pyproject.toml", b"[tool.pytest]\nx = 1\n", b"not toml ["),
        ("pyproject.toml", b"[tool.pytest]\nx = 1\n", b"tool = {pytest = {x = 2}}\n"),
        ("pyproject.toml", b"[tool.pytest]\nx = 1\n", b'y = """\n[tool.pytest]\n"""\n[tool.pytest]\nx = 2\n'),
        ("package.json", b"{}", b"[" * 100_000),
        ("package.json", b'{"scripts": {}}', b"[]"),
        ("setup.cfg", b"[pytest]\nx=1\n", b"\xff"),
    ],
)
def test_what_cannot_be_merged_is_the_bases(name: str, base: bytes, head: bytes) -> None:
    assert with_sections_of(name, base, head) == b""


@pytest.mark.parametrize(
    ("command", "scripts"),
    [
        ("./check.sh", {"check.sh"}),
        ("python3 check.py", {"check.py"}),
        ("python3 -X dev tools/check.py slugs.py", {"tools/check.py"}),
        ("A=1 env B=2 bash -eu ci/test.sh --fast", {"ci/test.sh"}),
        ("python3 -m py_compile slugs.py", set()),
        ("ruff check slugs.py && ./lint slugs.py", {"ruff", "lint"}),
        ("grep -q good fix.py", {"grep"}),
        ("(cd sub; node test.mjs) | tee log", {"cd", "test.mjs", "tee"}),
        ("sh -c 'exit 0'", set()),
        ("echo 'not closed", {"echo"}),
        ("", set()),
    ],
)
def test_what_a_command_runs_is_harness_what_it_is_given_is_not(command: str, scripts: set[str]) -> None:
    assert run_by([Command("tests", command, required=True)]) == scripts


def test_a_new_file_that_a_check_runs_stays() -> None:
    commands = (Command("t", "./check.sh", required=True),)
    assert from_base([ChangedFile("check.sh", None, b"exit 0")], BASE, commands) == {}
