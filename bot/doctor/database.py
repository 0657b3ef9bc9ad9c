"""The database, read while another process may be writing it.

Nothing of it changes. Beside a database at rest, SQLite itself may leave its two working files (`-wal`, empty, and
`-shm`); whoever opens the database next goes on with them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bot.doctor.finding import Finding, bad, ok, warn
from bot.settings import Settings
from bot.store import postgres
from bot.store.errors import NeedsMigration, StoreError
from bot.store.holder import holder
from bot.store.reads import ReadStore
from bot.store.sqlite import file_of
from bot.store.values import OpenEffect
from bot.words.plain import count, duration, one_line
from bot.words.status import paused

LATE_SECONDS = 60.0
"""Something that has been due for longer, while `serve` runs, is stuck."""
SHOWN = 5
_URL = "ISSUEWRIGHT_DATABASE_URL"


async def examine(settings: Settings, clock: Callable[[], datetime]) -> list[Finding]:
    """Schema, holder, and what is stuck or was given up."""
    if postgres.speaks(settings.database_url):
        return await _postgres(settings, clock)
    try:
        path = file_of(settings.database_url, settings.data_dir)
    except StoreError as error:
        return [bad(str(error), f"Set {_URL} to something like sqlite:///issuewright.db.")]
    if not path.exists():
        return [ok(f"There is no database at {path} yet; `issuewright serve` makes it.")]
    pid = holder(path)
    found = [ok(f"`serve` has the database open (pid {pid})." if pid else "No process has the database open.")]
    try:
        store = await ReadStore.open_read_only(settings.database_url, clock=clock, data_dir=settings.data_dir)
    except NeedsMigration:
        mend = "`issuewright serve` migrates it when it starts, after a backup; so does `issuewright migrate`."
        return [*found, warn(f"The database {path} is of an older version.", mend)]
    except StoreError as error:
        return [*found, bad(str(error), _mend(path))]
    try:
        found.append(ok(f"Database {path}, schema {await store.revision()}"))
        found += [warn(f"{one.repository or 'The server'}: {paused(one)}") for one in await store.pauses()]
        found += _effects(await store.open_effects(), clock(), served=pid is not None)
    finally:
        await store.close()
    return found


async def _postgres(settings: Settings, clock: Callable[[], datetime]) -> list[Finding]:
    place = postgres.place(settings.database_url)
    try:
        store = await ReadStore.open_read_only(settings.database_url, clock=clock, data_dir=settings.data_dir)
    except NeedsMigration:
        mend = (
            "`issuewright serve` or `work` sets it up when it starts; so does `issuewright migrate`. Back it up before."
        )
        return [warn(f"The database {place} is empty or of an older version.", mend)]
    except StoreError as error:
        return [bad(str(error), f"Check {_URL}, and that the server takes connections from here.")]
    try:
        workers = await store.workers()
        found = [ok(f"Database {place}, schema {await store.revision()}, {count(workers, 'worker')} alive")]
        found += [warn(f"{one.repository or 'The server'}: {paused(one)}") for one in await store.pauses()]
        found += _effects(await store.open_effects(), clock(), served=workers > 0)
    finally:
        await store.close()
    return found


def _mend(path: Path) -> str:
    backups = sorted(path.parent.glob(f"{path.name}.backup-*"))
    there = f" There is a backup from before the last migration: {backups[-1]}." if backups else ""
    return f"Check {_URL} and the version of Issuewright.{there}"


def _effects(effects: Sequence[OpenEffect], now: datetime, *, served: bool) -> Iterator[Finding]:
    dead = [effect for effect in effects if effect.dead]
    waiting = [effect for effect in effects if not effect.dead]
    if dead:
        yield warn(
            f"{count(len(dead), 'effect')} given up: {_listed(dead)}",
            "A lost step was told on its issue, `/agent retry` goes on; a lost delivery is made up for by the sweep.",
        )
    if failing := [effect for effect in waiting if effect.fault]:
        yield warn(
            f"{count(len(failing), 'effect')} failed and will be tried again: {_listed(failing)}",
            "Mend what the fault says; nothing has to be restarted.",
        )
    due = [effect for effect in _first_of_lanes(waiting) if effect.owner is None and effect.due_at <= now]
    if not due:
        return
    oldest = min(due, key=lambda effect: effect.due_at)
    late = (now - oldest.due_at).total_seconds()
    told = f"The oldest due effect, {oldest.kind} of {oldest.subject}, has waited for {duration(late)}"
    if not served:
        yield ok(f"{told}; it is done when `serve` runs.")
    elif late > LATE_SECONDS:
        yield warn(f"{told}.", "Look into the log of `serve`; a restart loses nothing.")


def _first_of_lanes(effects: Sequence[OpenEffect]) -> list[OpenEffect]:
    """Only the first of a (subject, lane) can be claimed. Runs that wait for a place wait on purpose."""
    first: dict[tuple[str, str], OpenEffect] = {}
    for effect in sorted(effects, key=lambda effect: effect.id):
        first.setdefault((effect.subject, effect.lane), effect)
    return [effect for effect in first.values() if effect.kind != "StartRun"]


def _listed(effects: Sequence[OpenEffect]) -> str:
    newest = sorted(effects, key=lambda effect: effect.id)[-SHOWN:]
    told = [f"{effect.kind} of {effect.subject} ({one_line(effect.fault, 160)})" for effect in newest]
    more = [f"and {len(effects) - SHOWN} more"] if len(effects) > SHOWN else []
    return "; ".join([*told, *more])
