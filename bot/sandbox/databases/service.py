"""What makes databases: the values, and what every engine offers."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bot.sandbox.box import Bind, Box
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.process import Sandbox

PLACE = "/run/database"
"""Where a sandbox finds a socket or a file."""


class DatabaseRefused(Exception):
    """It cannot be had, and trying again does not help. The text is one sentence, for the operator or the person."""


class DatabaseUnavailable(Exception):
    """The service does not answer now; it may later."""


@dataclass(frozen=True, slots=True)
class Database:
    """One that is there. `url` may hold PLACE, which is elsewhere where nothing contains a process."""

    url: str = field(repr=False)
    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Beside DATABASE_URL; values may hold PLACE, too."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Not to be seen in a log. They open this database and nothing else."""

    def furnish(self, sandbox: Sandbox, box: Box) -> Box:
        """The box, which reaches the database."""
        furnished = box.with_binds(*self.binds)
        here = sandbox.path(furnished, PLACE)
        env = {"DATABASE_URL": self.url, **self.env}
        return furnished.with_env(**{name: value.replace(PLACE, here) for name, value in env.items()})


class Service(Protocol):
    """An engine. Every verb may be repeated after a crash."""

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        """It exists. `fresh`: whatever had this name is dropped before; else one that is there is kept.

        `template` is the key of a prepared one, for a service that has templates. Raises DatabaseRefused.
        """
        ...

    async def drop(self, name: DatabaseName) -> None:
        """It does not exist, nor anything that was made for it."""
        ...

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        """What there is of this installation, as far as the service can tell."""
        ...


class TemplateService(Service, Protocol):
    """An engine that copies prepared databases."""

    def template(self, mark: str, key: str) -> AbstractAsyncContextManager[Database | None]:
        """None: it is prepared. Else the caller prepares the database; it is a template when the block ends well."""
        ...

    async def forget_templates(self, mark: str, keep: Collection[str]) -> None:
        """Drop the ones whose key is not among these, and what a crash left half made."""
        ...
