"""How far the set-up is: no App yet, one that could not be kept, or one that is kept. Survives any repetition."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bot.github import credentials
from bot.github.credentials import Credentials
from bot.github.manifest import Spent, Unreached, convert
from bot.github.site import Site
from bot.web.setup.choice import Choice
from bot.web.setup.states import States

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """Nothing is registered that we know of."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """GitHub handed the credentials out; they are in memory alone. `why`: the folder could not be written."""

    app: Credentials
    why: str


@dataclass(frozen=True, slots=True)
class Registered:
    """The credentials are on disk."""

    app: Credentials


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was asked of GitHub: the state is not one that we made for a way that is still open."""


@dataclass(frozen=True, slots=True)
class Lost:
    """GitHub hands no credentials out for this code. `site`: where an App without a key may stand."""

    site: Site


@dataclass(frozen=True, slots=True)
class Untold:
    """GitHub could not be asked; the same address may be opened again. `why` is a few words."""

    site: Site
    why: str


Phase = Asking | Unsaved | Registered
Ended = Unsaved | Registered | Stale | Lost | Untold


class Registering:
    """The way to an App. One step at a time: GitHub hands an App's key out once."""

    def __init__(
        self, folder: Path, clock: Callable[[], datetime], http: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.phase: Phase = Asking()
        self.done = asyncio.Event()
        """Set when the credentials are on disk."""
        self._folder = folder
        self._http = http
        self._states = States(clock)
        self._turn = asyncio.Lock()

    async def begin(self, choice: Choice) -> str | OSError:
        """The state to send along; first of all, could we keep what comes back?"""
        try:
            await asyncio.to_thread(credentials.rehearse, self._folder)
        except OSError as error:
            return error
        return self._states.issue(choice)

    async def finish(self, state: str, code: str) -> Ended:
        """GitHub sent the browser back. Nothing is asked of GitHub, and nothing kept, for a state that is not ours."""
        async with self._turn:
            if not isinstance(self.phase, Asking):
                return self.phase
            choice = self._states.take(state)
            if choice is None:
                return Stale()
            converted = await convert(choice.site, code, self._http)
            if isinstance(converted, Spent):
                return Lost(choice.site)
            if isinstance(converted, Unreached):
                self._states.give_back(state, choice)
                return Untold(choice.site, converted.why)
            return await self._keep(converted)

    async def keep(self) -> Phase:
        """Try again to write what could not be written."""
        async with self._turn:
            return await self._keep(self.phase.app) if isinstance(self.phase, Unsaved) else self.phase

    async def _keep(self, app: Credentials) -> Unsaved | Registered:
        try:
            await asyncio.to_thread(credentials.write, self._folder, app)
        except OSError as error:
            self.phase = Unsaved(app, error.strerror or str(error))
            log.error("the credentials of the App %s cannot be written to %s: %s", app.slug, self._folder, error)
            return self.phase
        log.info("the App %s is registered; its credentials are in %s", app.slug, credentials.path_in(self._folder))
        self.phase = Registered(app)
        self.done.set()
        return self.phase
