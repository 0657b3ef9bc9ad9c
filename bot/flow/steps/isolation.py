"""What a run has for itself around its box: ports, and a database that is new, prepared and dropped afterwards.

What is asked for is written down before it is made, and forgotten after it is gone: whatever interrupts us, `tidy`
finds it. A service that can be asked for what it has is asked, too.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TypeVar

from bot.flow.isolation_door import Isolation
from bot.flow.steps.bench import LOG, Bench
from bot.flow.steps.limits import boxed
from bot.sandbox.box import Box
from bot.sandbox.databases.names import DatabaseName, Purpose
from bot.sandbox.databases.service import Database, DatabaseRefused
from bot.task.ids import CommitSha, TaskId
from bot.task.model import Task
from bot.task.repo_config import PATH, IsolationConfig, RepoConfig
from bot.verify.command import Command
from bot.words.plain import one_line
from bot.words.redacted import Redactor

log = logging.getLogger(__name__)

PREPARE = "prepare"
TEMPLATES_KEPT = timedelta(days=14)
"""After its last use."""
_ASKED, _PREPARED = "asked", "prepared"
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Surrounded:
    """A box with all that belongs to it. `secrets` are not to be seen in a log."""

    box: Box
    secrets: tuple[str, ...] = ()

    def hide(self, said: T) -> T:
        """A value of ours without the secrets, in each of its texts."""
        if not self.secrets or not dataclasses.is_dataclass(said) or isinstance(said, type):
            return said
        texts = {field.name: getattr(said, field.name) for field in dataclasses.fields(said)}
        hidden = {name: self._hidden(text) for name, text in texts.items() if isinstance(text, str | bytes)}
        return dataclasses.replace(said, **hidden)

    def _hidden(self, text: str | bytes) -> str | bytes:
        redactor = Redactor(self.secrets)
        return redactor.data(text) if isinstance(text, bytes) else type(text)(redactor.text(text))


@asynccontextmanager
async def surrounded(
    bench: Bench, task: Task, purpose: Purpose, make: Callable[[], Awaitable[Box]]
) -> AsyncIterator[Surrounded]:
    """The box that `make` makes, when its database is there. A database for checks is dropped when the block ends.

    Raises DatabaseRefused and DatabaseUnavailable.
    """
    config = await bench.config(task, task.base) if task.base else RepoConfig()
    if bench.isolation is None or not isinstance(config, RepoConfig):
        yield Surrounded(await make())
        return
    wanted = config.isolation
    database = await _database(bench, bench.isolation, task, purpose, wanted)
    try:
        box = await make()
        with bench.isolation.ports(wanted) as ports:
            box = box.with_env(**ports)
            yield Surrounded(bench.isolation.furnish(database, box), database.secrets) if database else Surrounded(box)
    finally:
        if database and purpose is Purpose.CHECK:
            await drop_databases(bench, task.id, purpose)


async def drop_databases(bench: Bench, task: TaskId, *purposes: Purpose) -> None:
    """Whatever a task was given; all of it without `purposes`. Idempotent."""
    if bench.isolation is None:
        return
    mark = await bench.store.installation()
    for noted in await bench.store.marks("database:"):
        _, service, text = noted.split(":", 2)
        name = DatabaseName.read(text, mark)
        if name and name.task == task and (not purposes or name.purpose in purposes):
            await _drop(bench, bench.isolation, service, name)


async def _database(
    bench: Bench, isolation: Isolation, task: Task, purpose: Purpose, wanted: IsolationConfig
) -> Database | None:
    service = isolation.service(wanted)
    if service is None or task.base is None:
        return None
    name = DatabaseName(await bench.store.installation(), task.id, purpose)
    key = None
    if wanted.prepare and isolation.has_templates(service):
        key = await _template(bench, isolation, task, service, wanted)
    before = await bench.store.marked(_note(service, name))
    await bench.store.mark(_note(service, name), before or _ASKED)
    fresh = purpose is Purpose.CHECK or before != _PREPARED
    database = await isolation.open(service, name, key, fresh=fresh)
    if wanted.prepare and key is None and fresh:
        await _prepare(bench, isolation, task, database, wanted.prepare)
    await bench.store.mark(_note(service, name), _PREPARED)
    return database


async def _template(bench: Bench, isolation: Isolation, task: Task, service: str, wanted: IsolationConfig) -> str:
    """Its key; it is there afterwards. Its use is noted before, so that nobody drops it meanwhile."""
    key = await _key(bench, task, wanted)
    await bench.store.mark(f"template:{service}:{key}", bench.clock().isoformat())
    async with isolation.template(service, await bench.store.installation(), key) as database:
        if database is not None and wanted.prepare:
            await _prepare(bench, isolation, task, database, wanted.prepare)
    return key


async def _key(bench: Bench, task: Task, wanted: IsolationConfig) -> str:
    """The same for the same command and the same content of its inputs."""
    base, repo = _base(task), task.issue.repo
    told: list[object] = [repo.id, wanted.prepare]
    if not wanted.inputs:
        told.append(base)
    paths = await bench.workspaces.paths(repo, base) if wanted.inputs else ()
    for path in sorted(path for path in paths if any(fnmatchcase(path, pattern) for pattern in wanted.inputs)):
        content = await bench.workspaces.read(repo, base, path)
        told.append([path, base if content is None else hashlib.sha256(content).hexdigest()])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


async def _prepare(bench: Bench, isolation: Isolation, task: Task, database: Database, command: str) -> None:
    """Run the repository's own command on it, like a check. Raises DatabaseRefused when it fails."""
    limits = (await bench.terms(task)).limits
    box = await bench.workspaces.check_out(task.id, _base(task))
    try:
        furnished = isolation.furnish(database, box)
        commands = [Command(PREPARE, command, required=True)]
        async for ran in bench.checks.run(furnished, commands, boxed(limits, limits.check_minutes.value)):
            output = Redactor(database.secrets).data(ran.output)
            await bench.store.keep(task.id, LOG, PREPARE, output)
            if ran.exit_code != 0:
                lines = output.decode(errors="replace").strip().splitlines() or [""]
                why = ran.note or f"exit code {ran.exit_code}: {one_line(lines[-1])}"
                raise DatabaseRefused(f"`isolation.prepare` in `{PATH}` did not prepare the database: {why}")
    finally:
        await bench.workspaces.drop_checkout(task.id)


