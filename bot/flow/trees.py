"""The commits of one task, as a verification wants them, each checkout with what the repository wants around it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from bot.flow.doors import Workspaces
from bot.flow.steps.bench import Bench
from bot.flow.steps.isolation import surrounded
from bot.sandbox.databases.names import Purpose
from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha, TaskId
from bot.task.model import Task
from bot.verify.run import Checkout
from bot.words.redacted import Redactor


class TaskTrees:
    """Implements `bot.verify.run.Trees`: a clean checkout and nothing around it."""

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

    def checkout(self, commit: CommitSha) -> AbstractAsyncContextManager[Checkout]:
        return self._plain(commit)

    @asynccontextmanager
    async def _plain(self, commit: CommitSha) -> AsyncIterator[Checkout]:
        try:
            yield Checkout(await self._workspaces.check_out(self._task, commit))
        finally:
            await self._workspaces.drop_checkout(self._task)


class SurroundedTrees(TaskTrees):
    """With ports and secrets of the repository, and a database that is new for each checkout."""

    def __init__(self, bench: Bench, task: Task, env: Mapping[str, str]) -> None:
        super().__init__(bench.workspaces, task.id)
        self._env = env
        self._bench = bench
        self._whole = task

    def checkout(self, commit: CommitSha) -> AbstractAsyncContextManager[Checkout]:
        """Raises DatabaseRefused and DatabaseUnavailable when it is entered."""
        return self._surrounded(commit)

    @asynccontextmanager
    async def _surrounded(self, commit: CommitSha) -> AsyncIterator[Checkout]:
        check_out = partial(self._workspaces.check_out, self._task, commit)
        try:
            async with surrounded(self._bench, self._whole, Purpose.CHECK, check_out) as around:
                yield Checkout(around.box.with_env(**self._env), partial(self._without, around.secrets))
        finally:
            await self._workspaces.drop_checkout(self._task)

    def _without(self, secrets: tuple[str, ...], data: bytes) -> bytes:
        """Neither the secrets of this checkout nor those that the process knows."""
        return self._bench.redactor.data(Redactor(secrets).data(data))
