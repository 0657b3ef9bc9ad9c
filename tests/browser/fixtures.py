"""A real browser for the tests that need one, and what is said when there is none. Loaded as a plugin."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser

REQUIRED = "ISSUEWRIGHT_REQUIRE_CHROMIUM"
NOT_RUN = "browser half not run: no Chromium found (chromium, chromium-browser, google-chrome)"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # its pages are our own, and as root it starts no other way
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its program. Without one the test is skipped, or fails where it is required."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(NOT_RUN, pytrace=False)
        pytest.skip(NOT_RUN)
    return found


@asynccontextmanager
async def browsing(program: str) -> "AsyncIterator[Browser]":
    """A browser with an empty profile of its own, gone in the end."""
    from playwright.async_api import async_playwright

    with tempfile.TemporaryDirectory(prefix="issuewright-browser-", ignore_cleanup_errors=True) as home:
        env: dict[str, str | float | bool] = {"PATH": os.environ["PATH"], "HOME": home}
        async with async_playwright() as play:
            browser = await play.chromium.launch(executable_path=program, args=list(FLAGS), env=env, timeout=120_000)
            try:
                yield browser
            finally:
                await browser.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it plainly; a line of `s` among hundreds of dots is overlooked."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NOT_RUN in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(NOT_RUN, yellow=True, bold=True)
