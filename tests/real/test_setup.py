"""The set-up of a repository in a whole run: the agent finds what it made, and a changed manifest runs it again."""

from pathlib import Path

import pytest

from bot.sandbox.probe import probe
from bot.task.model import Phase
from bot.task.results import SandboxLevel
from tests.worlds.real_bot import RealBot

pytestmark = pytest.mark.anyio

CONFIG = """setup: mkdir -p deps && cp requirements.txt deps/
checks:
  check: cmp requirements.txt deps/requirements.txt && ! git status --porcelain | grep -v deps
"""
FILES = {"requirements.txt": "one\n", ".gitignore": "", ".github/issuewright.yml": CONFIG}


async def test_a_change_that_touches_a_manifest_is_set_up_again(quick_path: Path) -> None:
    if probe("auto").level is not SandboxLevel.OVERLAY:
        pytest.skip("no overlays on this machine")
    steps = [{"write": {"path": "requirements.txt", "text": "one\ntwo\n"}}]
    bot = RealBot(quick_path / "real", {"turns": [{"steps": steps}]}, FILES)
    async with bot.on_stage():
        issue = bot.world.open_issue("Need two")
        bot.world.label(issue)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.IN_REVIEW, bot.said(issue)
        number = await bot.pull_of(issue)
        body = bot.world.forge.world.issue("octo/widgets", number).body or ""
        assert "set-up was run again: the change touches requirements.txt" in body
        assert sorted(bot.world.tree(bot.world.forge.world.pull("octo/widgets", number).head_sha)) == sorted(FILES)
        layers = list((quick_path / "real" / "data" / "work" / "sealed" / "layers").glob("*/*/tree"))
        assert len(layers) == 1, "made for the agent, from the base"
