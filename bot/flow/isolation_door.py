"""Ports and databases of runs, as the steps want them."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol

from bot.sandbox.box import Box
from bot.sandbox.databases.names import DatabaseName
from bot.sandbox.databases.service import Database
from bot.task.repo_config import IsolationConfig


class Isolation(Protocol):
    """Ports and databases of runs. Every verb can be repeated after a crash."""

    def refuses(self, wanted: IsolationConfig) -> str:
        """Why it cannot be had here, in one sentence; empty when it can."""
        ...

    def service(self, wanted: IsolationConfig) -> str | None:
        """What makes the database; None: none is wanted."""
        ...

    def known(self) -> Collection[str]:
        """Every service."""
        ...

    def has_templates(self, service: str) -> bool: ...
    def template(self, service: str, mark: str, key: str) -> AbstractAsyncContextManager[Database | None]:
        """None: it is prepared. Else prepare the database in the block."""
        ...

    async def forget_templates(self, mark: str, keep: Collection[str]) -> None: ...
    async def open(self, service: str, name: DatabaseName, template: str | None, *, fresh: bool) -> Database: ...
    async def drop(self, service: str, name: DatabaseName) -> None: ...
    async def leftovers(self, service: str, mark: str) -> Collection[DatabaseName]: ...
    def furnish(self, database: Database, box: Box) -> Box: ...
    def ports(self, wanted: IsolationConfig) -> AbstractContextManager[Mapping[str, str]]:
        """Variables for a box."""
        ...
