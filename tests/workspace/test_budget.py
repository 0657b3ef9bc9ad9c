"""The disk space for what is kept: the least recently used goes first, and nothing that somebody stands on."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.task.ids import TaskId
from bot.task.results import SandboxLevel
from bot.workspace.workspaces import GitWorkspaces
from tests.workspace.conftest import BRANCH, MAIN, Desk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def used(desk: Desk) -> Desk:
    """Two templates of one repository: the older is free, task 7 stands on the newer."""
    if desk.sandbox.level is not SandboxLevel.OVERLAY:
        pytest.skip(desk.sandbox.capability.reason)
    await desk.door.close(desk.task)
    desk.origin.write("a.txt", "newer\n")
    desk.origin.commit("Newer")
    await desk.fetch()
    await desk.door.open(desk.task, desk.repo, desk.base)
    return desk


def templates(desk: Desk) -> list[str]:
    return sorted(path.parent.name for path in (desk.root / "sealed/templates/99").glob("*/tree"))


async def test_what_fits_stays(used: Desk) -> None:
    trimmed = await used.door.trim()
    assert (trimmed.dropped, trimmed.over) == (0, False)
    assert len(templates(used)) == 2


async def test_nothing_in_use_goes(used: Desk) -> None:
    tight = GitWorkspaces(used.root, used.sandbox, cache_bytes=1)
    trimmed = await tight.trim()
    assert (trimmed.dropped, trimmed.over) == (1, True)
    assert templates(used) == [used.base]
    assert await used.agent("cat a.txt; git log --format=%s") == "newer\nNewer\nFirst\n"
    await used.door.close(used.task)
    assert (await tight.trim()).over is False
    assert templates(used) == []
    assert not list((used.root / "mirrors").glob("*.git"))
    await used.fetch()
    assert await used.door.open(used.task, used.repo, used.base) is False


async def test_the_least_recently_used_goes_first(used: Desk) -> None:
    await used.door.close(used.task)
    first, second = templates(used)
    for age, name in enumerate((first, second)):
        os.utime(used.root / "sealed/templates/99" / name, (1000 + age, 1000 + age))
    whole = sum(one.size for one in used.door.sealed.entries())
    mirror = sum(path.lstat().st_blocks * 512 for path in (used.root / "mirrors/99.git").rglob("*"))
    await GitWorkspaces(used.root, used.sandbox, cache_bytes=whole + mirror - 1).trim()
    assert templates(used) == [second]


async def test_a_mirror_stays_while_anybody_borrows_from_it(desk: Desk) -> None:
    other = replace(desk.repo, id=100)
    await desk.door.fetch(TaskId(8), other, desk.remote, MAIN, BRANCH)
    await GitWorkspaces(desk.root, desk.sandbox, cache_bytes=1).trim()
    assert names(desk.root / "mirrors") == ["100.git", "99.git"]
    await desk.door.close(TaskId(8))
    await GitWorkspaces(desk.root, desk.sandbox, cache_bytes=1).trim()
    assert names(desk.root / "mirrors") == ["99.git"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.git"))
