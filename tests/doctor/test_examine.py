"""The whole examination of a bot that is not set up, and how it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.doctor import Finding, Level, examine, exit_code, report
from bot.settings import Settings
from tests.doctor.conftest import NOWHERE, bad, named
from tests.github.canned import private_key

pytestmark = pytest.mark.anyio


async def test_every_missing_setting_has_its_finding(tmp_path: Path) -> None:
    findings = await examine(Settings(data_dir=tmp_path / "data"))
    no_app = named(findings, "There is no GitHub App yet.")
    assert no_app.level is Level.BAD
    assert "`issuewright serve`" in no_app.mend
    for name in ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET"):
        assert f"ISSUEWRIGHT_{name}" in no_app.mend
        partly = await examine(Settings(data_dir=tmp_path / "data", **_all_but(name)))
        assert named(partly, f"ISSUEWRIGHT_{name}").level is Level.BAD
    assert named(findings, "ISSUEWRIGHT_AGENT_COMMAND").level is Level.BAD
    assert named(findings, "every 120 s").level is Level.OK
    assert named(findings, "made at the first start").level is Level.OK
    assert named(findings, "no database").level is Level.OK
    assert named(findings, "git version").level is Level.OK
    assert exit_code(findings) == 1
    assert not (tmp_path / "data").exists()


def _all_but(name: str) -> dict[str, Any]:
    parts = {"github_app_id": "12", "github_private_key": private_key(), "github_webhook_secret": "sesame"}
    return {**{part: value for part, value in parts.items() if part != name.lower()}, "github_api_url": NOWHERE}


async def test_a_network_that_fails_is_a_finding(settings: Callable[..., Settings]) -> None:
    findings = await examine(settings(github_app_id="12"))
    (broken,) = bad(findings)
    assert broken.startswith("The App cannot be seen: GitHub could not tell who the App is (")
    assert NOWHERE in named(findings, "cannot be seen").mend


async def test_something_else_than_github_is_a_finding(settings: Callable[..., Settings]) -> None:
    contents: list[Any] = [{"hello": "world"}, [], None, "<html>"]
    for content in contents:
        http = httpx.MockTransport(lambda _request, said=content: httpx.Response(200, json=said))
        findings = await examine(settings(github_app_id="12"), http=http)
        assert "is not GitHub's API" in named(findings, "cannot be seen").what


def test_the_report() -> None:
    findings = [Finding(Level.OK, "Fine."), Finding(Level.WARN, "Odd."), Finding(Level.BAD, "Broken.", "Mend it.")]
    assert report(findings).splitlines() == [
        "OK    Fine.",
        "WARN  Odd.",
        "BAD   Broken.",
        "      → Mend it.",
        "",
        "1 thing to mend, 1 thing to know.",
    ]
    assert report(findings[:1]).endswith("All is well.")
    assert [exit_code(findings[:2]), exit_code(findings)] == [0, 1]
