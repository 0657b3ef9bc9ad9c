"""`issuewright pause` and `issuewright resume`: for the server or one repository, beside a running server."""

import re
from collections.abc import Callable
from datetime import datetime

from bot.operator.read import find
from bot.settings import Settings, SettingsError
from bot.store.desk import desk
from bot.task.pause import NO_REASON, SERVER

_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


def named(repository: str | None) -> str:
    """`SERVER`, or the name as it was given. Raises SettingsError for one that is none."""
    if repository is not None and not _NAME.fullmatch(repository):
        raise SettingsError(f"{repository!r} is no repository: it looks like OWNER/REPO.")
    return repository or SERVER


def pause(settings: Settings, repository: str | None, reason: str, clock: Callable[[], datetime]) -> str:
    """What was done, in one sentence. Raises the errors of the store."""
    name = named(repository)
    with desk(settings.database_url, settings.data_dir, clock) as at:
        at.pause(name, " ".join(reason.split()) or NO_REASON)
    return f"{repository or 'The server'} is paused: no new run starts; what runs goes on to its end."


def resume(settings: Settings, repository: str | None, clock: Callable[[], datetime]) -> str:
    """The same. Raises SettingsError when the operator's file pauses it."""
    name = named(repository)
    with desk(settings.database_url, settings.data_dir, clock) as at:
        ended = at.resume(name)
        left = [one for one in at.pauses() if one.repository in (SERVER, name.lower())]
    what = repository or "The server"
    if any(one.in_file and one.repository == name.lower() for one in left):
        raise SettingsError(f"{what} is paused in {find(settings)}: take `paused` out there, and restart the server.")
    said = f"{what} is not paused any more." if ended else f"{what} was not paused."
    return f"{said} The whole server still is: {left[0].reason}." if left else said
