"""`pause`, `resume` and `purge` as the operator types them, and what people see of a pause."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from inline_snapshot import snapshot

from bot.operator import pausing, purge
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.store.errors import StoreError
from bot.task.ids import BranchName, RepoRef, TaskId
from bot.task.model import Phase
from bot.workspace.values import Remote
from bot.workspace.workspaces import GitWorkspaces
from tests.flow.conversations import FILES, GOOD, script
from tests.real.served import environment
from tests.real.served import run as run_command
from tests.tester import SmallBot
from tests.workspace.origin import Origin
from tests.worlds.small_world import REPO

pytestmark = pytest.mark.anyio
T = TypeVar("T")


@pytest.fixture
async def bot(quick_path: Path) -> AsyncIterator[SmallBot]:
    """A server at work; commands are given beside it."""
    bot = SmallBot(quick_path, script(GOOD), dict(FILES))
    await bot.start()
    yield bot
    await bot.stop()


def settings(bot: SmallBot) -> Settings:
    return Settings(data_dir=bot.folder, database_url="sqlite:///bot.db")


async def beside(command: Callable[[], T]) -> T:
    return await asyncio.to_thread(command)


async def test_a_pause_is_told_and_ended(bot: SmallBot) -> None:
    here = settings(bot)
    assert await beside(lambda: pausing.pause(here, "Octo/Widgets", "release\nweek.", bot.clock)) == snapshot(
        "Octo/Widgets is paused: no new run starts; what runs goes on to its end."
    )
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    (status,) = bot.said(issue)
    assert status.splitlines() == snapshot(
        [
            "**Queued, paused** · scripted · asked by @maintainer",
            "Paused by the operator: release week. Runs start again after `issuewright resume octo/widgets`. "
            "`/agent stop` takes it out of the queue.",
        ]
    )
    assert await beside(lambda: pausing.resume(here, REPO.full_name, bot.clock)) == snapshot(
        "octo/widgets is not paused any more."
    )
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW
    assert await beside(lambda: pausing.resume(here, REPO.full_name, bot.clock)) == "octo/widgets was not paused."


async def test_a_stop_is_taken_during_a_pause(bot: SmallBot) -> None:
    await beside(lambda: pausing.pause(settings(bot), None, "", bot.clock))
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    bot.world.comment(issue, "/agent stop")
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.CANCELLED


async def test_what_resume_cannot_end_is_said(bot: SmallBot) -> None:
    here = settings(bot)
    await bot.store.declare_pauses({REPO.full_name: "moving"})
    await beside(lambda: pausing.pause(here, None, "by hand", bot.clock))
    with pytest.raises(SettingsError, match="take `paused` out there, and restart"):
        await beside(lambda: pausing.resume(here, REPO.full_name, bot.clock))
    await bot.store.declare_pauses({})
    told = await beside(lambda: pausing.resume(here, REPO.full_name, bot.clock))
    assert told == "octo/widgets was not paused. The whole server still is: by hand."


async def test_a_name_that_is_none_and_a_database_that_is_not_there(tmp_path: Path, bot: SmallBot) -> None:
    here = Settings(data_dir=tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="'widgets' is no repository: it looks like OWNER/REPO"):
        pausing.pause(here, "widgets", "", bot.clock)
    with pytest.raises(StoreError, match="There is no database at"):
        pausing.pause(here, None, "", bot.clock)
    assert not (tmp_path / "nowhere").exists()


async def test_a_purge_beside_a_server(bot: SmallBot) -> None:
    here = settings(bot)
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    mirror = await on_disk(bot, TaskId(1))
    stock = await in_process(here, "purge", "octo/widgets", "--yes")
    assert stock == (
        0,
        "Removed of octo/widgets: 1 task, 7 events, 6 artifacts (0.0 MiB), 5 webhooks, the mirror and the worktrees.\n"
        "It is paused, so that labels which are still there start nothing: `issuewright resume octo/widgets`.\n",
    )
    assert await bot.store.tasks() == []
    assert not mirror.exists()
    assert list((bot.folder / "work" / "tasks").iterdir()) == []
    assert await in_process(here, "purge", "octo/widgets", "--yes") == (0, "Nothing is kept of octo/widgets.\n")
    pause = await bot.store.pause_of(REPO)
    assert pause is not None
    assert pause.reason == purge.REASON


async def test_a_purge_waits_for_no_run(bot: SmallBot) -> None:
    bot.world.label(bot.world.open_issue("Fix the widget"))
    await bot.deliver()
    while (await bot.store.tasks())[:1] == [] or (await bot.store.tasks())[0].task.phase is not Phase.WORKING:
        assert await bot.step()
    here = settings(bot)
    code, told = await in_process(here, "purge", "octo/widgets", "--yes")
    assert (code, told) == (
        2,
        "issuewright: octo/widgets is not purged, only paused: task 1 (octo/widgets#1) is working: "
        "stop it with `/agent stop` on its issue.\n",
    )
    await bot.stop()
    code, told = await in_process(here, "purge", "octo/widgets", "--yes")
    assert (code, told.partition(":")[0]) == (0, "Removed of octo/widgets"), "without a server nothing runs"
    await bot.start()


async def on_disk(bot: SmallBot, task: TaskId) -> Path:
    """What a task leaves there: the small world's bot leaves nothing."""
    origin = Origin.new(bot.folder / "origin")
    root = bot.folder / "work"
    workspaces = GitWorkspaces(root, Sandbox(probe("auto")))
    repo = RepoRef(REPO.id, REPO.full_name, REPO.installation)
    await workspaces.fetch(task, repo, Remote(str(origin.remote), ""), BranchName("main"), BranchName("agent/7"))
    assert [path.name for path in (root / "tasks").iterdir()] == [str(task)]
    return root / "mirrors" / f"{REPO.id}.git"


async def in_process(settings: Settings, *words: str) -> tuple[int, str]:
    """The command as it is typed: exit code, and what it says."""
    log = settings.data_dir / "log"
    log.unlink(missing_ok=True)
    env = {**environment(settings), "ISSUEWRIGHT_DATABASE_URL": settings.database_url}
    env.pop("ISSUEWRIGHT_AGENT_SCRIPT")
    process = await run_command(env, log, *words)
    code = await process.wait()
    return code, log.read_text()
