"""The way to an App and back: what goes to GitHub, what comes back, and everything that can go wrong between."""

import json
import logging
import os
import shutil
from pathlib import Path

import httpx
import pytest

from bot.demo.forge import Forge
from bot.github.manifest import convert
from bot.github.permissions import PERMISSIONS
from bot.github.site import Site
from bot.web.setup.app import Reached
from bot.web.setup.registering import Asking, Registered, Unsaved
from tests.web.setup.conftest import FACE, HERE, PUBLIC, Page, build, state_of, the_form

pytestmark = pytest.mark.anyio


def made(page: Page) -> list[str]:
    return [app.slug for app in page.forge.world.apps.values()]


# ── as it should be ──


async def test_the_whole_way(page: Page) -> None:
    browser = await page.signed_in()
    answer = await page.registered(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
    (app,) = page.forge.world.apps.values()
    kept = page.kept
    assert kept is not None
    assert (kept.app_id, kept.slug, kept.api_url) == (str(app.id), "wright", page.forge.api_url)
    assert kept.private_key.get_secret_value() == app.private_key_pem
    assert app.permissions == dict(PERMISSIONS)
    shown = await browser.get("/setup")
    assert f'href="{page.forge.base_url}/apps/wright/installations/new"' in shown.text
    assert page.registering.done.is_set()


async def test_an_organization_owns_it(page: Page) -> None:
    browser = await page.signed_in()
    asked = await page.asked(browser, owner="organization", organization="octo-org")
    await browser.get(await page.sent_back(asked))
    (app,) = page.forge.world.apps.values()
    assert app.owner.login == "octo-org"


async def test_with_a_public_address_webhooks_come(page: Page) -> None:
    public = build(page.folder.parent, page.forge, public_url=f"{PUBLIC}/")
    browser = await public.signed_in(PUBLIC)
    assert "will send webhooks" in (await browser.get("/setup")).text
    answer = await public.registered(browser)
    assert answer.headers["location"] == "/setup"
    (app,) = page.forge.world.apps.values()
    assert app.webhook_url == f"{PUBLIC}/webhooks/github"
    assert public.kept is not None
    assert public.kept.webhook_secret.get_secret_value() == app.webhook_secret


async def test_without_one_that_is_said(page: Page) -> None:
    browser = await page.signed_in()
    assert "looks through its repositories every 2 min" in (await browser.get("/setup")).text
    _, manifest = the_form((await page.asked(browser)).text)
    assert json.loads(manifest)["hook_attributes"]["active"] is False
    assert json.loads(manifest)["redirect_url"] == f"{HERE}/setup/github"


async def test_what_the_doctor_found_is_shown(page: Page) -> None:
    text = (await (await page.signed_in()).get("/setup")).text
    assert "No &lt;agent&gt;." in text
    assert "<code>AGENT</code>" in text
    assert "All well here" not in text


async def test_the_settings_may_name_the_site(page: Page) -> None:
    fixed = build(page.folder.parent, page.forge, fixed=True)
    browser = await fixed.signed_in()
    assert "readonly" in (await browser.get("/setup")).text
    action, _ = the_form((await fixed.asked(browser, host="evil.example")).text)
    assert action.startswith(f"{page.forge.base_url}/")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("host", "javascript:alert(1)", "no host name"),
        ("host", "evil.example; script-src *", "no host name"),
        ("owner", "nobody", "one of the two"),
        ("name", "x" * 35, "1 to 34"),
        ("name", "", "1 to 34"),
    ],
)
async def test_a_form_that_makes_no_sense(page: Page, field: str, value: str, said: str) -> None:
    answer = await page.asked(await page.signed_in(), **{field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{field}-wrong"' in answer.text


async def test_an_organization_has_a_name(page: Page) -> None:
    for name in ("", "a/b", "../x", "a b"):
        answer = await page.asked(await signed(page), owner="organization", organization=name)
        assert answer.status_code == 422, name


async def signed(page: Page) -> httpx.AsyncClient:
    page.setup.entry.token = "again"
    return await page.signed_in()


async def test_forms_go_to_one_place_only(page: Page) -> None:
    browser = await page.signed_in()
    first, second = await browser.get("/setup"), await page.asked(browser)
    for answer, where in ((first, "'self'"), (second, page.forge.base_url)):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
        assert policy.endswith(f"form-action {where}")
        assert "<script" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


# ── attacks ──


async def test_a_forged_state_keeps_no_app_of_somebody_else(page: Page, forge: Forge) -> None:
    """An attacker makes an App of his own and lets our browser open the address with his code."""
    app = forge.world.create_app("evil", "Evil", permissions={}, events=[])
    site, http = Site(forge.base_url, forge.api_url), httpx.ASGITransport(app=forge.app)
    naive = await convert(site, forge.world.offer_credentials(app), http)
    assert getattr(naive, "slug", None) == "evil", "the attack works on whoever does not look at the state"
    browser = await page.signed_in()
    await page.asked(browser)
    code = forge.world.offer_credentials(app)
    for state in ("", "guess", "\N{SNOWMAN}"):
        answer = await browser.get("/setup/github", params={"code": code, "state": state})
        assert answer.status_code == 400
    assert page.kept is None
    assert isinstance(page.registering.phase, Asking)
    assert code in forge.world.codes, "GitHub was not even asked"


async def test_a_state_is_good_once_and_for_an_hour(page: Page, forge: Forge) -> None:
    browser = await page.signed_in()
    used = await page.sent_back(await page.asked(browser))
    forge.world.codes.clear()
    assert (await browser.get(used)).status_code == 409
    app = forge.world.create_app("evil", "Evil", permissions={}, events=[])
    code = forge.world.offer_credentials(app)
    again = await browser.get("/setup/github", params={"code": code, "state": state_of(used)})
    assert again.status_code == 400
    state = state_of(the_form((await page.asked(browser)).text)[0])
    page.clock.advance(seconds=3601)
    late = await browser.get("/setup/github", params={"code": code, "state": state})
    assert late.status_code == 400
    assert "not open any more" in late.text
    assert page.kept is None


async def test_the_way_back_is_for_the_one_browser(page: Page) -> None:
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    async with page.browser() as stranger:
        assert (await stranger.get(back)).status_code == 403
    assert page.kept is None
    assert (await browser.get(back)).status_code == 303


async def test_a_code_that_somebody_else_used_is_explained(page: Page, forge: Forge) -> None:
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    code = next(iter(forge.world.codes))
    await convert(Site(forge.base_url, forge.api_url), code, httpx.ASGITransport(app=forge.app))
    answer = await browser.get(back)
    assert answer.status_code == 409
    assert "somebody else may have fetched the key" in answer.text
    assert f'href="{forge.base_url}/settings/apps"' in answer.text
    assert page.kept is None
    assert (await browser.get("/setup")).status_code == 200


async def test_afterwards_nothing_can_be_set_up(page: Page, forge: Forge) -> None:
    token = page.token
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    await browser.get(back)
    kept = page.kept
    assert (await browser.get(back)).status_code == 303
    assert (await page.asked(browser)).status_code == 303
    app = forge.world.create_app("evil", "Evil", permissions={}, events=[])
    code = forge.world.offer_credentials(app)
    await browser.get("/setup/github", params={"code": code, "state": state_of(back)})
    assert page.kept == kept
    async with page.browser() as stranger:
        assert (await stranger.get(f"/setup?token={token}")).status_code == 403


async def test_secrets_are_nowhere(page: Page, forge: Forge, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = page.token
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    answers = [await browser.get(back), await browser.get("/setup")]
    (app,) = forge.world.apps.values()
    shown = "".join(f"{one.text}{one.headers}" for one in answers) + page.registering.phase.__repr__()
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("bot."))
    assert "wright" in logged
    for secret in (app.private_key_pem, app.private_key_pem.splitlines()[3], app.webhook_secret or "\0", token):
        assert secret not in shown + logged
    assert app.private_key_pem.splitlines()[3] in (page.folder / "github-app.json").read_text()


# ── trouble ──


async def test_github_out_of_reach_may_be_asked_again(tmp_path: Path, forge: Forge) -> None:
    down = True

    async def github(request: httpx.Request) -> httpx.Response:
        if down:
            raise httpx.ConnectError("no route")
        return await httpx.ASGITransport(app=forge.app).handle_async_request(request)

    page = build(tmp_path, forge, httpx.MockTransport(github))
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    answer = await browser.get(back)
    assert answer.status_code == 502
    assert "did not answer this server" in answer.text
    down = False
    assert (await browser.get(back)).status_code == 303
    assert page.kept is not None


async def test_a_folder_that_takes_nothing_is_told_before_github_is_asked(page: Page) -> None:
    browser = await page.signed_in()
    shutil.rmtree(page.folder)
    answer = await page.asked(browser)
    assert answer.status_code == 507
    assert "No such file or directory" in answer.text
    assert "manifest" not in answer.text


async def test_a_key_that_cannot_be_written_is_not_thrown_away(page: Page) -> None:
    browser = await page.signed_in()
    back = await page.sent_back(await page.asked(browser))
    shutil.rmtree(page.folder)
    assert (await browser.get(back)).headers["location"] == "/setup"
    assert isinstance(page.registering.phase, Unsaved)
    assert not page.registering.done.is_set()
    told = await browser.get("/setup")
    assert "The key cannot be written" in told.text
    await browser.post("/setup/keep")
    assert isinstance(page.registering.phase, Unsaved)
    page.folder.mkdir()
    await browser.post("/setup/keep")
    assert isinstance(page.registering.phase, Registered)
    assert page.kept is not None
    assert os.listdir(page.folder) == ["github-app.json"]


# ── and then ──


async def test_the_bot_takes_over(page: Page) -> None:
    browser = await page.signed_in()
    await page.registered(browser)
    page.setup.held_up = "No agent: set `ISSUEWRIGHT_AGENT`."
    assert "cannot start yet" in (await browser.get("/setup")).text
    assert (await browser.get("/")).headers["location"] == "/setup"
    page.setup.held_up = ""

    async def reached() -> list[Reached] | str:
        return page.reached if page.reached else "GitHub could not be asked"

    page.setup.face, page.setup.reached = FACE, reached
    assert "GitHub could not be asked" in (await browser.get("/setup")).text
    page.reached.append(Reached("octocat/hello", labelled=False))
    assert "labels are being made" in (await browser.get("/setup")).text
    page.reached[0] = Reached("octocat/hello", labelled=True)
    welcome = (await browser.get("/setup")).text
    assert "Put <code>agent:run</code> on an issue" in welcome
    assert "http-equiv" not in welcome
    async with page.browser() as stranger:
        for path in ("/", "/webhooks/github", "/readyz", "/setups"):
            assert (await stranger.get(path)).text == f"face {path}"
        assert (await stranger.get("/setup")).status_code == 403
