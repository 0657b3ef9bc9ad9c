"""Tell what an agent is doing, a few times a second at most."""

import asyncio
from collections.abc import Callable, Iterable

from bot.agents.printable import one_line
from bot.task.results import PlanStep, Progress

INTERVAL_S = 0.2
"""Least time between two reports."""
FILES_KEPT = 200
STEPS_KEPT = 50


class ProgressReport:
    """Gathers what is heard and passes it on, coalesced. Use as an async context; a good end tells the last state."""

    def __init__(self, heard: Callable[[Progress], None]) -> None:
        self._heard = heard
        self._told = Progress()
        self._doing = ""
        self._plan: tuple[PlanStep, ...] = ()
        self._files: dict[str, None] = {}
        self._turns = 0
        self._session: str | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> "ProgressReport":
        self._pump = asyncio.create_task(self._tell_changes())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        self._pump.cancel()
        await asyncio.wait([self._pump])
        if kind is not None:
            return
        if not self._pump.cancelled() and (error := self._pump.exception()):
            raise error
        self._tell()

    def doing(self, text: str) -> None:
        if line := one_line(text):
            self._doing = line
            self._changed.set()

    def plan(self, steps: Iterable[tuple[str, str]]) -> None:
        """Text and status of each step; replaces the plan so far."""
        self._plan = tuple(PlanStep(one_line(text), status) for text, status in steps)[:STEPS_KEPT]
        self._changed.set()

    def touched(self, files: Iterable[str]) -> None:
        """Paths relative to the worktree."""
        room = FILES_KEPT - len(self._files)
        self._files.update(dict.fromkeys([one_line(file) for file in files][: max(0, room)]))
        self._changed.set()

    def tool_calls(self, count: int) -> None:
        self._turns = count
        self._changed.set()

    def session(self, session: str) -> None:
        """By which the agent can be resumed."""
        self._session = session
        self._changed.set()

    async def _tell_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._tell()
            await asyncio.sleep(INTERVAL_S)

    def _tell(self) -> None:
        self._changed.clear()
        now = Progress(self._doing, self._plan, tuple(self._files), self._turns, self._session)
        if now != self._told:
            self._told = now
            self._heard(now)
