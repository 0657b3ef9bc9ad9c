"""The first start of a server: what the set-up page needs of the house, and the way from it to the bot."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx

from bot.doctor import Finding, examine_here
from bot.github.errors import GitHubError
from bot.settings import Settings, with_stored_app
from bot.store.errors import StoreError
from bot.task.effects import EnsureLabels, Sweep
from bot.web.addresses import Addresses
from bot.web.asgi import ASGIApp
from bot.web.rendering import Rendering
from bot.web.setup.app import HOME, Reached, SetUp
from bot.web.setup.entry import Entry
from bot.web.setup.registering import Registering
from bot.wiring import Bot, wall_clock

log = logging.getLogger(__name__)

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (compared with, not listened on)


class FirstStart:
    """From a server without an App to one that works for it."""

    def __init__(self, settings: Settings, http: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._entry = Entry(settings.public_url)
        self._registering = Registering(settings.data_dir, wall_clock, http)
        self.app = SetUp(
            entry=self._entry,
            registering=self._registering,
            rendering=Rendering(Addresses(settings.html_url()), wall_clock),
            findings=_Examination(settings).findings,
            public_url=settings.public_url,
            site=settings.site(),
            fixed="github_api_url" in settings.model_fields_set,
            sweep_seconds=settings.sweep_seconds,
        )

    def address(self, listener: socket.socket) -> str:
        """The one address that lets a browser in, once."""
        host, port = listener.getsockname()[:2]
        here = f"http://{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"
        base = (self._settings.public_url or here).rstrip("/")
        return f"{base}{HOME}?{urlencode({'token': self._entry.token})}"

    async def registered(self, ended: asyncio.Event) -> bool:
        """Waits for the credentials to be on disk. False: the server is to end before."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._registering.done, ended)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        return self._registering.done.is_set()

    def complete(self) -> Settings:
        """The settings with the App that was registered."""
        return with_stored_app(self._settings)

    def held_up(self, why: str) -> None:
        """The bot cannot start: `why` is a sentence that says what to change."""
        if self.app.held_up != why:
            log.error("the bot cannot start yet: %s", why)
        self.app.held_up = why

    def hand_over(self, face: ASGIApp, bot: Bot) -> None:
        """From now on the bot answers; the set-up page waits for its first installation."""
        self.app.reached = _Reach(bot).repositories
        self.app.held_up = ""
        self.app.face = face


@dataclass(slots=True)
class _Examination:
    """The doctor's findings. One examination at a time: each starts processes."""

    settings: Settings
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def findings(self) -> Sequence[Finding]:
        async with self._turn:
            return await examine_here(self.settings)


@dataclass(slots=True)
class _Reach:
    """What the App is installed on, and whether our labels are there yet."""

    bot: Bot
    _swept: bool = False

    async def repositories(self) -> Sequence[Reached] | str:
        """Asked of GitHub, so that an installation is seen without a webhook; the first one is swept at once."""
        store = self.bot.store
        try:
            repos = await self.bot.github.repositories()
            if repos and not self._swept:
                self._swept = True
                await store.want("world", Sweep())
            making = {effect.subject for effect in await store.open_effects() if effect.kind == EnsureLabels.__name__}
            marks = [await store.marked(f"labels:{repo.id}") for repo in repos]
        except (GitHubError, StoreError) as error:
            return f"{error}"
        return [
            Reached(repo.full_name, mark is not None and f"repo:{repo.id}" not in making)
            for repo, mark in zip(repos, marks, strict=True)
        ]
