"""SQLite: a file in a folder of the task's own."""

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.box import Bind
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.databases.service import PLACE, Database
from bot.sandbox.process import Sandbox
from bot.sandbox.removal import remove


@dataclass(frozen=True, slots=True)
class SqliteFiles:
    """Implements `Service`. `folder` is the bot's own; the file is made by whoever opens it first, inside."""

    sandbox: Sandbox
    folder: Path

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        if fresh:
            await self.drop(name)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self.sandbox.make_folder(self.folder / str(name), name.task)
        return Database(f"sqlite:///{PLACE}/app.db", (Bind(place, PLACE, writable=True),))

    async def drop(self, name: DatabaseName) -> None:
        await remove(self.sandbox, self.folder / str(name), name.task)

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        with suppress(FileNotFoundError):
            return [name for entry in os.listdir(self.folder) if (name := DatabaseName.read(entry, mark))]
        return []
