"""The whole examination, in the order in which one would mend things."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import httpx

from bot.doctor import checks, database, github, machine, sandbox
from bot.doctor.finding import Finding, bad
from bot.sandbox.probe import probe
from bot.settings import Settings
from bot.wiring import wall_clock


async def examine(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = wall_clock,
    http: httpx.AsyncBaseTransport | None = None,
) -> list[Finding]:
    """Everything that can be looked at; what is missing keeps nothing else from being examined.

    On the main thread only, like everything that starts a sandbox.
    """
    found = await examine_here(settings, clock=clock)
    found += github.credentials(settings)
    found += await _safely("GitHub", github.examine(settings, clock, http))
    return found


async def examine_here(settings: Settings, *, clock: Callable[[], datetime] = wall_clock) -> list[Finding]:
    """All but the App and GitHub."""
    found = [machine.python(), *machine.git(), *machine.data_folder(settings.data_dir)]
    found += await _safely("The database", database.examine(settings, clock))
    capability = probe(settings.sandbox, settings.data_dir if settings.data_dir.is_dir() else None)
    found.append(sandbox.level(capability))
    found += await _safely("The agent", sandbox.agent(settings, capability))
    found += await _safely("The checks of repositories", checks.examine(settings, clock, capability))
    return found


async def _safely(what: str, examining: Awaitable[Iterable[Finding]]) -> list[Finding]:
    """A part that breaks is a finding, too: the other parts are still told."""
    try:
        return list(await examining)
    except Exception as error:
        named = f"{what} could not be examined: {type(error).__name__}: {error}"
        return [bad(" ".join(named.split()), "This is a fault of the doctor or of this machine; the message may tell.")]
