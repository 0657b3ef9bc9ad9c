"""A toolchain of the operator's file in a whole run: agent and check come from a folder outside /usr."""

from pathlib import Path

import pytest

from bot.sandbox.probe import probe
from bot.task.model import Phase
from tests.worlds.real_bot import RealBot

pytestmark = pytest.mark.anyio

PROGRAMS = {
    "fixer": '#!/bin/sh\ncat >/dev/null\necho good > fix.py\necho "$MODE"\ntouch "$(dirname "$0")/x" 2>&1 || exit 0\nexit 9\n',
    "checker": "#!/bin/sh\ngrep -q good fix.py\n",
}


async def test_agent_and_check_of_a_toolchain(quick_path: Path, tmp_path: Path) -> None:
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    tools, data = tmp_path / "tools", quick_path / "real" / "data"
    for folder in (tools, data):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    for name, text in PROGRAMS.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (data / "issuewright.toml").write_text(
        "agent = 'scripted'\n"
        f"[toolchains]\nfolders = ['{tools}']\npath = ['{tools}']\n"
        "[agents.mine]\ncommand = 'fixer'\nprotocol = 'command'\nenv = {MODE = 'Quietly done.'}\n"
        "[repositories.'octo/widgets']\nagent = 'mine'\n"
    )
    files = {"README.md": "x\n", ".github/issuewright.yml": "checks:\n  check: checker\n"}
    bot = RealBot(quick_path / "real", {"turns": [{"steps": []}]}, files)
    async with bot.on_stage():
        issue = bot.world.open_issue("Fix the widget")
        bot.world.label(issue)
        await bot.settle()
        task = await bot.task(issue)
        assert (task.phase, task.agent) == (Phase.IN_REVIEW, "mine"), bot.said(issue)
        number = await bot.pull_of(issue)
        assert not bot.world.forge.world.pull("octo/widgets", number).draft
        assert "Quietly done." in (bot.world.forge.world.issue("octo/widgets", number).body or "")
    assert sorted(path.name for path in tools.iterdir()) == ["checker", "fixer"], "it is read-only inside"
