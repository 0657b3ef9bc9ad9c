"""`issuewright purge OWNER/REPO`: remove everything that is kept of a repository, from database and disk.

It works beside a running server: first the repository is paused, so that no run of it begins, then its folders go, then
its rows, in one transaction that looks once more that nothing of it is in work. Whatever interrupts it, it can be said
again: the rows, which tell what lies on the disk, go last.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.store.desk import Desk, desk, nobody_serves
from bot.store.stock import Stock
from bot.task.ids import onboarding_id
from bot.words.plain import count
from bot.workspace.workspaces import GitWorkspaces

TRIES, PAUSE_SECONDS = 20, 0.5
"""How long to wait for a comment that is being written."""
REASON = "it was purged"


def told(stock: Stock) -> str:
    """What is kept, in words."""
    parts = (
        count(len(stock.tasks), "task"),
        count(stock.events, "event"),
        f"{count(stock.artifacts, 'artifact')} ({stock.artifact_bytes / (1 << 20):.1f} MiB)",
        count(len(stock.deliveries), "webhook"),
    )
    return f"{', '.join(parts)}, the mirror and the worktrees"


def look(settings: Settings, repository: str, clock: Callable[[], datetime]) -> Stock:
    """What a purge would remove."""
    with desk(settings.database_url, settings.data_dir, clock) as at:
        return at.stock(repository)


def purge(settings: Settings, repository: str, clock: Callable[[], datetime]) -> Stock:
    """Raises SettingsError when a task of it runs, and the errors of the store.

    On the main thread only, like everything that starts a sandbox.
    """
    url, folder = settings.database_url, settings.data_dir
    with nobody_serves(url, folder) as alone, desk(url, folder, clock) as at:
        found = at.stock(repository)
        if found.empty:
            return found
        _pause(at, repository)
        if not alone and (why := at.in_work(repository)):
            raise SettingsError(f"{repository} is not purged, only paused: {why}.")
        asyncio.run(_clear(settings, found))
        return asyncio.run(_remove(at, repository, alone))


def _pause(at: Desk, repository: str) -> None:
    """The operator's own pause keeps its reason."""
    if not any(one.repository == repository.lower() and not one.in_file for one in at.pauses()):
        at.pause(repository, REASON)


async def _clear(settings: Settings, stock: Stock) -> None:
    workspaces = GitWorkspaces(settings.data_dir / "work", Sandbox(probe(settings.sandbox, settings.data_dir)))
    for task in stock.tasks:
        await workspaces.close(task)
    for repo in stock.repos:
        await workspaces.close(onboarding_id(repo))
        await workspaces.forget(repo)


async def _remove(at: Desk, repository: str, alone: bool) -> Stock:
    """A comment that is being written is waited for."""
    why = ""
    for _ in range(TRIES):
        removed = at.remove(repository, nobody_works=alone)
        if isinstance(removed, Stock):
            return removed
        why = removed
        await asyncio.sleep(PAUSE_SECONDS)
    raise SettingsError(f"{repository} is not purged, only paused: {why}.")
