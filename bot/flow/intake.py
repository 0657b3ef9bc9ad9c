"""A stored webhook delivery becomes facts: narrow parse, then a look at the truth."""

import logging

from bot.flow.doors import Reads
from bot.flow.observe import Observer
from bot.github.payloads import parse
from bot.store.store import Store
from bot.task.ids import DeliveryId

log = logging.getLogger(__name__)


async def process_delivery(store: Store, github: Reads, observer: Observer, delivery: DeliveryId) -> None:
    """Idempotent. A payload that cannot be read raises PayloadError: the delivery is kept as failed."""
    stored = await store.delivery(delivery)
    if stored is None:
        return
    parsed = parse(stored.event, stored.body)
    if parsed is None:
        return
    if parsed.sender is not None and parsed.sender == await github.own_user_id():
        log.debug("delivery %s is our own act", delivery)
        return
    await observer.look(parsed.hint)