async def _drop(bench: Bench, isolation: Isolation, service: str, name: DatabaseName) -> None:
    await isolation.drop(service, name)
    await bench.store.unmark(_note(service, name))


async def tidy_databases(bench: Bench, is_idle: Callable[[TaskId], Awaitable[bool]]) -> None:
    """What outlived its run: noted by us, or found by its name where the service can tell."""
    if bench.isolation is None:
        return
    mark, left = await bench.store.installation(), set[tuple[str, DatabaseName]]()
    for noted in await bench.store.marks("database:"):
        _, service, text = noted.split(":", 2)
        if name := DatabaseName.read(text, mark):
            left.add((service, name))
    for service in bench.isolation.known():
        try:
            left |= {(service, name) for name in await bench.isolation.leftovers(service, mark)}
        except Exception:
            log.exception("the databases of %s cannot be looked through", service)
    for service, name in sorted(left, key=str):
        try:
            if await is_idle(TaskId(name.task)):
                log.warning("dropping the database %s, which was left over", name)
                await _drop(bench, bench.isolation, service, name)
        except Exception:
            log.exception("the database %s is left over and cannot be dropped", name)
    await _tidy_templates(bench, bench.isolation, mark)


async def _tidy_templates(bench: Bench, isolation: Isolation, mark: str) -> None:
    keep = set()
    for noted, used in (await bench.store.marks("template:")).items():
        if used >= (bench.clock() - TEMPLATES_KEPT).isoformat():
            keep.add(noted.rpartition(":")[2])
        else:
            await bench.store.unmark(noted)
    try:
        await isolation.forget_templates(mark, keep)
    except Exception:
        log.exception("old templates of databases cannot be dropped")


def _note(service: str, name: DatabaseName) -> str:
    return f"database:{service}:{name}"


def _base(task: Task) -> CommitSha:
    if task.base is None:
        raise ValueError(f"task {task.id} has no base yet")
    return task.base
