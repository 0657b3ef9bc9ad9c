"""`issuewright serve` is killed in the middle of a real agent's turn; started again, it goes on in the same session."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.agents.catalogue import known
from bot.task.events import ChangesMade
from bot.task.history import newest
from bot.task.ids import IssueNumber
from bot.task.model import Phase
from tests.agents_real.world import KEY, MODEL, SECONDS, operators_file, remembered
from tests.real.live import DIE_SECONDS, Live, live
from tests.worlds.leftovers import gone, sandboxed_of
from tests.worlds.model_server import ModelServer

pytestmark = pytest.mark.anyio

FILES = {"README.md": "widgets\n", ".github/issuewright.yml": "checks:\n  mended: grep -rq good --include=*.py .\n"}
STEPS = (
    "MODEL[write fix.py good ;; run test -e /task/ready || echo begun-$((40+2)) ;; "
    "run test -e /task/ready || { touch /task/ready; sleep 300; } ;; say Mended.]"
)
TELL_SECONDS = 4.0
"""Until the bot has written down the session, and the agent its last step."""


async def _until(there: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await there():  # noqa: ASYNC110 - other processes do it
            await asyncio.sleep(0.2)


async def test_a_killed_bot_goes_on_with_the_agents_session(
    agent: str, folder: Path, server: ModelServer, quick_path: Path
) -> None:
    data = quick_path / "data"
    data.mkdir(mode=0o755)
    (quick_path / "model.key").write_text(KEY)
    text = operators_file(agent, folder, server, quick_path / "model.key")
    (data / "issuewright.toml").write_text(f"agent = '{agent}'\n{text}")
    async with live(quick_path, FILES, {"turns": []}, sweep_seconds=1) as both:
        issue = both.world.open_issue("Fix the widget", f"It is broken. {STEPS}")
        both.world.label(issue)

        async def sleeping() -> bool:
            return any("sleep 300" in line for line in sandboxed_of(both.data).values())

        await _until(sleeping)
        await asyncio.sleep(TELL_SECONDS)
        contained, calls = set(sandboxed_of(both.data)), len(server.requests)
        await both.served.kill()
        await gone(contained, both.data, DIE_SECONDS)
        await both.restart()
        await _in_review(both, issue)
        task = await both.store.latest_task(both.world.repo_id, IssueNumber(issue))
        assert task is not None
        made = newest(await both.store.history(task.id), ChangesMade)
        assert made is not None
        assert made.attempt == 1, "the interrupted attempt went on"
        assert made.use is not None
        assert made.use.counted_by == "proxy"
        assert made.use.models == (MODEL,)
        if known()[agent].resume == "load":
            assert remembered(server, "begun-42", calls), "the new process knows nothing of the interrupted turn"


async def _in_review(both: Live, issue: int) -> None:
    async def there() -> bool:
        task = await both.store.latest_task(both.world.repo_id, IssueNumber(issue))
        assert task is None or task.phase is not Phase.FAILED, both.world.said(issue)
        return task is not None and task.phase is Phase.IN_REVIEW

    await _until(there)
