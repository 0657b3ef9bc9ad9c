"""What the receiver takes, what it refuses, and that it stores nothing of what it refuses."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from pathlib import Path

import anyio
import pytest

from bot.store.store import Store
from bot.store.values import DeliveryState
from bot.task.ids import DeliveryId
from bot.web.asgi import Receive, Scope, Send
from bot.web.webhooks import PATH, Bounds, Receiver
from tests.web.client import GUID, Conversation, client, deliver, head, sign
from tests.web.worlds import DATABASE, SECRET, body_of

pytestmark = pytest.mark.anyio
BODY = body_of(issue={"number": 3, "title": "Grüße"})


async def teapot(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the pages."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def receiver(store: Store, answers: Counter[int] | None = None, **bounds: float) -> Receiver:
    return Receiver(store, SECRET, teapot, Counter() if answers is None else answers, Bounds(**bounds))  # type: ignore[arg-type]


async def is_untouched(store: Store, guid: str = GUID) -> bool:
    return await store.delivery(DeliveryId(guid)) is None and await store.open_effects() == []


# ── taken ──


async def test_a_delivery_is_stored_as_it_came_before_it_is_answered(store: Store) -> None:
    response = await deliver(receiver(store), BODY, head(BODY))

    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    stored = await store.delivery(DeliveryId(GUID))
    assert stored is not None
    assert (stored.event, stored.body, stored.state) == ("issues", BODY, DeliveryState.RECEIVED)
    assert [effect.kind for effect in await store.open_effects()] == ["ProcessDelivery"]


async def test_the_same_delivery_again_changes_nothing(store: Store) -> None:
    app = receiver(store)
    await deliver(app, BODY, head(BODY))
    other = body_of(action="other")

    response = await deliver(app, other, head(other))

    assert (response.status_code, response.json()) == (202, {"status": "duplicate"})
    stored = await store.delivery(DeliveryId(GUID))
    assert stored is not None
    assert stored.body == BODY
    assert len(await store.open_effects()) == 1


async def test_a_delivery_whose_processing_failed_is_processed_again(store: Store) -> None:
    app = receiver(store)
    await deliver(app, BODY, head(BODY))
    claimed = await store.claim("w")
    assert claimed is not None
    await store.bury(claimed, "it cannot be read")

    response = await deliver(app, BODY, head(BODY))

    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    again = await store.claim("w")
    assert again is not None
    assert again.subject == f"delivery:{GUID}"


async def test_an_event_that_we_do_not_know_is_stored_as_ignored(store: Store) -> None:
    response = await deliver(receiver(store), BODY, head(BODY, event="star"))

    assert (response.status_code, response.json()) == (202, {"status": "ignored"})
    stored = await store.delivery(DeliveryId(GUID))
    assert stored is not None
    assert stored.state is DeliveryState.IGNORED
    assert await store.open_effects() == []


async def test_a_body_may_come_in_pieces(store: Store) -> None:
    told = Conversation(head(BODY))
    told.puts(BODY[:7], more=True)
    told.puts(BODY[7:9], more=True)
    told.puts(BODY[9:], more=False)

    await told.held_with(receiver(store))

    assert (told.status, told.content) == (202, {"status": "accepted"})
    stored = await store.delivery(DeliveryId(GUID))
    assert stored is not None
    assert stored.body == BODY


async def test_the_headers_of_an_enterprise_server_are_harmless(store: Store) -> None:
    more = {"x_github_enterprise_host": "git.example", "x_github_enterprise_version": "3.4.0"}
    assert (await deliver(receiver(store), BODY, head(BODY, **more))).status_code == 202


async def test_a_charset_in_the_content_type_is_fine(store: Store) -> None:
    headers = head(BODY, content_type="application/json; charset=utf-8")
    assert (await deliver(receiver(store), BODY, headers)).status_code == 202


# ── refused ──

FORM = "application/x-www-form-urlencoded"
BROKEN = b'{"action": "labeled"'
LATIN = '{"title": "Grüße"}'.encode("latin-1")


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        pytest.param(BODY, head(BODY, x_hub_signature_256=None), 401, "set a webhook secret", id="no signature"),
        pytest.param(BODY, head(BODY, x_hub_signature_256=sign(BODY, b"other")), 401, "does not fit", id="wrong"),
        pytest.param(BODY, head(BODY, x_hub_signature_256=sign(BODY)[7:]), 401, "does not fit", id="bare digest"),
        pytest.param(BODY, head(BODY, x_hub_signature_256="sha256="), 401, "does not fit", id="empty digest"),
        pytest.param(BODY + b" ", head(BODY), 401, "does not fit", id="one byte more"),
        pytest.param(BROKEN, head(BODY), 401, "does not fit", id="the body is not looked at before"),
        pytest.param(BODY, head(BODY, x_github_event=None), 400, "X-GitHub-Event", id="no event"),
        pytest.param(BODY, head(BODY, x_github_event="Iss ues"), 400, "X-GitHub-Event", id="strange event"),
        pytest.param(BODY, head(BODY, x_github_delivery=None), 400, "X-GitHub-Delivery", id="no delivery"),
        pytest.param(BODY, head(BODY, x_github_delivery="a" * 101), 400, "X-GitHub-Delivery", id="long delivery"),
        pytest.param(BODY, head(BODY, x_github_delivery="a b"), 400, "X-GitHub-Delivery", id="strange delivery"),
        pytest.param(BODY, head(BODY, content_type=FORM), 400, "content type to application/json", id="form"),
        pytest.param(BODY, head(BODY, content_type=None), 400, "content type to application/json", id="no type"),
        pytest.param(BROKEN, head(BROKEN), 400, "not a JSON object", id="broken JSON"),
        pytest.param(b"[]", head(b"[]"), 400, "not a JSON object", id="no object"),
        pytest.param(b"", head(b""), 400, "not a JSON object", id="empty"),
        pytest.param(b"[" * 100_000, head(b"[" * 100_000), 400, "not a JSON object", id="deep"),
        pytest.param(LATIN, head(LATIN), 400, "not UTF-8", id="latin-1"),
    ],
)
async def test_bad_input_has_its_status_and_is_not_stored(
    store: Store, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    response = await deliver(receiver(store), body, headers)

    assert response.status_code == status
    assert says in response.json()["error"]
    assert response.headers["connection"] == "close"
    assert await is_untouched(store)


async def test_a_body_announced_too_large_is_refused_before_it_is_read(store: Store) -> None:
    told = Conversation(head(BODY, content_length=str(25 * 1024 * 1024 + 1)))

    await told.held_with(receiver(store))

    assert (told.status, told.asked) == (413, 0)
    assert await is_untouched(store)


async def test_a_body_of_unknown_length_is_counted_as_it_comes(store: Store) -> None:
    told = Conversation(head(BODY))
    told.puts(b"x" * 600, more=True)
    told.puts(b"x" * 401, more=True)

    await told.held_with(receiver(store, body_bytes=1000))

    assert (told.status, told.asked) == (413, 2)
    assert await is_untouched(store)


async def test_exactly_25_mebibytes_are_taken(store: Store) -> None:
    body = b'{"a":"' + b"x" * (25 * 1024 * 1024 - 8) + b'"}'
    assert len(body) == 25 * 1024 * 1024

    assert (await deliver(receiver(store), body, head(body))).status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post(store: Store, method: str) -> None:
    async with client(receiver(store)) as someone:
        response = await someone.request(method, PATH)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_everything_else_is_for_the_pages(store: Store) -> None:
    async with client(receiver(store)) as someone:
        assert [(await someone.get(path)).status_code for path in ("/", f"{PATH}/", f"{PATH}x")] == [418] * 3


# ── trouble ──


async def test_bytes_in_flight_are_bounded_over_all_requests(store: Store) -> None:
    app = receiver(store, in_flight_bytes=len(BODY) + 10)
    first, second = Conversation(head(BODY)), Conversation(head(BODY, guid="second"))
    first.puts(BODY[:-1], more=True)
    holding = asyncio.create_task(first.held_with(app))
    await first.is_asked_again.wait()

    second.puts(BODY, more=False)
    await second.held_with(app)

    assert second.status == 503
    assert (b"retry-after", b"10") in second.sent[0]["headers"]
    assert await is_untouched(store, "second")

    first.puts(BODY[-1:], more=False)
    await holding
    assert first.status == 202
    assert (await deliver(app, BODY, head(BODY, guid="third"))).status_code == 202  # all bytes were given back


async def test_a_body_that_comes_too_slowly_is_given_up(store: Store) -> None:
    told = Conversation(head(BODY))
    told.puts(BODY[:5], more=True)

    with anyio.fail_after(5):
        await told.held_with(receiver(store, read_seconds=0.05))

    assert told.status == 408
    assert await is_untouched(store)


async def test_a_client_that_goes_away_leaves_nothing(store: Store) -> None:
    app = receiver(store, in_flight_bytes=len(BODY))
    told = Conversation(head(BODY))
    told.puts(BODY[:5], more=True)
    told.leaves()

    await told.held_with(app)

    assert told.sent == []
    assert await is_untouched(store)
    assert (await deliver(app, BODY, head(BODY))).status_code == 202


async def test_when_the_store_fails_github_is_asked_to_come_again(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = body_of(secret="do not log me")
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE)) as vandal:
        vandal.execute("DROP TABLE deliveries")

    with caplog.at_level(logging.DEBUG):
        response = await deliver(receiver(store), body, head(body))

    assert response.status_code == 503
    assert response.headers["retry-after"] == "10"
    assert GUID in caplog.text
    assert "do not log me" not in caplog.text
    assert "parameters" not in caplog.text  # as a database error quotes them


async def test_a_closed_store_is_trouble_as_well(store: Store) -> None:
    await store.close()
    assert (await deliver(receiver(store), BODY, head(BODY))).status_code == 503


async def test_answers_are_counted(store: Store) -> None:
    answers: Counter[int] = Counter()
    app = receiver(store, answers)
    await deliver(app, BODY, head(BODY))
    await deliver(app, BODY, head(BODY))
    await deliver(app, BODY, head(BODY, x_hub_signature_256=None))
    assert answers == {202: 2, 401: 1}
