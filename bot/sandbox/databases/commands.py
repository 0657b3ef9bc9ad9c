"""Databases that the operator's own commands make and drop: other engines, services that branch.

The commands run outside of any sandbox, by the operator's word, with an environment that holds a PATH and the variables
of one file, and nothing of the bot's. Each gets the name as its last argument and may be repeated with it; `create`
prints the URL on its last line.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.sandbox.box import Bind
from bot.sandbox.child import Child
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.databases.service import PLACE, Database, DatabaseRefused
from bot.sandbox.running import surely

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class CommandService:
    """Implements `Service`. It cannot tell what there is: the bot writes down what it asks for."""

    setting: str
    """As the operator finds it: `databases.NAME`."""
    create: tuple[str, ...]
    remove: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 120.0
    socket: Path | None = None
    """A folder that sandboxes see at PLACE."""

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        if fresh:
            await self.drop(name)
        said = (await self._run("create", self.create, name)).strip()
        url = said.splitlines()[-1].strip() if said else ""
        parts = urlsplit(url)
        if not parts.scheme or "://" not in url or not url.isprintable():
            raise DatabaseRefused(f"`{self.setting}.create` did not print a URL on its last line.")
        binds = (Bind(self.socket, PLACE),) if self.socket else ()
        return Database(url, binds, secrets=(url, *((parts.password,) if parts.password else ())))

    async def drop(self, name: DatabaseName) -> None:
        await self._run("drop", self.remove, name)

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        return []

    async def _run(self, verb: str, argv: tuple[str, ...], name: DatabaseName) -> str:
        """What it said. Raises DatabaseRefused without a word of it: it may hold secrets."""
        env = {"PATH": _PATH, "LANG": "C.UTF-8", **self.env}
        child = await Child.start([*argv, str(name)], env=env, cwd="/", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        said = child.process.stdout
        try:
            async with asyncio.timeout(self.seconds):
                text = await said.read() if said else b""
                code = await child.exited()
        except TimeoutError:
            raise DatabaseRefused(f"`{self.setting}.{verb}` did not end within {self.seconds:g} s.") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            await surely(child.exited())
            await child.close()
        if code != 0:
            raise DatabaseRefused(f"`{self.setting}.{verb}` ended with exit code {code}.")
        return text.decode(errors="replace")
