"""The App that is asked for is that of app.yml; its credentials come once."""

from pathlib import Path

import httpx
import pytest
import yaml

from bot.demo.forge import Forge, build_forge
from bot.github.credentials import Credentials
from bot.github.manifest import Spent, Unreached, Wish, convert
from bot.github.site import GITHUB, Site
from tests.github.canned import private_key
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio
SECRET = "sesame"
PAGE = Path(__file__).parents[2] / "app.yml"


def wish(**changes: str | None) -> Wish:
    hook = "https://bot.example/webhooks/github"
    back = "https://bot.example/setup/github"
    given: dict[str, str | None] = {"name": "wright", "organization": None, "webhook_url": hook, **changes}
    return Wish(
        GITHUB,
        given["organization"],
        given["name"] or "",
        back,
        home="https://bot.example",
        webhook_url=given["webhook_url"],
    )


def test_it_is_the_app_of_the_page() -> None:
    page = yaml.safe_load(PAGE.read_text())
    asked = wish().manifest()
    assert set(asked) == {*page, "redirect_url"}
    for name in ("default_permissions", "public"):
        assert asked[name] == page[name]
    assert sorted(page["default_events"]) == asked["default_events"]


def test_without_a_public_address_the_webhook_is_off() -> None:
    assert wish().manifest()["hook_attributes"] == {"url": "https://bot.example/webhooks/github", "active": True}
    hook = wish(webhook_url=None).manifest()["hook_attributes"]
    assert isinstance(hook, dict)
    assert hook["active"] is False


def test_it_is_posted_to_the_owner() -> None:
    assert wish().address("a&b") == "https://github.com/settings/apps/new?state=a%26b"
    assert wish(organization="octo-org").address("s").startswith("https://github.com/organizations/octo-org/settings/")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def forge(tmp_path: Path, clock: StillClock) -> Forge:
    forge = build_forge(tmp_path, clock=clock)
    forge.world.create_user("octocat")
    return forge


def registered(forge: Forge, webhook: bool = True) -> str:
    """An App was made; the code that GitHub sends along."""
    app = forge.world.create_app(
        "wright", "Wright", permissions={}, events=[], private_key_pem=private_key(), webhook_secret=webhook * SECRET
    )
    return forge.world.offer_credentials(app)


async def converted(forge: Forge, code: str) -> Credentials | Spent | Unreached:
    return await convert(Site(forge.base_url, forge.api_url), code, httpx.ASGITransport(app=forge.app))


async def test_a_code_is_good_once(forge: Forge) -> None:
    code = registered(forge)
    first = await converted(forge, code)
    assert isinstance(first, Credentials)
    assert (first.slug, first.api_url, first.html_url) == ("wright", forge.api_url, forge.base_url)
    assert first.private_key.get_secret_value() == private_key()
    assert first.webhook_secret.get_secret_value() == SECRET
    assert await converted(forge, code) == Spent()


async def test_a_code_is_good_for_an_hour(forge: Forge, clock: StillClock) -> None:
    code = registered(forge)
    clock.advance(hours=1)
    assert await converted(forge, code) == Spent()


@pytest.mark.parametrize("code", ["nothing", "../../app", "a/b?c#d", "%2e%2e"])
async def test_a_made_up_code_reaches_no_other_address(forge: Forge, code: str) -> None:
    assert await converted(forge, code) == Spent()
    (request,) = forge.requests
    assert request.method == "POST"
    assert request.path.startswith("/api/v3/app-manifests/")


async def test_an_app_without_a_webhook_gets_a_secret_of_ours(forge: Forge) -> None:
    """It signs the bot's own marks."""
    first = await converted(forge, registered(forge, webhook=False))
    assert isinstance(first, Credentials)
    assert len(first.webhook_secret.get_secret_value()) == 64


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(500), "HTTP 500"),
        (httpx.Response(302, headers={"location": "https://evil.example"}), "HTTP 302"),
        (httpx.Response(201, text="<html>"), "its answer is not that of GitHub's API"),
        (httpx.Response(201, json={"id": 1, "slug": "../x", "pem": "k"}), "its answer is not that of GitHub's API"),
    ],
)
async def test_no_answer_of_use(answer: httpx.Response, why: str) -> None:
    assert await convert(GITHUB, "c", httpx.MockTransport(lambda _request: answer)) == Unreached(why)


async def test_no_answer_at_all() -> None:
    assert await convert(Site("http://127.0.0.1:1", "http://127.0.0.1:1/api/v3"), "c") == Unreached("ConnectError")
