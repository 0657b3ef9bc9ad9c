"""A forge that sends its webhooks, and `issuewright serve` beside it in a process of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.forge.forge import wall_clock
from bot.settings import Settings
from bot.store.reads import ReadStore
from bot.task.ids import IssueNumber
from bot.task.model import Task
from tests.real.served import Served, serve, words
from tests.worlds.leftovers import nothing_left
from tests.worlds.memory_git import Files
from tests.worlds.real_world import RealWorld

LONGEST_WAIT = 60.0
"""Seconds; for what takes one or two on an idle machine."""
DIE_SECONDS = 3.0
"""How soon whatever a bot had started is gone after it."""


@dataclass
class Live:
    """Both of them, and a look into the bot's database."""

    folder: Path
    world: RealWorld
    settings: Settings
    served: Served
    store: ReadStore

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def restart(self) -> None:
        """Start the bot again after its end."""
        self.served = await _served(self.world, self.settings, self.folder)

    async def until(self, there: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for something that must come."""
        began = time.monotonic()
        while not await there():
            assert time.monotonic() - began < LONGEST_WAIT, f"{what}: not yet\n{words(self.served.log)[-20000:]}"
            await asyncio.sleep(0.01)

    async def task(self, issue: int, reached: Callable[[Task], bool]) -> Task:
        """The task of this issue, when it has come so far."""
        found: list[Task] = []

        async def there() -> bool:
            task = await self.store.latest_task(self.world.repo_id, IssueNumber(issue))
            found[:] = [] if task is None else [task]
            return task is not None and reached(task)

        await self.until(there, f"the task of #{issue}")
        return found[0]

    async def held(self) -> list[str]:
        """Keys of the effects that are being performed."""
        return [effect.key for effect in await self.store.open_effects() if effect.owner is not None]

    async def idle(self) -> None:
        """Wait until nothing but the next sweep is to be done."""

        async def there() -> bool:
            return {effect.kind for effect in await self.store.open_effects() if not effect.dead} <= {"Sweep"}

        await self.until(there, "an end of the work")

    def in_worktrees(self, name: str) -> list[Path]:
        """Files of this name in the worktrees of all tasks."""
        tasks = self.data / "work" / "tasks"
        return [file for folder in ("tree", "room/up") for file in tasks.glob(f"*/{folder}/{name}")]


@asynccontextmanager
async def live(
    folder: Path, files: Files, script: Mapping[str, Any], *, deliver: bool = True, **more: Any
) -> AsyncIterator[Live]:
    """While the block runs; nothing of the bot is left afterwards. `more`: settings."""
    world = RealWorld(folder, files)
    async with world.serve(deliver=deliver):
        settings = world.settings(script, **{"feedback_quiet_seconds": 0, **more})
        served = await _served(world, settings, folder)
        store = await ReadStore.open_read_only(settings.database_url, clock=wall_clock, data_dir=settings.data_dir)
        both = Live(folder, world, settings, served, store)
        try:
            yield both
        finally:
            if both.served.process.returncode is None:
                await both.served.kill()
            await store.close()
    await nothing_left(both.data, DIE_SECONDS)


async def _served(world: RealWorld, settings: Settings, folder: Path) -> Served:
    served = await serve(settings, folder / "serve.log")
    world.app.webhook_url = f"{served.url}/webhooks/github"
    return served
