"""`issuewright serve` without an App: kill -9 at any point leaves it set up, or with the page again."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bot.github.labels import LABELS
from tests.real.starting import LONGEST_WAIT, Newcomer, newcomer
from tests.web.setup.conftest import the_form

pytestmark = pytest.mark.anyio
AGENT = {"AGENT": "mine", "AGENT_COMMAND": "true", "AGENT_PROTOCOL": "command"}


def browser(here: Newcomer) -> httpx.AsyncClient:
    url = here.served.url
    return httpx.AsyncClient(base_url=url, headers={"origin": url, "accept": "text/html"}, timeout=60, trust_env=False)


async def asked(here: Newcomer, client: httpx.AsyncClient) -> str:
    """Sign in, fill in the form, make the App on GitHub; where GitHub sends the browser then."""
    assert (await client.get(here.path)).status_code == 303
    form = {"owner": "person", "host": here.forge.base_url, "name": "my-wright"}
    action, manifest = the_form((await client.post("/setup/app", data=form)).text)
    origin = {"origin": here.forge.base_url}
    made = {"manifest": manifest, "name": "my-wright", "by": "octocat"}
    async with httpx.AsyncClient(base_url=here.forge.base_url, headers=origin, trust_env=False) as person:
        answer = await person.post(f"/settings/apps?{urlsplit(action).query}", data=made)
    return urlsplit(answer.headers["location"])._replace(scheme="", netloc="").geturl()


async def until(there: Callable[[], Awaitable[bool]], here: Newcomer) -> None:
    began = time.monotonic()
    while not await there():
        assert time.monotonic() - began < LONGEST_WAIT, here.log
        await asyncio.sleep(0.05)


async def ready(here: Newcomer) -> bool:
    async with browser(here) as anyone:
        return "database" in (await anyone.get("/readyz")).json()


async def labelled(here: Newcomer) -> bool:
    return set(LABELS) <= set(here.forge.world.repo("octocat/hello").labels)


async def test_from_nothing_to_work_without_a_restart(tmp_path: Path) -> None:
    """With a public address: here one that leads to this machine, through a proxy that keeps the name."""
    async with newcomer(tmp_path, PUBLIC_URL="", **AGENT) as here:
        pid = here.served.process.pid
        async with browser(here) as client:
            assert (await client.get("/")).status_code == 403
            assert (await client.post("/webhooks/github", content=b"{}")).status_code == 503
            token = here.path.partition("token=")[2]
            answer = await client.get(await asked(here, client))
            assert answer.headers["location"] == "/setup"
            await until(lambda: ready(here), here)
            (app,) = here.forge.world.apps.values()
            app.webhook_url = f"{here.served.url}/webhooks/github"
            app.webhook_secret = here.credentials.read_text().split('"webhook_secret": "')[1].split('"')[0]
            here.forge.world.install_app(app, ["octocat/hello"], by="octocat")
            await until(lambda: labelled(here), here)

            async def welcomed() -> bool:
                return "The labels are there" in (await client.get("/setup")).text

            await until(welcomed, here)
            assert (await client.get("/setup", params={"token": token})).status_code == 403
        assert (here.served.process.pid, here.served.process.returncode) == (pid, None)
        assert stat.S_IMODE(here.credentials.stat().st_mode) == 0o600
        assert here.log.count("token=") == 1
        assert app.private_key_pem.splitlines()[3] not in here.log
        code, _ = await here.served.terminate()
        assert code == 0, here.log


async def test_killed_before_and_after(tmp_path: Path) -> None:
    """Before the key is kept there is the page again, with another token; afterwards the bot simply starts."""
    async with newcomer(tmp_path, **AGENT) as here:
        first = here.path
        async with browser(here) as client:
            back = await asked(here, client)
        await here.served.kill()
        await here.restart()
        assert here.path not in ("", first)
        async with browser(here) as client:
            assert (await client.get(first)).status_code == 403
            assert (await client.get(back)).status_code == 403
            assert (await client.get(here.path)).status_code == 303
            stale = await client.get(back)
            assert stale.status_code == 400
            assert "Delete that App" in stale.text
        await here.served.kill()
        here.forge.world.apps.clear()
        here.forge.world.users.pop("my-wright[bot]")
        (here.data / ".github-app.json.0123").write_text("half a key")
        await here.restart()
        async with browser(here) as client:
            await client.get(await asked(here, client))
        await here.served.kill()
        await here.restart()
        assert here.path == "", "no page: it is set up"
        await until(lambda: ready(here), here)
        assert [name for name in os.listdir(here.data) if "github-app" in name] == ["github-app.json"]


async def test_what_holds_the_bot_up_is_told_and_tried_again(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as here:
        async with browser(here) as client:
            await client.get(await asked(here, client))

            async def told() -> bool:
                return "The bot cannot start yet" in (await client.get("/setup")).text

            await until(told, here)
            assert (await client.get("/readyz")).status_code == 503
            (here.data / "issuewright.toml").write_text(
                'agent = "mine"\n[agents.mine]\ncommand = "true"\nprotocol = "command"\n'
            )
            await until(lambda: ready(here), here)
        assert here.log.count("the bot cannot start yet") == 1


async def test_it_ends_when_told(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as here:
        here.served.process.send_signal(signal.SIGINT)
        assert await here.served.process.wait() == 0, here.log
        assert "Traceback" not in here.log
