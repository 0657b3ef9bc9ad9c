"""The demo's story, as a person starts it: exit 0, one line of JSON, nothing left over."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo import sample

SECONDS = 120
"""What the demo promises."""


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "HOME": str(folder), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=Path(__file__).parents[2],
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo")
    return demo(folder, "--json"), folder


def test_it_ends_with_one_line_of_json(told: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    ended, _ = told
    assert ended.returncode == 0, ended.stderr
    [line] = ended.stdout.splitlines()
    summary = json.loads(line)
    assert list(summary) == [
        "state", "issue", "pull_request", "branch", "head", "runs", "attempts", "checks", "seconds",
    ]  # fmt: skip
    assert (summary["state"], summary["issue"], summary["pull_request"]) == ("done", 1, 2)
    assert (summary["runs"], summary["attempts"]) == (2, 3)
    assert re.fullmatch(r"[0-9a-f]{40}", summary["head"])
    assert [(check["name"], check["exit_code"]) for check in summary["checks"]] == [("tests", 0), ("compiles", 0)]
    assert ended.stderr == ""


def test_nothing_is_left_over(told: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = told
    assert not list(folder.glob("issuewright-demo-*"))
    ours = [pid for pid in os.listdir("/proc") if pid.isdigit() and str(folder) in _command_line(pid)]
    assert not ours


def _command_line(pid: str) -> str:
    try:
        return Path("/proc", pid, "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_the_first_attempt_of_the_sample_fails_on_purpose() -> None:
    assert "tests" in sample.FILES[".github/issuewright.yml"]
    assert any("does not pass" in turn.get("when", "") for turn in sample.SCRIPT["turns"])
