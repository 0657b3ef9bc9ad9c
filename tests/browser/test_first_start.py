"""A newcomer with a browser: from the address in the log to the labels in the repository. The forge plays GitHub.

The bot is opened as localhost and the forge as 127.0.0.1: for a browser these are two sites, as in real life.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.github.labels import LABELS
from tests.browser.fixtures import browsing
from tests.real.starting import Newcomer, newcomer

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.anyio
PATIENCE = 90_000
"""Milliseconds; for what takes one or two seconds on an idle machine."""
AGENT = {"AGENT": "mine", "AGENT_COMMAND": "true", "AGENT_PROTOCOL": "command"}
WIDTHS = (400, 1200)


async def test_from_the_log_to_the_labels(chromium: str, tmp_path: Path) -> None:
    async with newcomer(tmp_path, **AGENT) as here, browsing(chromium) as browser:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        await page.goto(address(here))
        assert page.url.endswith("/setup"), "the token stays in no history"
        await fits(page)
        await page.get_by_label("An organization").check()
        await page.get_by_label("Name of the organization").fill("octo-org")
        await page.get_by_role("textbox", name="GitHub").fill(here.forge.base_url)
        await page.get_by_label("Name of the App").fill("my-wright")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("heading", name="register my-wright").wait_for()
        await fits(page)
        await page.get_by_role("button", name="Continue on").click()
        await page.get_by_role("button", name="Create GitHub App").click()
        await page.wait_for_url("**/setup")
        await page.get_by_role("heading", name="my-wright is registered").wait_for()
        await fits(page)
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Install it on GitHub").click()
        other = await opened.value
        await other.get_by_label("octo-org/widgets").check()
        await other.get_by_role("button", name="Install").click()
        await other.get_by_role("heading", name="my-wright is installed").wait_for()
        await page.get_by_text("Put agent:run on an issue").wait_for()
        await fits(page)
        assert await page.locator(".rows .title").all_inner_texts() == ["octo-org/widgets"]
        await page.get_by_role("link", name="See the tasks").click()
        await page.get_by_role("heading", name="Needs you").wait_for()
        labels = here.forge.world.repo("octo-org/widgets").labels
        assert set(LABELS) <= set(labels)
        assert complaints == []


async def fits(page: "Page") -> None:
    """Nothing is wider than the window, small or large."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def address(here: Newcomer) -> str:
    return here.served.url.replace("127.0.0.1", "localhost") + here.path
