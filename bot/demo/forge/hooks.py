"""Webhook deliveries: signed, logged, sent in order, redelivered on request; never retried, as on GitHub."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from bot.demo.forge.model import App, Happening, Installation
from bot.demo.forge.refusal import not_found
from bot.demo.forge.wire.payloads import payload
from bot.demo.forge.wire.site import Json, Site
from bot.demo.forge.world import World

TIMEOUT = 10.0
"""Seconds that GitHub waits for an answer."""
_ALWAYS = ("installation", "installation_repositories", "ping")


@dataclass(slots=True, eq=False)
class Delivery:
    """One webhook on its way or delivered. A redelivery is a new row with the same `guid` and the same body."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    body: bytes = field(repr=False)
    created_at: datetime
    redelivery: bool = False
    delivered_at: datetime | None = None
    status_code: int = 0
    status: str = "queued"
    duration: float = 0.0
    answer_headers: dict[str, str] = field(default_factory=dict, repr=False)
    answer_body: str = ""

    @property
    def payload(self) -> Json:
        """The parsed body."""
        parsed: Json = json.loads(self.body)
        return parsed

    def headers(self) -> dict[str, str]:
        """What GitHub sends along: event, GUID and both signatures."""
        secret = self.app.webhook_secret.encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/f0a9e00",
            "X-GitHub-Delivery": self.guid,
            "X-GitHub-Event": self.event,
            "X-GitHub-Hook-ID": str(self.app.hook_id),
            "X-GitHub-Hook-Installation-Target-ID": str(self.app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
        }
        if secret:
            for name, kind in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256")):
                headers[name] = f"{kind}={hmac.new(secret, self.body, getattr(hashlib, kind)).hexdigest()}"
        return headers


class Hooks:
    """The outbox of the forge. Verbs queue; `flush` sends what is queued, `run` keeps doing so in the background."""

    def __init__(
        self,
        world: World,
        site: Site,
        new_guid: Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.transport = transport
        """Where deliveries go instead of the network, such as `httpx.ASGITransport(app=…)`."""
        self.log: list[Delivery] = []
        """Every delivery that was queued, oldest first."""
        self.pending: deque[Delivery] = deque()
        """Queued and not yet sent. Tests may take from it, reorder it or clear it."""
        self._world = world
        self._site = site
        self._new_guid = new_guid
        self._arrived = asyncio.Event()
        self._sending = asyncio.Lock()
        world.listeners.append(self._hear)

    async def flush(self) -> int:
        """Send everything that is queued, in order, also what the receiver causes meanwhile; returns how many.

        What is being sent in the background is waited for.
        """
        sent = 0
        async with self._sending:
            while self.pending:
                await self.send(self.pending.popleft())
                sent += 1
        return sent

    async def run(self) -> None:
        """Send whatever gets queued, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self.flush()

    async def send(self, delivery: Delivery) -> Delivery:
        """Send one delivery now and note the outcome. A refused or lost one stays lost, as on GitHub."""
        url = delivery.app.webhook_url
        if url is None:
            return delivery
        started = time.monotonic()
        try:
            async with httpx.AsyncClient(transport=self.transport, timeout=TIMEOUT, trust_env=False) as client:
                answer = await client.post(url, content=delivery.body, headers=delivery.headers())
            delivery.status_code = answer.status_code
            delivery.status = "OK" if answer.is_success else answer.reason_phrase
            delivery.answer_headers, delivery.answer_body = dict(answer.headers), answer.text[:2000]
        except httpx.TimeoutException:
            delivery.status, delivery.status_code = "timed out", 504
        except httpx.HTTPError:
            delivery.status, delivery.status_code = "failed to connect to host", 502
        delivery.duration = round(time.monotonic() - started, 2)
        delivery.delivered_at = self._world.now()
        return delivery

    def redeliver(self, guid: str) -> Delivery:
        """Queue the delivery with this GUID once more."""
        found = next((one for one in self.log if one.guid == guid), None)
        if found is None:
            raise not_found()
        again = Delivery(
            id=self._world.next_id(),
            guid=guid,
            app=found.app,
            event=found.event,
            action=found.action,
            installation_id=found.installation_id,
            repository_id=found.repository_id,
            body=found.body,
            created_at=self._world.now(),
            redelivery=True,
        )
        self._queue(again)
        return again

    def _hear(self, what: Happening) -> None:
        for app, installation in self._audience(what):
            body = json.dumps(payload(self._site, what, installation), separators=(",", ":")).encode()
            delivery = Delivery(
                id=self._world.next_id(),
                guid=self._new_guid(),
                app=app,
                event=what.event,
                action=what.action,
                installation_id=installation.id if installation else None,
                repository_id=what.repo.id if what.repo else None,
                body=body,
                created_at=self._world.now(),
            )
            self._queue(delivery)

    def _audience(self, what: Happening) -> list[tuple[App, Installation | None]]:
        """Who is told: subscribed apps installed on the repository; an app always hears of its own installation."""
        if what.event == "ping":
            return [(what.extra["app"], None)]
        if what.installation:
            return [(what.installation.app, what.installation)]
        found = self._world.installations_on(what.repo) if what.repo else []
        return [(one.app, one) for one in found if not one.suspended_at and _subscribed(one.app, what)]

    def _queue(self, delivery: Delivery) -> None:
        if delivery.app.webhook_url is not None:
            self.log.append(delivery)
            self.pending.append(delivery)
            self._arrived.set()


def _subscribed(app: App, what: Happening) -> bool:
    """`rerequested` goes to the app that made the check run, and to it alone."""
    if what.check_run and what.action == "rerequested":
        return what.check_run.app is app
    return what.event in app.events or what.event in _ALWAYS
