"""Follow one task until it rests, and tell what happens."""

import asyncio
import time
from dataclasses import dataclass

from bot.demo.narrator import Narrator
from bot.task.effects import Lane
from bot.task.ids import IssueNumber
from bot.task.model import FINAL, Phase, Task
from bot.trial.stage import Stage

LOOK_EVERY = 0.1
SAY_EVERY = 5.0
"""Seconds between two lines about what the agent is doing."""
STOPPING = 30.0
"""Seconds for a task to stop and to save its work."""
_RESTS = FINAL | {Phase.IN_REVIEW, Phase.NEEDS_INPUT}


@dataclass(slots=True)
class Watch:
    """Tells everything once, however often it is asked."""

    stage: Stage
    issue: IssueNumber
    narrator: Narrator
    _told: int = 0
    _doing: str = ""
    _said_at: float = 0.0

    async def within(self, seconds: float) -> tuple[Task | None, Phase | None]:
        """The task at rest. When its time was up, the task as stopped, and the phase in which that was."""
        try:
            async with asyncio.timeout(seconds):
                return await self._rested(), None
        except TimeoutError:
            self.narrator.note("              The time is up: stopping.")
        late = await self.stage.task(self.issue)
        if late is None:
            return None, None
        self.stage.stop(self.issue)
        try:
            async with asyncio.timeout(STOPPING):
                return await self._rested(), late.phase
        except TimeoutError:
            return late, late.phase

    async def _rested(self) -> Task:
        """At rest, and its worktree closed: what was done is saved."""
        while True:
            task = await self.stage.task(self.issue)
            if task is not None:
                await self._tell(task)
                if task.phase in _RESTS and not await self._working(task):
                    return await self.stage.bot.store.task(task.id) or task
            await asyncio.sleep(LOOK_EVERY)

    async def _working(self, task: Task) -> bool:
        effects = await self.stage.bot.store.open_effects(task.id)
        return any(effect.lane is Lane.WORK and not effect.dead for effect in effects)

    async def _tell(self, task: Task) -> None:
        history = await self.stage.bot.store.history(task.id)
        for recorded in history[self._told :]:
            self.narrator.happened(recorded)
        self._told = len(history)
        if task.phase is Phase.WORKING and time.monotonic() - self._said_at > SAY_EVERY:
            progress = await self.stage.bot.store.progress(task.id)
            if progress is not None and progress.doing not in ("", self._doing):
                self._doing, self._said_at = progress.doing, time.monotonic()
                self.narrator.note(f"              … {progress.doing}")
