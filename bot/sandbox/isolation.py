"""What each run has for itself beside its folders: ports and a database. Made here, remembered by the flow."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.box import Box
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.databases.service import Database, DatabaseRefused, Service, TemplateService
from bot.sandbox.databases.sqlite import SqliteFiles
from bot.sandbox.ports import PortRanges, environment
from bot.sandbox.process import Sandbox
from bot.task.repo_config import PATH, CommandDatabase, IsolationConfig

SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Isolation:
    """Implements `bot.flow.doors.Isolation`. `folder` is the bot's own, for lock files and SQLite.

    `services` are the operator's, by the name that a repository asks for: `postgresql`, or that of a command.
    """

    sandbox: Sandbox
    folder: Path
    services: Mapping[str, Service] = field(default_factory=dict)
    copying: Mapping[str, TemplateService] = field(default_factory=dict)
    """Those of the services that copy databases which were prepared."""

    def refuses(self, wanted: IsolationConfig) -> str:
        """Why this server does not offer it, in one sentence; empty when it does."""
        name = self.service(wanted)
        if name is None or name == SQLITE or name in self.services:
            return ""
        offered = ", ".join(sorted({SQLITE, *self.services}))
        return f"`isolation.database` in `{PATH}` asks for {name}, which this server does not offer; it has: {offered}."

    def service(self, wanted: IsolationConfig) -> str | None:
        """Name of what makes the database; None: no database is wanted."""
        match wanted.database:
            case "none":
                return None
            case CommandDatabase(command=name):
                return name
            case name:
                return name

    def has_templates(self, service: str) -> bool:
        """Does it copy databases that were prepared?"""
        return service in self.copying

    async def open(self, service: str, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        """It exists. Raises DatabaseRefused and DatabaseUnavailable."""
        return await self._of(service).open(name, template, fresh=fresh)

    @asynccontextmanager
    async def template(self, service: str, mark: str, key: str) -> AsyncIterator[Database | None]:
        """None: it is prepared. Else prepare the database in the block."""
        async with self.copying[service].template(mark, key) as database:
            yield database

    async def forget_templates(self, mark: str, keep: Collection[str]) -> None:
        """Drop the ones whose key is not among these."""
        for maker in self.copying.values():
            await maker.forget_templates(mark, keep)

    async def drop(self, service: str, name: DatabaseName) -> None:
        """It does not exist any more. Raises DatabaseRefused when the operator took the service away."""
        await self._of(service).drop(name)

    async def leftovers(self, service: str, mark: str) -> Collection[DatabaseName]:
        """What there is of this installation, as far as the service can tell."""
        return await self._of(service).leftovers(mark)

    def known(self) -> Collection[str]:
        """Names of the services."""
        return {SQLITE, *self.services}

    def furnish(self, database: Database, box: Box) -> Box:
        """The box, which reaches the database."""
        return database.furnish(self.sandbox, box)

    @contextmanager
    def ports(self, wanted: IsolationConfig) -> Iterator[Mapping[str, str]]:
        """Variables that name the ports; held while the block runs where several runs share the machine's."""
        named = wanted.named_ports
        if self.sandbox.capability.contains or not named:
            yield environment(named)
            return
        with PortRanges(self.folder / "ports").lease() as leased:
            yield environment(dict(zip(named, leased, strict=False)))

    def _of(self, service: str) -> Service:
        if service == SQLITE:
            return SqliteFiles(self.sandbox, self.folder / "databases")
        if service not in self.services:
            raise DatabaseRefused(f"there is no database service {service} any more.")
        return self.services[service]
