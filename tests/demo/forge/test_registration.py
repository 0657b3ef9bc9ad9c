"""Registering an app from a manifest, and installing it, as on GitHub."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.demo.forge.conftest import Place
from tests.demo.forge.test_pages import Tags, browser

pytestmark = pytest.mark.anyio
BACK = "http://bot.example/setup/github"


def manifest(**changes: Any) -> str:
    hook = {"url": "http://bot.example/hooks", "active": True}
    plain = {"name": "Tool", "url": "http://bot.example", "redirect_url": BACK, "hook_attributes": hook}
    return json.dumps({**plain, "default_permissions": {"issues": "write"}, "default_events": ["issues"], **changes})


async def create(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    form = {"manifest": manifest(), "name": "My Tool", "org": "", "by": "octocat", **changes}
    return await client.post("/settings/apps?state=s%26t", data=form, follow_redirects=False)


async def test_an_app_is_asked_for_and_made(place: Place) -> None:
    async with browser(place) as client:
        asked = await client.post(
            "/settings/apps/new?state=s", data={"manifest": manifest()}, headers={"origin": "http://bot.example"}
        )
        assert asked.status_code == 200
        assert Tags(asked.text).open == []
        assert "form-action 'self' http://bot.example;" in asked.headers["content-security-policy"]
        assert len(place.forge.world.apps) == 1, "nothing is made before somebody agrees"
        made = await create(client)
        query = parse_qs(urlsplit(made.headers["location"]).query)
        assert made.headers["location"].startswith(f"{BACK}?")
        assert query["state"] == ["s&t"]
        again = await create(client)
        assert "Name is already taken" in again.text
        api = f"{place.forge.api_url}/app-manifests/{query['code'][0]}/conversions"
        answer = await client.post(api)
        assert (answer.status_code, answer.json()["slug"], answer.json()["events"]) == (201, "my-tool", ["issues"])
        assert (await client.post(api)).status_code == 404
    app = place.forge.world.app_by_slug("my-tool")
    assert app.webhook_url == "http://bot.example/hooks"
    assert answer.json()["webhook_secret"] == app.webhook_secret != ""


async def test_a_webhook_that_is_off_has_no_secret(place: Place) -> None:
    off = manifest(hook_attributes={"url": "http://bot.example/hooks", "active": False})
    async with browser(place) as client:
        made = await create(client, manifest=off)
        code = parse_qs(urlsplit(made.headers["location"]).query)["code"][0]
        answer = await client.post(f"{place.forge.api_url}/app-manifests/{code}/conversions")
    assert answer.json()["webhook_secret"] is None
    assert place.forge.world.app_by_slug("my-tool").webhook_url is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", manifest(redirect_url="javascript:x"), manifest(surprise=1), manifest(name="x" * 35)]
)
async def test_a_manifest_that_is_none(place: Place, text: str) -> None:
    async with browser(place) as client:
        answer = await client.post("/settings/apps/new", data={"manifest": text})
    assert (answer.status_code, answer.text[:32]) == (422, "Invalid GitHub App configuration")


async def test_other_sites_make_and_install_nothing(place: Place) -> None:
    async with browser(place) as client:
        client.headers["origin"] = "http://evil.example"
        assert (await create(client)).status_code == 403
        assert (await client.post("/apps/wright/installations", data={"repo": "octocat/hello"})).status_code == 403
    assert len(place.forge.world.apps) == len(place.forge.world.installations) == 1


async def test_an_organization_owns_its_app(place: Place) -> None:
    world = place.forge.world
    world.create_user("acme", kind="Organization")
    async with browser(place) as client:
        page = "/organizations/{}/settings/apps/new"
        for owner, status in (("acme", 200), ("octocat", 404), ("nobody", 404)):
            assert (await client.post(page.format(owner), data={"manifest": manifest()})).status_code == status
        await create(client, org="acme")
    assert world.app_by_slug("my-tool").owner is world.user("acme")


async def test_it_is_installed_where_its_owner_is(place: Place) -> None:
    world = place.forge.world
    world.create_repository("stranger", "other", {"a": "b"})
    async with browser(place) as client:
        await create(client)
        page = await client.get("/apps/my-tool/installations/new")
        assert "octocat/hello" in page.text
        assert "stranger/other" not in page.text
        assert Tags(page.text).open == []
        for repo in ("stranger/other", ""):
            answer = await client.post("/apps/my-tool/installations", data={"repo": repo, "by": "octocat"})
            assert answer.status_code in (404, 422)
        done = await client.post("/apps/my-tool/installations", data={"repo": "octocat/hello", "by": "octocat"})
        assert "is installed" in done.text
    (new,) = [one for one in world.installations.values() if one.app.slug == "my-tool"]
    assert [repo.full_name for repo in new.repositories] == ["octocat/hello"]
