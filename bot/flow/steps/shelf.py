"""Where baselines are kept: artifacts of the store, by repository and key, shared by its tasks and all workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from bot.store.store import Store
from bot.task.ids import RepoRef

BASELINE = "baseline"
"""Artifact kind of no task, named `<repository id>/<key>`."""
KEPT = 20
"""Baselines of one repository; the oldest goes first."""


@dataclass(slots=True)
class Turns:
    """One at a time for each name, within this process."""

    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        self._waiting[name] = self._waiting.get(name, 0) + 1
        try:
            async with self._locks.setdefault(name, asyncio.Lock()):
                yield
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name], self._locks[name]


@dataclass(frozen=True, slots=True)
class StoreShelf:
    """Implements `bot.verify.baseline.Shelf`. Two machines at once may both make one: the outcome is the same."""

    store: Store
    turns: Turns
    repo: RepoRef

    async def load(self, key: str) -> bytes | None:
        return await self.store.find_artifact(None, BASELINE, self._name(key))

    async def keep(self, key: str, data: bytes) -> None:
        await self.store.keep(None, BASELINE, self._name(key), data)
        await self.store.thin_artifacts(BASELINE, f"{self.repo.id}/", KEPT)

    def hold(self, key: str) -> AbstractAsyncContextManager[None]:
        return self.turns.hold(self._name(key))

    def _name(self, key: str) -> str:
        return f"{self.repo.id}/{key}"
