"""Who is admitted to what."""

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.store.store import Store
from bot.task.ids import TaskId
from bot.task.results import SandboxLevel
from bot.web.app import build_app
from bot.web.asgi import ASGIApp
from bot.web.guard import COOKIE
from bot.web.links import signed_link
from bot.web.probes import Readiness
from tests.web.client import client
from tests.web.worlds import SECRET, START, ManualClock, Tale, changes

pytestmark = pytest.mark.anyio
AFAR = ("203.0.113.7", "https://bot.example")


@pytest.fixture
def app(store: Store, clock: ManualClock) -> ASGIApp:
    return app_with(store, clock, "token-1")


def app_with(store: Store, clock: ManualClock, token: str | None, ready: bool = True) -> ASGIApp:
    def readiness() -> Readiness:
        return Readiness(ready, SandboxLevel.CHECKOUT, "bubblewrap with all namespaces; no overlays.")

    return build_app(
        store,
        secret=SECRET,
        readiness=readiness,
        clock=clock,
        operator_token=token,
        public_url="https://bot.example",
    )


async def get(
    app: ASGIApp, path: str, address: str, host: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    async with client(app, address, host) as someone:
        return await someone.get(path, headers=headers)


# ── the machine itself ──


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_the_machine_itself_is_admitted(app: ASGIApp, address: str) -> None:
    for host in ("http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"):
        assert (await get(app, "/", address, host)).status_code == 200, host


@pytest.mark.parametrize(
    ("address", "host", "headers"),
    [
        pytest.param(*AFAR, {}, id="from afar"),
        pytest.param("203.0.113.7", "http://localhost", {}, id="from afar by a local name"),
        pytest.param("10.0.0.5", "http://localhost", {}, id="from the local network"),
        pytest.param("::ffff:203.0.113.7", "http://localhost", {}, id="from afar, mapped"),
        pytest.param("127.0.0.1", "http://rebound.example:8000", {}, id="DNS rebinding"),
        pytest.param("127.0.0.1", "http://localhost.evil.example", {}, id="a name that begins well"),
        pytest.param("127.0.0.1", "https://bot.example", {}, id="a tunnel without headers"),
        pytest.param("127.0.0.1", "http://localhost", {"x-forwarded-for": "127.0.0.1"}, id="a proxy"),
        pytest.param("127.0.0.1", "http://localhost", {"forwarded": "for=127.0.0.1"}, id="a modern proxy"),
        pytest.param("127.0.0.1", "http://localhost", {"x-real-ip": "127.0.0.1"}, id="a plain proxy"),
    ],
)
async def test_all_others_are_turned_away(app: ASGIApp, address: str, host: str, headers: dict[str, str]) -> None:
    for path in ("/", "/metrics", "/tasks/1", "/tasks/1/logs/1", "/tasks/999"):
        response = await get(app, path, address, host, headers)
        assert response.status_code == 403, path
        assert "ISSUEWRIGHT_OPERATOR_TOKEN" in response.text


async def test_a_stranger_learns_nothing_about_what_exists(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await Tale(store, clock).begins(3, "A secret title")
    here, absent = await get(app, "/tasks/1", *AFAR), await get(app, "/tasks/2", *AFAR)
    assert (here.status_code, here.text) == (absent.status_code, absent.text)


async def test_without_a_token_the_sentence_says_how_to_set_one(store: Store, clock: ManualClock) -> None:
    response = await get(app_with(store, clock, None), "/", *AFAR)
    assert response.status_code == 403
    assert "set ISSUEWRIGHT_OPERATOR_TOKEN and start the server again" in response.text


# ── the operator ──


async def test_the_token_as_a_header(app: ASGIApp) -> None:
    for given, status in (("Bearer token-1", 200), ("bearer token-1", 200), ("Bearer token-2", 403), ("token-1", 403)):
        assert (await get(app, "/metrics", *AFAR, {"authorization": given})).status_code == status


@pytest.mark.parametrize("token", [None, ""])
async def test_no_token_set_admits_no_empty_token(store: Store, clock: ManualClock, token: str | None) -> None:
    app = app_with(store, clock, token)
    assert (await get(app, "/", *AFAR, {"authorization": "Bearer "})).status_code == 403
    assert (await get(app, "/?token=", *AFAR)).status_code == 403
    assert (await get(app, "/", *AFAR, {"cookie": f"{COOKIE}="})).status_code == 403


async def test_the_token_in_the_address_becomes_a_cookie(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await Tale(store, clock).begins(3, "Title")
    async with client(app, *AFAR) as browser:
        redirect = await browser.get("/tasks/1?token=token-1&x=1")
        assert (redirect.status_code, redirect.headers["location"]) == (303, "/tasks/1?x=1")
        cookie = redirect.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" in cookie
        assert "token-1" not in cookie
        assert (await browser.get(redirect.headers["location"])).status_code == 200
        assert (await browser.get("/")).status_code == 200


async def test_a_wrong_token_in_the_address_is_turned_away_even_here(app: ASGIApp) -> None:
    response = await get(app, "/?token=other", "127.0.0.1", "http://localhost")
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


async def test_a_cookie_of_an_older_token_is_void(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    async with client(app, *AFAR) as browser:
        value = (await browser.get("/?token=token-1")).cookies[COOKIE]
    assert (
        await get(app_with(store, clock, "token-2"), "/", *AFAR, {"cookie": f"{COOKIE}={value}"})
    ).status_code == 403


# ── a signed link ──


async def test_a_link_shows_one_task_and_its_logs_until_it_expires(
    app: ASGIApp, store: Store, clock: ManualClock
) -> None:
    tale = await Tale(store, clock).begins(3, "Title")
    await tale.is_prepared()
    await tale.turn_ends(changes("1" * 40, 1, "Done."))
    log = await tale.verified_with_log(b"all is well")
    await Tale(store, clock).begins(4, "Other")
    link = signed_link(SECRET, tale.id, clock() + timedelta(hours=1))
    query = urlsplit(link).query

    page = await get(app, link, *AFAR)
    assert page.status_code == 200
    assert f'href="/tasks/1/logs/{log}?{query.replace("&", "&amp;")}"' in page.text
    assert "all is well" in (await get(app, f"/tasks/1/logs/{log}?{query}", *AFAR)).text

    for elsewhere in ("/tasks/2", "/", "/metrics", f"/tasks/2/logs/{log}"):
        assert (await get(app, f"{elsewhere}?{query}", *AFAR)).status_code == 403

    clock.advance(hours=1)
    late = await get(app, link, *AFAR)
    assert late.status_code == 403
    assert "expired" in late.text


async def test_a_changed_link_is_not_genuine(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await Tale(store, clock).begins(3, "Title")
    link = signed_link(SECRET, TaskId(1), clock() + timedelta(hours=1))
    given = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    later = str(int(given["expires"]) + 1)
    for changed in (
        {**given, "expires": later},
        {**given, "sig": "0" * 64},
        {**given, "sig": ""},
        {"sig": given["sig"]},
        {**given, "expires": "never"},
        {**given, "sig": "ä"},
    ):
        response = await get(app, f"/tasks/1?{httpx.QueryParams(changed)}", *AFAR)
        assert response.status_code == 403
        assert "not genuine" in response.text
    forged = signed_link(b"another secret", TaskId(1), clock() + timedelta(hours=1))
    assert (await get(app, forged, *AFAR)).status_code == 403


def test_the_key_of_links_is_not_the_key_of_deliveries() -> None:
    query = parse_qs(urlsplit(signed_link(SECRET, TaskId(12), START)).query)
    plain = hmac.new(SECRET, f"12:{query['expires'][0]}".encode(), hashlib.sha256).hexdigest()
    assert query["sig"][0] != plain


# ── open to all ──


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/style.css"])
async def test_open_to_all(app: ASGIApp, path: str) -> None:
    assert (await get(app, path, *AFAR)).status_code == 200


async def test_readyz_tells_the_sandbox_and_the_database(store: Store, clock: ManualClock) -> None:
    ready = await get(app_with(store, clock, None), "/readyz", *AFAR)
    assert (ready.status_code, ready.json()) == (
        200,
        {
            "ready": True,
            "database": "ok",
            "sandbox": "bubblewrap",
            "reason": "bubblewrap with all namespaces; no overlays.",
        },
    )
    assert (await get(app_with(store, clock, None, ready=False), "/readyz", *AFAR)).status_code == 503
    await store.close()
    gone = await get(app_with(store, clock, None), "/readyz", *AFAR)
    assert (gone.status_code, gone.json()["database"]) == (503, "does not answer")


async def test_there_is_no_schema_page(app: ASGIApp) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await get(app, path, "127.0.0.1", "http://localhost")).status_code == 404
