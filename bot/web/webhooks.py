"""`POST /webhooks/github`: check the signature, store the raw delivery, answer after the commit. No model is parsed.

A plain ASGI callable in front of the pages: a framework between the socket and the store costs more than the store.
"""

import asyncio
import hmac
import logging
from collections import Counter
from dataclasses import dataclass

from pydantic_core import SchemaValidator, core_schema

from bot.store.store import Store
from bot.store.values import Received
from bot.task.hints import HANDLED_EVENTS
from bot.web.asgi import Answer, ASGIApp, Receive, Scope, Send, answer, refusal
from bot.web.delivery import BODY_BYTES, TOO_LARGE, Head, read_head

log = logging.getLogger(__name__)

PATH = "/webhooks/github"
RETRY_AFTER = (b"retry-after", b"10")

ACCEPTED = answer(202, {"status": "accepted"})
DUPLICATE = answer(202, {"status": "duplicate"})
IGNORED = answer(202, {"status": "ignored"})
NOT_POST = refusal(405, "Webhooks are delivered with POST.", (b"allow", b"POST"))
BAD_SIGNATURE = refusal(
    401, "The signature does not fit: the App's webhook secret and ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET differ."
)
NOT_UTF8 = refusal(400, "The body is not UTF-8.")
NOT_JSON = refusal(400, "The body is not a JSON object.")
TOO_SLOW = refusal(408, "The body did not arrive in time.")
TOO_BUSY = refusal(503, "Too many bytes of deliveries are on their way; send this one again later.", RETRY_AFTER)
NOT_STORED = refusal(503, "The delivery could not be stored; send it again later.", RETRY_AFTER)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the receiver takes from strangers."""

    body_bytes: int = BODY_BYTES
    in_flight_bytes: int = 256 * 1024 * 1024
    """Of all bodies that are being read or stored."""
    read_seconds: float = 30.0
    """Longest time for one body to arrive."""


class Receiver:
    """Takes deliveries, and leaves every other request to `inner`. Counts its answers by status in `answers`."""

    def __init__(
        self, store: Store, secret: bytes, inner: ASGIApp, answers: Counter[int], bounds: Bounds | None = None
    ) -> None:
        self._store = store
        self._secret = secret
        self._inner = inner
        self._answers = answers
        self._bounds = bounds or Bounds()
        self._in_flight = 0
        # walks the whole text and builds nothing of it: 4 µs where json.loads takes 18 (9 kB of a real delivery)
        self._json_object = SchemaValidator(core_schema.typed_dict_schema({}, extra_behavior="ignore"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._inner(scope, receive, send)
            return
        answered = await self._take(scope, receive)
        if answered is not None:
            self._answers[answered.status] += 1
            await answered.send(send)

    async def _take(self, scope: Scope, receive: Receive) -> Answer | None:
        """The answer, or None when nobody waits for one any more."""
        if scope["method"] != "POST":
            return NOT_POST
        head = read_head(dict(scope["headers"]), self._bounds.body_bytes)
        if isinstance(head, Answer):
            return head
        chunks: list[bytes] = []
        try:
            trouble = await self._read(receive, chunks)
            if isinstance(trouble, Answer):
                return trouble
            return None if trouble else await self._keep(head, b"".join(chunks))
        finally:
            self._in_flight -= sum(map(len, chunks))

    async def _read(self, receive: Receive, chunks: list[bytes]) -> Answer | bool:
        """Gather the body into `chunks`; True: the client went away. What was gathered counts as in flight."""
        size = 0
        try:
            async with asyncio.timeout(self._bounds.read_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return True
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > self._bounds.body_bytes:
                        return TOO_LARGE
                    if self._in_flight + len(chunk) > self._bounds.in_flight_bytes:
                        return TOO_BUSY
                    chunks.append(chunk)
                    self._in_flight += len(chunk)
                    if not message.get("more_body", False):
                        return False
        except TimeoutError:
            return TOO_SLOW

    async def _keep(self, head: Head, body: bytes) -> Answer:
        """Nothing of the body is looked at before its signature fits."""
        expected = b"sha256=" + hmac.digest(self._secret, body, "sha256").hex().encode()
        if not hmac.compare_digest(expected, head.signature):
            return BAD_SIGNATURE
        if (unreadable := self._unreadable(body)) is not None:
            return unreadable
        handled = head.event in HANDLED_EVENTS
        try:
            received = await self._store.receive(head.delivery, head.event, body, handled)
        except Exception as error:
            # neither text nor traceback: a database error quotes its parameters, and so the body
            log.error("delivery %s (%s) is not stored: %s", head.delivery, head.event, type(error).__qualname__)
            return NOT_STORED
        if received is Received.DUPLICATE:
            return DUPLICATE
        return ACCEPTED if handled else IGNORED

    def _unreadable(self, body: bytes) -> Answer | None:
        try:
            body.decode()
        except UnicodeDecodeError:
            return NOT_UTF8
        try:
            self._json_object.validate_json(body)
        except ValueError:
            return NOT_JSON
        return None
