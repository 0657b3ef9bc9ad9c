"""`issuewright try` on a repository of one's own, with real agents and a scripted model."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.agents.catalogue import known
from tests.agents_real.world import KEY, MODEL, SECONDS
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio
STEPS = "MODEL[write fix.py good ;; run cat /task/fix.py ;; say The widget is mended.]"


def git(folder: Path, *words: str) -> str:
    """What it prints."""
    me = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
    return subprocess.run(["git", "-C", str(folder), *me, *words], check=True, capture_output=True, text=True).stdout


def repository(folder: Path) -> Path:
    """One commit, with a check. What a check names itself is taken from the base, so it names no file."""
    (folder / ".github").mkdir(parents=True)
    (folder / "README.md").write_text("widgets\n")
    (folder / ".github" / "issuewright.yml").write_text("checks:\n  mended: grep -rq good --include=*.py .\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.mark.parametrize("agent", ["claude", "codex"])
async def test_try_with_a_real_agent(agent: str, folder: Path, server: ModelServer, tmp_path: Path) -> None:
    source, issue, key = repository(tmp_path / "source"), tmp_path / "issue.md", tmp_path / "model.key"
    issue.write_text(f"Fix the widget\n\nIt is broken. {STEPS}\n")
    key.write_text(KEY)
    config = tmp_path / "issuewright.toml"
    config.write_text(
        f"model = 'scripted'\n[agents.{agent}]\nprofile = '{agent}'\ninstall = '{folder}'\n"
        f"[models.scripted]\nwire = '{known()[agent].wire}'\nurl = '{server.url}'\n"
        f"key_file = '{key}'\nmodels = ['{MODEL}']\n"
    )
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "ISSUEWRIGHT_CONFIG": str(config)}
    argv = [sys.executable, "-m", "bot.cli", "try", str(source), "--issue", str(issue), "--json"]
    trying = await asyncio.create_subprocess_exec(
        *argv, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        out, err = await trying.communicate()
    assert trying.returncode == 0, err.decode()
    branch = json.loads(out)["branch"]
    assert git(source, "show", f"{branch}:fix.py") == "good\n"
