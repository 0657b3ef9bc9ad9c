"""A push asks last of all whether it still may."""

import pytest

from bot.task.results import Harvested
from bot.workspace.values import Pushed
from bot.workspace.workspaces import GitWorkspaces
from tests.workspace.conftest import BRANCH, Desk

pytestmark = pytest.mark.anyio


class TooLateError(Exception):
    """The fence is closed."""


async def test_nothing_is_pushed_through_a_closed_fence(desk: Desk) -> None:
    await desk.agent("echo new > new.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)

    async def closed() -> None:
        raise TooLateError

    fenced = GitWorkspaces(desk.root, desk.sandbox, fence=closed)
    with pytest.raises(TooLateError):
        await fenced.push(desk.task, desk.remote, result.commit, BRANCH, None)
    assert await desk.door.push(desk.task, desk.remote, result.commit, BRANCH, None) == Pushed()
    assert await fenced.push(desk.task, desk.remote, result.commit, BRANCH, None) == Pushed(), "nothing to do"
