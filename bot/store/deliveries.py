"""Webhook deliveries: stored raw, once each, before they are answered; looked at later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, LargeBinary, and_, select, type_coerce, update

from bot.store.effects import as_row, ask
from bot.store.schema import deliveries, effects
from bot.store.upsert import insert
from bot.store.values import DeliveryState, Received, StoredDelivery
from bot.task.effects import ProcessDelivery, Wait
from bot.task.ids import DeliveryId


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery at the door. `handled`: something is done for deliveries of its kind."""

    delivery: DeliveryId
    event: str
    body: bytes
    handled: bool


def subject_of(delivery: DeliveryId) -> str:
    """The subject of a delivery's effect."""
    return f"delivery:{delivery}"


def store(conn: Connection, arrivals: Sequence[Arrival], now: datetime) -> list[Received]:
    """Store many at once; what became of each, in their order. Nothing of a body is looked at."""
    rows = [
        {
            "id": arrival.delivery,
            "event": arrival.event,
            "body": arrival.body,
            "state": DeliveryState.RECEIVED if arrival.handled else DeliveryState.IGNORED,
            "received_at": now,
        }
        for arrival in arrivals
    ]
    query = insert(conn, deliveries).on_conflict_do_nothing().returning(deliveries.c.id)
    new = set(conn.execute(query, rows).scalars())
    seen = {arrival.delivery for arrival in arrivals} - new
    failed = _failed(conn, seen) if seen else set()
    outcome: list[Received] = []
    wanted: list[DeliveryId] = []
    for arrival in arrivals:
        if arrival.delivery in new:
            new.remove(arrival.delivery)
            outcome.append(Received.NEW)
            if arrival.handled:
                wanted.append(arrival.delivery)
        elif arrival.handled and arrival.delivery in failed:
            failed.remove(arrival.delivery)
            _take_up_again(conn, arrival, now)
            outcome.append(Received.AGAIN)
        else:
            outcome.append(Received.DUPLICATE)
    if wanted:
        conn.execute(effects.insert(), [as_row(subject_of(one), ProcessDelivery(one), now) for one in wanted])
    return outcome


def _failed(conn: Connection, ids: set[DeliveryId]) -> set[DeliveryId]:
    query = select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.state == DeliveryState.FAILED)
    return set(conn.execute(query.with_for_update()).scalars())


def _take_up_again(conn: Connection, arrival: Arrival, now: datetime) -> None:
    values = {"state": DeliveryState.RECEIVED, "body": arrival.body, "received_at": now}
    conn.execute(update(deliveries).where(deliveries.c.id == arrival.delivery).values(values))
    ask(conn, subject_of(arrival.delivery), ProcessDelivery(arrival.delivery), Wait(), now)


def load(conn: Connection, delivery: DeliveryId) -> StoredDelivery | None:
    """A delivery as it came."""
    row = conn.execute(select(deliveries).where(deliveries.c.id == delivery)).one_or_none()
    return None if row is None else StoredDelivery(row.event, row.body, DeliveryState(row.state), row.received_at)


def settle(conn: Connection, delivery: DeliveryId, state: DeliveryState) -> None:
    """Its effect is over."""
    conn.execute(update(deliveries).where(deliveries.c.id == delivery).values(state=state))


def forget(conn: Connection, before: datetime) -> int:
    """Empty the bodies of what is settled and older; the ids stay, so that nothing is done twice."""
    settled = deliveries.c.state.in_([DeliveryState.PROCESSED, DeliveryState.IGNORED])
    empty = type_coerce(b"", LargeBinary)
    old = and_(deliveries.c.received_at < before, settled, deliveries.c.body != empty)
    return conn.execute(update(deliveries).where(old).values(body=empty)).rowcount
