"""The commits of one task, as a verification wants them."""

from collections.abc import Mapping

from bot.flow.doors import Workspaces
from bot.sandbox.box import Box
from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha, TaskId


class TaskTrees:
    """Implements `bot.verify.run.Trees`."""

    def __init__(self, workspaces: Workspaces, task: TaskId) -> None:
        self._workspaces = workspaces
        self._task = task

    async def fork(self, base: CommitSha, head: CommitSha) -> CommitSha:
        return await self._workspaces.fork(self._task, base, head)

    async def contents(self, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]:
        return await self._workspaces.contents(self._task, base, head)

    async def compose(self, onto: CommitSha, laid: Mapping[str, bytes | CommitSha]) -> CommitSha:
        return await self._workspaces.compose(self._task, onto, laid)

    async def tree(self, commit: CommitSha) -> str:
        return await self._workspaces.tree(self._task, commit)

    async def check_out(self, commit: CommitSha) -> Box:
        return await self._workspaces.check_out(self._task, commit)

    async def drop(self) -> None:
        await self._workspaces.drop_checkout(self._task)
