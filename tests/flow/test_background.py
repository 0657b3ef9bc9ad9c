"""What the agent is told beside its task, as it reaches the agent."""

from pathlib import Path

import pytest

from tests.flow.conversations import FILES, GOOD, reviewed_then_merged, script
from tests.tester import SmallBot

pytestmark = pytest.mark.anyio


async def _prompts(tmp_path: Path, files: dict[str, str]) -> list[str]:
    bot = SmallBot(tmp_path, script(GOOD), {**FILES, **files})
    await bot.start()
    try:
        await reviewed_then_merged(bot)
    finally:
        await bot.stop()
    return bot.agents.prompts


async def test_the_repositorys_instructions_are_told_once(tmp_path: Path) -> None:
    files = {"AGENTS.md": "Use tabs.", "CLAUDE.md": "Use tabs.", "CONTRIBUTING.md": "y" * 9000}
    first, second = await _prompts(tmp_path, files)
    assert first.count("Use tabs.") == 1
    assert "`CONTRIBUTING.md`, its beginning:" in first
    assert first.count("y") < 8100
    assert "`.github/**`" in first
    assert "You have 60 minutes at most." in first
    assert "Use tabs." not in second, "the resumed session has read them"
    assert "What was done before" not in second
