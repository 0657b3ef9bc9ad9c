"""The head of a delivery: what its headers must say before a byte of its body is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.task.ids import DeliveryId
from bot.web.asgi import Answer, refusal

BODY_BYTES = 25 * 1024 * 1024
"""GitHub cuts payloads at 25 MB (docs.github.com, webhook events and payloads)."""

NO_SIGNATURE = refusal(401, "There is no X-Hub-Signature-256: set a webhook secret in the App's settings.")
NO_EVENT = refusal(400, "There is no proper X-GitHub-Event header.")
NO_DELIVERY = refusal(400, "There is no proper X-GitHub-Delivery header.")
NOT_AS_JSON = refusal(400, "Set the webhook's content type to application/json in the App's settings.")
TOO_LARGE = refusal(413, "A delivery may have at most 25 MiB.")

_EVENT = re.compile(rb"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DELIVERY = re.compile(rb"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers say. `signature` is as it came, unchecked."""

    event: str
    delivery: DeliveryId
    signature: bytes


def read_head(headers: Mapping[bytes, bytes], body_bytes: int) -> Head | Answer:
    """The head, or why the delivery is refused at once. Names of headers are in lower case, as ASGI has them."""
    signature = headers.get(b"x-hub-signature-256", b"")
    event = headers.get(b"x-github-event", b"")
    delivery = headers.get(b"x-github-delivery", b"")
    if not signature:
        return NO_SIGNATURE
    if not _EVENT.fullmatch(event):
        return NO_EVENT
    if not _DELIVERY.fullmatch(delivery):
        return NO_DELIVERY
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return NOT_AS_JSON
    if _length(headers) > body_bytes:
        return TOO_LARGE
    return Head(event.decode(), DeliveryId(delivery.decode()), signature)


def _length(headers: Mapping[bytes, bytes]) -> int:
    """What is announced; 0 for a body of unknown length, which is counted as it comes."""
    announced = headers.get(b"content-length", b"")
    return int(announced) if announced.isdigit() else 0
