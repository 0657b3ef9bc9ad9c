"""The database services that the operator offers to tasks: `[databases.NAME]` of the file, as makers of databases."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.operator.model import DatabaseSection, OperatorFile
from bot.operator.read import find
from bot.sandbox.databases.service import Service
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError

if TYPE_CHECKING:
    from bot.sandbox.databases.cluster import Cluster

POSTGRESQL = "postgresql"
"""By this name a repository asks for the operator's one PostgreSQL service."""
_RESERVED = ("sqlite", "none")


def isolation(settings: Settings, file: OperatorFile, sandbox: Sandbox) -> Isolation:
    """What runs have for themselves. Nothing is connected to yet. Raises SettingsError."""
    services: dict[str, Service] = {}
    copying = {}
    for name, section in file.databases.items():
        if section.kind == "command":
            services[name] = _commands(settings, name, section)
            continue
        if POSTGRESQL in services:
            raise SettingsError(f"{find(settings)} `databases.{name}`: there is another one of kind postgresql.")
        from bot.sandbox.databases.postgres import PostgresDatabases  # psycopg takes its time to import
        from bot.sandbox.databases.roles import Role
        from bot.sandbox.databases.schemas import PostgresSchemas

        role = Role(section.connections, section.statement_seconds)
        cluster = _cluster(settings, name, section)
        if section.mode == "schema":
            services[POSTGRESQL] = PostgresSchemas(cluster, role)
        else:
            services[POSTGRESQL] = copying[POSTGRESQL] = PostgresDatabases(cluster, role)
    return Isolation(sandbox, settings.data_dir, services, copying)


def _cluster(settings: Settings, name: str, section: DatabaseSection) -> "Cluster":
    from bot.sandbox.databases.cluster import Cluster

    url = _read(settings, f"databases.{name}.url_file", section.url_file).strip()
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError(f"`databases.{name}.url_file` does not hold a URL (postgresql://USER:PASSWORD@HOST/NAME).")
    own = settings.database_url if settings.database_url.startswith("postgresql") else None
    return Cluster(f"databases.{name}", url, own)


def _commands(settings: Settings, name: str, section: DatabaseSection) -> Service:
    from bot.sandbox.databases.commands import CommandService

    if name in (*_RESERVED, POSTGRESQL):
        raise SettingsError(f"`databases.{name}`: {name} is the name of something else; call it otherwise.")
    for key, argv in (("create", section.create), ("drop", section.drop)):
        if not argv or not Path(argv[0]).is_absolute():
            raise SettingsError(f"`databases.{name}.{key}` names no program by an absolute path.")
    env = _variables(settings, name, section) if section.env_file else {}
    socket = None
    if section.socket is not None:
        socket = Path(section.socket)
        if not (socket.is_absolute() and socket.is_dir()):
            raise SettingsError(f"`databases.{name}.socket`: {socket} is no folder with an absolute path.")
    return CommandService(f"databases.{name}", section.create, section.drop, env, section.seconds, socket)


def _variables(settings: Settings, name: str, section: DatabaseSection) -> Mapping[str, str]:
    lines = _read(settings, f"databases.{name}.env_file", section.env_file).splitlines()
    pairs = [line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not all(equals and key.strip().isidentifier() for key, equals, _ in pairs):
        raise SettingsError(f"`databases.{name}.env_file` has a line that is not NAME=VALUE.")
    return {key.strip(): value for key, _, value in pairs}


def _read(settings: Settings, setting: str, name: str | None) -> str:
    """A file of the operator's, beside `issuewright.toml` when it is not absolute."""
    if name is None:
        raise SettingsError(f"`{setting}` is missing.")
    path = find(settings).parent / Path(name).expanduser()
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"`{setting}`: {path} cannot be read: {error}.") from None
