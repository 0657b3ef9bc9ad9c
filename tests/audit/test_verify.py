"""`issuewright verify` as a person types it: exit codes, one screen, one sentence per mistake."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.sandbox.probe import probe
from tests.verify.lab import git, history

BASE = {"calc.py": "def add(a, b):\n    return a - b\n", "test_calc.py": "import unittest\n"}
TEST = (
    "import unittest\n\nfrom calc import add\n\n\nclass AddTest(unittest.TestCase):\n"
    "    def test_add(self):\n        self.assertEqual(add(1, 1), 2)\n"
)
FIX = {"calc.py": "def add(a, b):\n    return a + b\n", "test_calc.py": TEST}
CHECKS = "checks:\n  tests: python3 -c 'import calc; assert calc.add(2, 0) == 2'\n"


def verify(*words: str) -> Result:
    return CliRunner().invoke(app, ["verify", *words], catch_exceptions=False)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits on main: the base, and the fix with its test."""
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    monkeypatch.setenv("ISSUEWRIGHT_DATA_DIR", str(tmp_path / "data"))
    history(tmp_path / "r", {**BASE, ".github/issuewright.yml": CHECKS}, FIX)
    return tmp_path / "r"


def test_a_clean_change(repository: Path) -> None:
    before = sorted(str(path) for path in repository.rglob("*"))
    done = verify(str(repository), "--base", "HEAD~1")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Clean: nothing is broken, weakened or out of scope\n")
    assert "tests: passed (exit 0; base: exit 0)" in done.stdout
    assert len(done.stdout.splitlines()) < 20
    assert sorted(str(path) for path in repository.rglob("*")) == before


def test_a_broken_change_in_json(repository: Path) -> None:
    done = verify(str(repository), "--base", "HEAD", "--head", broken(repository), "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["verdict"] == "broken"
    assert told["checks"][0]["head"] == {"exit_code": 1, "ending": "exited"}
    assert {run["stage"] for run in told["beside"]["runs"]} == {"base", "head"}


def broken(repository: Path) -> str:
    (repository / "calc.py").write_text("add = None\n")
    git(repository, "commit", "-q", "-a", "-m", "x")
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    return head


def test_other_codes(repository: Path, tmp_path: Path) -> None:
    (repository / ".github/issuewright.yml").write_text("checks: {}\n")
    git(repository, "commit", "-q", "-a", "-m", "x")
    assert verify(str(repository), "--base", "HEAD~1").exit_code == 4, "a protected file is changed"
    checks = tmp_path / "checks.yml"
    checks.write_text("checks: {never: 'false'}\n")
    done = verify(str(repository), "--base", "HEAD~2", "--head", "HEAD~1", "--checks", str(checks))
    assert done.exit_code == 5
    assert done.stdout.startswith("Unchecked: a required check fails on the base as well")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--base", "nowhere"), "'nowhere' names no commit of "),
        (("--base", "--all"), "'--all' names no commit of "),
        (("--base", "HEAD", "--checks", "/nowhere.yml"), "--checks /nowhere.yml cannot be read: "),
    ],
)
def test_one_sentence_per_mistake(repository: Path, words: tuple[str, ...], sentence: str) -> None:
    done = verify(str(repository), *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"issuewright: {sentence}")
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_repository(tmp_path: Path) -> None:
    assert verify(str(tmp_path), "--base", "HEAD").exit_code == 2
    assert verify(str(tmp_path / "none"), "--base", "HEAD").exit_code == 2
