"""A person with a repository, an issue and an agent of a few lines, who types `issuewright try`."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from bot.cli import app

_ROOT = Path(__file__).parents[2]
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always")

ADDER = {
    "adder.py": "def add(a, b):\n    return a - b\n",
    "test_adder.py": (
        "import unittest\n\nfrom adder import add\n\n\n"
        "class AddTest(unittest.TestCase):\n    def test_nothing(self):\n        self.assertEqual(add(2, 0), 2)\n"
    ),
    ".gitignore": "__pycache__/\n",
}
FIX = "sed -i 's/a - b/a + b/' adder.py; echo Plus instead of minus.\n"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *_WHO, *words], cwd=folder, env={**os.environ, **_GIT}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str] = ADDER, *options: str) -> Path:
    """A repository with one commit on `trunk`."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk", *options)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file with mode, time and content; not what a new branch may add to: objects, refs and their logs."""
    seen = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.is_file() and not name.startswith((".git/objects/", ".git/refs/", ".git/logs/refs/")):
            state = file.stat()
            seen[name] = (state.st_mode, state.st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
    return seen


@dataclass
class Person:
    """Everything of theirs, `TMPDIR` included, lies below one folder."""

    folder: Path

    def __post_init__(self) -> None:
        self.temp = self.folder / "tmp"
        self.temp.mkdir()
        (self.folder / "issue.md").write_text("# add() subtracts\n\nadd(1, 1) should be 2.\n")

    def agent(self, text: str) -> None:
        file = self.folder / "agent.sh"
        file.write_text(f"#!/bin/sh\n{text}")
        file.chmod(0o755)

    def words(self, path: Path, *options: str) -> list[str]:
        mine = ("--issue", str(self.folder / "issue.md"), "--agent-command", str(self.folder / "agent.sh"))
        return ["try", str(path), "--timeout", "1", *mine, *options]

    def tries(self, path: Path, *options: str) -> Result:
        """The command in this process: the same code, without the start of an interpreter."""
        return CliRunner().invoke(app, self.words(path, *options), catch_exceptions=False)

    @property
    def environment(self) -> dict[str, str]:
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(("ISSUEWRIGHT_", "GIT_"))}
        return {**theirs, "TMPDIR": str(self.temp), "HOME": str(self.folder), "COLUMNS": "80"}

    def types(self, path: Path, *options: str) -> "subprocess.Popen[str]":
        """The command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "bot.cli", *self.words(path, *options)],
            env=self.environment,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def leftovers(self) -> list[str]:
        """Files and processes that outlived the command."""
        theirs = [pid for pid in os.listdir("/proc") if pid.isdigit() and str(self.folder) in _traces(pid)]
        return [*os.listdir(self.temp), *theirs]


def _traces(pid: str) -> str:
    try:
        files = (Path("/proc", pid, name).read_bytes() for name in ("cmdline", "environ"))
        return b" ".join(files).decode(errors="replace")
    except OSError:
        return ""


def only_json(stdout: str) -> Any:
    """The one line on stdout."""
    [line] = stdout.splitlines()
    return json.loads(line)
