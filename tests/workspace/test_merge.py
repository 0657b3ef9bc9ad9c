"""The base merged into a task's branch, with real git."""

import pytest

from bot.task.results import Harvested, HarvestRefused
from bot.workspace.values import Merge
from tests.workspace.conftest import BRANCH, MESSAGE, Desk
from tests.workspace.origin import git

pytestmark = pytest.mark.anyio


async def conflicting(desk: Desk, theirs: str = "theirs\n") -> Merge:
    """The branch and its base both changed a.txt; the worktree stands on their merge."""
    git(desk.origin.clone, "checkout", "-q", "-b", "work")
    desk.origin.write("a.txt", "ours\n")
    desk.origin.commit("ours", BRANCH)
    git(desk.origin.clone, "checkout", "-q", "-B", "main", "HEAD~1")
    desk.origin.write("a.txt", theirs)
    desk.origin.write("of-the-base.txt", "new\n")
    desk.origin.write(".github/workflows/ci.yml", "on: push\n")
    desk.origin.commit("theirs")
    fetched = await desk.fetch()
    assert fetched.head is not None
    merge = await desk.door.merge(desk.task, desk.repo, fetched.head, fetched.base, MESSAGE)
    assert isinstance(merge, Merge)
    await desk.door.open(desk.task, desk.repo, merge.commit)
    return merge


async def test_a_resolved_merge_becomes_one_commit_with_two_parents(empty_desk: Desk) -> None:
    desk = empty_desk
    merge = await conflicting(desk)
    assert merge.conflicts == ("a.txt",)
    assert "<<<<<<< " in await desk.agent("cat a.txt")
    await desk.agent("echo both > a.txt")
    result = await desk.door.harvest(desk.task, desk.base, merge, MESSAGE)
    assert isinstance(result, Harvested), result
    assert [file.path for file in result.files] == ["a.txt"]
    parents = git(desk.root / "tasks/7/quarantine.git", "rev-parse", f"{result.commit}^@").split()
    assert parents == [desk.origin.tip(BRANCH), desk.origin.tip("main")]
    assert await desk.door.merge(desk.task, desk.repo, result.commit, desk.base, MESSAGE) is None


async def test_a_marker_that_is_left_is_not_taken_over(empty_desk: Desk) -> None:
    desk = empty_desk
    merge = await conflicting(desk)
    left = HarvestRefused(("`a.txt` still holds conflict markers.",))
    assert await desk.door.harvest(desk.task, desk.base, merge, MESSAGE) == left
    await desk.agent("echo more > b.txt; sed -i /=====/d a.txt")
    assert await desk.door.harvest(desk.task, desk.base, merge, MESSAGE) == left


async def test_without_a_conflict_the_merge_is_the_commit(empty_desk: Desk) -> None:
    desk = empty_desk
    merge = await conflicting(desk, theirs="ours\n")
    assert merge.conflicts == ()
    assert await desk.agent("cat a.txt") == "ours\n"
