"""Who is let in: one browser, by a token that works once. Being on this machine is not enough."""

import pytest
from starlette.requests import Request

from bot.web.guard import is_local
from bot.web.setup.entry import COOKIE
from bot.web.setup.registering import Asking
from tests.web.setup.conftest import HERE, PUBLIC, Page, build

pytestmark = pytest.mark.anyio
PATHS = ("/", "/setup", "/setup/github?code=c&state=s", "/tasks/1", "/metrics", "/nowhere")


@pytest.mark.parametrize("host", [HERE, "http://127.0.0.1:8000", "http://[::1]:8000", "http://10.0.0.5:8000"])
async def test_a_stranger_is_shown_nothing(page: Page, host: str) -> None:
    async with page.browser(host) as stranger:
        for path in PATHS:
            answer = await stranger.get(path)
            assert answer.status_code == 403, path
            assert "<form" not in answer.text
            assert "agent" not in answer.text
        for path in ("/setup/app", "/setup/keep", "/setup", "/"):
            assert (await stranger.post(path)).status_code == 403, path
    assert isinstance(page.registering.phase, Asking)


async def test_the_token_lets_one_browser_in_once(page: Page) -> None:
    token = page.token
    browser = await page.signed_in()
    assert (await browser.get("/setup")).status_code == 200
    async with page.browser() as second:
        again = await second.get(f"/setup?token={token}")
        assert again.status_code == 403
        assert "opened before" in again.text
        assert COOKIE not in second.cookies
    assert (await browser.get("/setup")).status_code == 200


@pytest.mark.parametrize("guess", ["", "x", "{token}x", "x{token}", "\N{SNOWMAN}", "None"])
async def test_a_guess_is_refused_and_costs_the_owner_nothing(page: Page, guess: str) -> None:
    async with page.browser() as stranger:
        answer = await stranger.get("/setup", params={"token": guess.format(token=page.token)})
        assert answer.status_code == 403
    await page.signed_in()


async def test_looking_at_the_address_does_not_use_it_up(page: Page) -> None:
    """Chat programs look at links."""
    async with page.browser() as preview:
        assert (await preview.head(f"/setup?token={page.token}")).status_code == 403
        assert (await preview.post(f"/setup?token={page.token}")).status_code == 403
    await page.signed_in()


async def test_the_cookie(page: Page) -> None:
    token = page.token
    async with page.browser() as browser:
        told = (await browser.get(f"/setup?token={token}")).headers["set-cookie"]
    assert token not in told
    assert "HttpOnly" in told
    assert "SameSite=lax" in told, "strict would not come back with GitHub's redirect"
    assert "Secure" not in told
    async with page.browser() as stranger:
        stranger.cookies.set(COOKIE, token)
        assert (await stranger.get("/setup")).status_code == 403
        stranger.cookies.set(COOKIE, "")
        assert (await stranger.get("/setup")).status_code == 403


async def test_with_a_public_address_the_cookie_is_for_https(page: Page) -> None:
    public = build(page.folder.parent, page.forge, public_url=f"{PUBLIC}/")
    async with public.browser(PUBLIC) as browser:
        told = (await browser.get(f"/setup?token={public.token}")).headers["set-cookie"]
    assert "Secure" in told


@pytest.mark.parametrize("host", ["http://evil.example:8000", "http://localhost.evil.example", PUBLIC])
async def test_a_foreign_name_is_refused(page: Page, host: str) -> None:
    """DNS rebinding: a page elsewhere lets its own name point to this machine. Even the token does not help it."""
    browser = await page.signed_in()
    async with page.browser(host) as rebound:
        answer = await rebound.get("/setup", headers={"cookie": f"{COOKIE}={browser.cookies[COOKIE]}"})
        assert answer.status_code == 403
        assert "not known by this name" in answer.text
    other = build(page.folder.parent, page.forge)
    async with other.browser(host) as rebound:
        assert (await rebound.get(f"/setup?token={other.token}")).status_code == 403
    await other.signed_in()


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost:9000", "https://localhost:8000"]
)
async def test_a_form_of_another_page_is_refused(page: Page, origin: str) -> None:
    """A web page elsewhere lets the signed-in browser post here. Where it comes from tells, not which machine asks."""
    scope = {"type": "http", "headers": [(b"host", b"localhost:8000")], "client": ("127.0.0.1", 5000)}
    assert is_local(Request(scope)), "whoever admits this machine admits the attack"
    browser = await page.signed_in()
    answer = await page.asked(browser)
    assert answer.status_code == 200
    browser.headers["origin"] = origin
    answer = await page.asked(browser)
    assert answer.status_code == 403
    assert "another page" in answer.text
    del browser.headers["origin"]
    assert (await page.asked(browser)).status_code == 403


async def test_what_is_open_to_all(page: Page) -> None:
    async with page.browser("http://evil.example", "203.0.113.7") as anyone:
        assert (await anyone.get("/healthz")).text == "ok\n"
        ready = await anyone.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert "not set up" in ready.json()["reason"]
        assert (await anyone.get("/static/style.css")).status_code == 200
        hook = await anyone.post("/webhooks/github", content=b"{}")
        assert (hook.status_code, hook.headers["retry-after"]) == (503, "60")
        assert "not set up" in hook.json()["error"]
