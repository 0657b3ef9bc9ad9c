"""A set-up page in front of a forge, without a server between; and browsers that keep cookies."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.demo.forge import Forge
from bot.github.credentials import Credentials, read
from bot.github.site import Site
from bot.web.addresses import Addresses
from bot.web.asgi import ASGIApp
from bot.web.rendering import Rendering
from bot.web.setup.app import Found, Reached, SetUp
from bot.web.setup.entry import Entry
from bot.web.setup.registering import Registering
from tests.real.starting import a_forge
from tests.web.worlds import ManualClock

HERE = "http://localhost:8000"
PUBLIC = "https://bot.example"


@dataclass(frozen=True)
class Finding:
    level: str
    what: str
    mend: str = ""


@dataclass
class Page:
    """The set-up page, its data folder, and GitHub's side."""

    folder: Path
    forge: Forge
    clock: ManualClock
    setup: SetUp
    registering: Registering
    reached: list[Reached] = field(default_factory=list)

    @property
    def token(self) -> str:
        assert self.setup.entry.token is not None
        return self.setup.entry.token

    @property
    def kept(self) -> Credentials | None:
        return read(self.folder)

    def browser(self, host: str = HERE, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """Sends its own origin along, as browsers do with forms."""
        transport = httpx.ASGITransport(app=self.setup, client=(address, 5000))
        sent = {"origin": host, "accept": "text/html", **headers}
        return httpx.AsyncClient(transport=transport, base_url=host, headers=sent)

    async def signed_in(self, host: str = HERE) -> httpx.AsyncClient:
        browser = self.browser(host)
        answer = await browser.get(f"/setup?token={self.token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
        return browser

    async def asked(self, browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
        """The form is filled in and sent."""
        form = {"owner": "person", "organization": "", "host": self.forge.base_url, "name": "wright", **fields}
        return await browser.post("/setup/app", data=form)

    async def sent_back(self, page: httpx.Response) -> str:
        """The person makes the App on GitHub; where GitHub sends the browser then, with code and state."""
        action, manifest = the_form(page.text)
        transport = httpx.ASGITransport(app=self.forge.app)
        at = self.forge.base_url
        async with httpx.AsyncClient(transport=transport, base_url=at, headers={"origin": at}) as person:
            assert (await person.post(action, data={"manifest": manifest})).status_code == 200
            org = action.split("/organizations/")[1].split("/")[0] if "/organizations/" in action else ""
            made = {"manifest": manifest, "name": "wright", "org": org, "by": "octocat"}
            answer = await person.post(f"/settings/apps?{urlsplit(action).query}", data=made)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def registered(self, browser: httpx.AsyncClient) -> httpx.Response:
        """The whole way."""
        return await browser.get(await self.sent_back(await self.asked(browser)))


def the_form(page: str) -> tuple[str, str]:
    """Where the page's form goes, and the manifest in it."""
    action = re.search(r'<form[^>]* action="(http[^"]+)"', page)
    manifest = re.search(r'name="manifest" value="([^"]+)"', page)
    assert action
    assert manifest
    return html.unescape(action[1]), html.unescape(manifest[1])


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


def build(folder: Path, forge: Forge, http: httpx.AsyncBaseTransport | None = None, **changes: Any) -> Page:
    """`changes`: public_url, site, fixed."""
    clock = ManualClock()
    data = folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    registering = Registering(data, clock, http or httpx.ASGITransport(app=forge.app))

    async def findings() -> Sequence[Found]:
        return [Finding("ok", "All well here"), Finding("bad", "No <agent>.", "Set `AGENT`.")]

    given: dict[str, Any] = {"public_url": None, "site": Site(forge.base_url, forge.api_url), "fixed": False, **changes}
    setup = SetUp(
        entry=Entry(given["public_url"]),
        registering=registering,
        rendering=Rendering(Addresses("https://github.com"), clock),
        findings=findings,
        sweep_seconds=120,
        **given,
    )
    return Page(data, forge, clock, setup, registering)


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return a_forge(tmp_path)


@pytest.fixture
def page(tmp_path: Path, forge: Forge) -> Page:
    return build(tmp_path, forge)


async def plain_face(scope: Any, _receive: Any, send: Any) -> None:
    """The bot's own face: says which path it was asked for."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"face {scope['path']}".encode()})


FACE: ASGIApp = plain_face
