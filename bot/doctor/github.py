"""The App: is it set up here, and does GitHub see it as the code needs it?"""

import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from bot.doctor.deliveries import deliveries
from bot.doctor.finding import Finding, bad, ok, warn
from bot.github import credentials as stored
from bot.github.about import AppAbout, InstallationAbout, look
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.github.transport import AppKey
from bot.settings import PREFIX, Settings, SettingsError
from bot.web.webhooks import PATH
from bot.words.plain import count

MOST_SKEW = timedelta(seconds=60)
"""GitHub's own tolerance for the times in the App's tokens."""
_LEVELS = ("none", "read", "write", "admin")


# ── on this side ──


def credentials(settings: Settings) -> Iterator[Finding]:
    """One finding per missing or useless setting; one when there is nothing at all, or nothing that may be used."""
    yield from _exposed(settings)
    yield from _address(settings)
    if settings.unusable:
        yield bad(settings.unusable, "Nobody but the set-up page of `issuewright serve` should write this file.")
        return
    if settings.names_nothing():
        yield bad(
            "There is no GitHub App yet.",
            "`issuewright serve` opens a page that registers one. Or register it by app.yml, and set"
            f" {PREFIX}GITHUB_APP_ID, {PREFIX}GITHUB_PRIVATE_KEY_FILE and {PREFIX}GITHUB_WEBHOOK_SECRET.",
        )
        return
    whole = True
    for ask, name in (
        (settings.app_id, "GITHUB_APP_ID"),
        (settings.private_key, "GITHUB_PRIVATE_KEY_FILE"),
        (settings.webhook_secret, "GITHUB_WEBHOOK_SECRET"),
    ):
        try:
            ask()
        except SettingsError as error:
            whole = False
            yield bad(str(error), f"Set {PREFIX}{name}; app.yml says how to register an App.")
    if whole:
        yield ok("App id, private key and webhook secret are set.")


def _has_key(settings: Settings) -> bool:
    try:
        return bool(settings.private_key())
    except SettingsError:
        return False


def _exposed(settings: Settings) -> Iterator[Finding]:
    path = settings.github_private_key_file
    if path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warn(f"Others may read the private key {path}.", f"chmod 600 {path}")
    if stored.exposed(settings.data_dir):
        path = stored.path_in(settings.data_dir)
        yield warn(f"Others may read the App's credentials in {path}.", f"chmod 600 {path}")
    api = urlsplit(settings.github_api_url)
    if api.scheme == "http" and api.hostname not in ("127.0.0.1", "localhost", "::1"):
        yield warn(f"{PREFIX}GITHUB_API_URL is not encrypted.", "Use https://: tokens go over this line.")


def _address(settings: Settings) -> Iterator[Finding]:
    if settings.public_url is None:
        yield ok(f"No {PREFIX}PUBLIC_URL: GitHub is looked through every {settings.sweep_seconds:g} s instead.")


# ── on GitHub's side ──


async def examine(
    settings: Settings, clock: Callable[[], datetime], http: httpx.AsyncBaseTransport | None
) -> list[Finding]:
    """Nothing without credentials: `credentials` has told that."""
    if settings.unusable or not settings.github_app_id or not _has_key(settings):
        return []
    key = AppKey(settings.app_id(), settings.private_key())
    looked = await look(key, settings.github_api_url, clock, http)
    found = list(_clock(looked.skew))
    if isinstance(looked.app, str):
        mend = f"Check {PREFIX}GITHUB_API_URL (now {settings.github_api_url}), the App's id and key, and the network."
        return [*found, bad(f"The App cannot be seen: {looked.app}.", mend)]
    return [*found, *_app(looked.app, settings)]


def _clock(skew: timedelta | None) -> Iterator[Finding]:
    if skew is None:
        return
    seconds = skew.total_seconds()
    if abs(skew) > MOST_SKEW:
        side = "behind" if seconds > 0 else "ahead of"
        told = f"This machine's clock is {abs(seconds):.0f} s {side} GitHub's, which accepts no token of the App then."
        yield bad(told, "Set the clock, best by NTP.")
    else:
        yield ok(f"The clocks of GitHub and of this machine differ by {abs(seconds):.0f} s.")


def _app(app: AppAbout, settings: Settings) -> Iterator[Finding]:
    page = f"{settings.html_url()}/settings/apps/{app.slug}"
    yield ok(f"GitHub knows the App {app.slug}: {count(app.installations_count, 'installation')}.")
    yield from _permissions(app.permissions, page)
    if app.installations_count == 0:
        yield warn("The App is installed nowhere.", f"Install it on a repository: {page}/installations")
    for installation in app.installations:
        yield from _installation(installation, app.permissions)
    expected = f"{settings.public_url.rstrip('/')}{PATH}" if settings.public_url is not None else None
    if expected is not None:
        yield from _webhook(app, expected, page)
    yield from deliveries(app, expected, page)


def _permissions(granted: Mapping[str, str], page: str) -> Iterator[Finding]:
    for name in lacking(granted, PERMISSIONS):
        mend = f"Set `{name}` to {PERMISSIONS[name]} at {page}/permissions, then accept it in each installation."
        yield bad(f"The App lacks the permission `{name}: {PERMISSIONS[name]}`.", mend)
    more = [f"{name}: {level}" for name, level in granted.items() if name in lacking(PERMISSIONS, granted)]
    if more:
        yield warn(f"The App may do more than the bot needs: {', '.join(sorted(more))}.", f"Take it away: {page}")


def lacking(granted: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Names of what is wanted at a higher level than it is granted."""
    return [name for name, level in wanted.items() if _rank(granted.get(name, "none")) < _rank(level)]


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _installation(installation: InstallationAbout, app: Mapping[str, str]) -> Iterator[Finding]:
    if installation.suspended:
        yield warn(f"Installation {installation.id} is suspended.", "Who suspended it can take that back on GitHub.")
    wanted = {name: level for name, level in PERMISSIONS.items() if name in app}
    if missing := lacking(installation.permissions, wanted):
        names = ", ".join(missing)
        mend = "Its owner accepts the request for permissions in the installation's settings on GitHub."
        yield bad(f"Installation {installation.id} has not accepted the permissions {names}.", mend)


def _webhook(app: AppAbout, expected: str, page: str) -> Iterator[Finding]:
    """A lost webhook costs time, not work: the sweep finds what it would have told."""
    if app.webhook_url != expected:
        yield warn(
            f"The App's webhooks go to {app.webhook_url or 'nobody'}.", f"Set the webhook URL at {page} to {expected}."
        )
    elif missing := EVENTS - app.events:
        yield warn(f"The App does not get the events {', '.join(sorted(missing))}.", f"Subscribe to them: {page}")
    else:
        yield ok(f"Webhooks go to {expected}.")
