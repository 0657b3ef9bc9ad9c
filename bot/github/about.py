"""What GitHub says about the App itself, for the doctor: reads only, and every failure is a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from pydantic import TypeAdapter, ValidationError

from bot.github.errors import GitHubError, Refused, Unreadable
from bot.github.limits import Clock
from bot.github.models import Wire
from bot.github.transport import AppKey, Call, Transport

MOST_INSTALLATIONS = 100
"""One page of them is enough to look at."""
MOST_DELIVERIES = 100
"""The newest ones; GitHub forgets them after a few days."""


class WireAppAbout(Wire):
    slug: str
    permissions: dict[str, str]
    events: list[str]
    installations_count: int | None = None


class WireInstallationAbout(Wire):
    id: int
    permissions: dict[str, str]
    suspended_at: datetime | None = None


class WireHookConfig(Wire):
    url: str | None = None


class WireDelivery(Wire):
    guid: str
    event: str
    status: str
    status_code: int
    delivered_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryAbout:
    """What came of one delivery of a webhook. `status_code` is HTTP's, or what GitHub makes of no answer at all."""

    guid: str
    event: str
    status: str
    status_code: int
    at: datetime

    @property
    def taken(self) -> bool:
        """Did we take it?"""
        return 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class InstallationAbout:
    """One installation; `permissions` are those that its owner accepted."""

    id: int
    permissions: Mapping[str, str]
    suspended: bool


@dataclass(frozen=True, slots=True)
class AppAbout:
    """The App as GitHub knows it."""

    slug: str
    permissions: Mapping[str, str]
    events: frozenset[str]
    installations_count: int
    installations: tuple[InstallationAbout, ...]
    """The first hundred."""
    webhook_url: str | None
    """None: the App has no webhook."""
    deliveries: tuple[DeliveryAbout, ...] | None
    """Newest first, a hundred at most. None: this GitHub does not tell."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of asking. `app` is a sentence when GitHub did not tell."""

    app: AppAbout | str
    skew: timedelta | None
    """GitHub's clock minus ours, to about a second; None: no answer told the time."""


class _Dated(httpx.AsyncBaseTransport):
    """Notes how far the clock of whoever answers is from ours, also in answers that refuse us."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self.skew: timedelta | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        try:
            told = parsedate_to_datetime(response.headers.get("date", "")).replace(tzinfo=UTC)
        except ValueError:
            return response
        self.skew = told - self._clock()
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


async def look(key: AppKey, url: str, clock: Clock, http: httpx.AsyncBaseTransport | None = None) -> Looked:
    """Ask once for everything; nothing is tried again."""
    dated = _Dated(http or httpx.AsyncHTTPTransport(), clock)
    transport = Transport(key, url, clock, dated)
    try:
        app: AppAbout | str = await _about(transport)
    except (Unreadable, ValidationError, httpx.HTTPError, httpx.InvalidURL) as error:
        app = f"what answers at {url} is not GitHub's API ({type(error).__name__})"
    except GitHubError as error:
        app = str(error).removesuffix("; it is tried again")
    finally:
        await transport.aclose()
    return Looked(app, dated.skew)


async def _about(transport: Transport) -> AppAbout:
    app = WireAppAbout.model_validate((await transport.send(Call("tell who the App is", "app", "GET", "/app"))).data)
    listing = Call(
        "list the App's installations",
        "app",
        "GET",
        "/app/installations",
        params={"per_page": str(MOST_INSTALLATIONS)},
    )
    rows = TypeAdapter(list[WireInstallationAbout]).validate_python((await transport.send(listing)).data)
    installations = tuple(InstallationAbout(row.id, row.permissions, row.suspended_at is not None) for row in rows)
    count = len(rows) if app.installations_count is None else app.installations_count
    hook = await _hook(transport)
    deliveries = await _deliveries(transport)
    return AppAbout(app.slug, app.permissions, frozenset(app.events), count, installations, hook, deliveries)


async def _hook(transport: Transport) -> str | None:
    """Where webhooks go; an App without a webhook has no configuration of one."""
    try:
        answer = await transport.send(Call("tell the App's webhook", "app", "GET", "/app/hook/config"))
    except Refused:
        return None
    return WireHookConfig.model_validate(answer.data).url or None


async def _deliveries(transport: Transport) -> tuple[DeliveryAbout, ...] | None:
    """Old versions of GitHub Enterprise Server lack the list; for an App without a webhook there may be none either."""
    params = {"per_page": str(MOST_DELIVERIES)}
    call = Call("list the deliveries of the App's webhook", "app", "GET", "/app/hook/deliveries", params=params)
    try:
        rows = TypeAdapter(list[WireDelivery]).validate_python((await transport.send(call)).data)
    except ValidationError:
        return None
    except Refused as refused:
        if not refused.gone:
            raise
        return None
    return tuple(DeliveryAbout(row.guid, row.event, row.status, row.status_code, row.delivered_at) for row in rows)
