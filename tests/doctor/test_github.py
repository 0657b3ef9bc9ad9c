"""The doctor on the App, against a real forge."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.demo.forge import Forge
from bot.doctor import Level, examine, exit_code, report
from bot.doctor.github import lacking
from bot.github.permissions import PERMISSIONS
from bot.sandbox.probe import probe
from bot.settings import Settings
from tests.doctor.conftest import PUBLIC, asked, bad, named

pytestmark = pytest.mark.anyio


async def test_a_bot_that_is_set_up_well(forge: Forge, settings: Callable[..., Settings]) -> None:
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    findings = await asked(forge, settings, public_url=PUBLIC, sandbox="auto")
    assert bad(findings) == []
    assert exit_code(findings) == 0
    assert named(findings, "GitHub knows the App wright: 1 installation.").level is Level.OK
    assert named(findings, f"Webhooks go to {PUBLIC}/webhooks/github.").level is Level.OK
    assert named(findings, "Agent scripted: /").level is Level.OK
    assert [finding.what for finding in findings if finding.level is Level.WARN] == [
        "The scripted demo agent replays prepared steps, without a language model."
    ]
    assert not any(request.writes for request in forge.requests)


async def test_permissions_that_lack_or_are_too_many(forge: Forge, settings: Callable[..., Settings]) -> None:
    (app,) = forge.world.apps.values()
    app.permissions = {**PERMISSIONS, "checks": "read", "administration": "write"}
    findings = await asked(forge, settings)
    assert named(findings, "lacks the permission `checks: write`").level is Level.BAD
    assert named(findings, "more than the bot needs: administration: write").level is Level.WARN
    assert named(findings, "has not accepted the permissions checks").level is Level.BAD


def test_levels_of_permissions() -> None:
    assert lacking({"checks": "write"}, {"checks": "read"}) == []
    assert lacking({"checks": "read"}, {"checks": "write", "issues": "read"}) == ["checks", "issues"]


async def test_webhooks_that_do_not_come(forge: Forge, settings: Callable[..., Settings]) -> None:
    (app,) = forge.world.apps.values()
    app.events = ["issues"]
    findings = await asked(forge, settings, public_url=PUBLIC)
    assert "issue_comment" in named(findings, "does not get the events").what
    findings = await asked(forge, settings, public_url="https://other.example/")
    assert named(findings, f"webhooks go to {PUBLIC}").mend.endswith("https://other.example/webhooks/github.")
    assert not [finding for finding in await asked(forge, settings) if "event" in finding.what]


async def test_installations_are_looked_at(forge: Forge, settings: Callable[..., Settings]) -> None:
    (installation,) = forge.world.installations
    forge.world.suspend_installation(installation, by="octocat")
    assert named(await asked(forge, settings), "is suspended").level is Level.WARN
    forge.world.uninstall_app(installation, by="octocat")
    assert named(await asked(forge, settings), "installed nowhere").level is Level.WARN


@pytest.mark.parametrize(("minutes", "side"), [(5, "ahead of"), (-5, "behind")])
async def test_a_wrong_clock_is_told(forge: Forge, settings: Callable[..., Settings], minutes: int, side: str) -> None:
    (app,) = forge.world.apps.values()
    async with forge.serve():  # a real server tells the time
        here = settings(github_app_id=str(app.id), github_api_url=forge.api_url)
        findings = await examine(here, clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
        assert named(findings, f"s {side} GitHub's").level is Level.BAD
        assert named(await examine(here), "differ by").level is Level.OK


async def test_a_refusal_tells_the_time_too(forge: Forge, settings: Callable[..., Settings]) -> None:
    async with forge.serve():
        here = settings(github_app_id="999", github_api_url=forge.api_url)
        findings = await examine(here, clock=lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert named(findings, "ahead of").level is Level.BAD
    assert "does not accept the App's id and private key" in named(findings, "cannot be seen").what


async def test_a_key_that_is_none(settings: Callable[..., Settings], tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\nnonsense\n-----END RSA PRIVATE KEY-----\n")
    key.chmod(0o644)
    findings = await examine(settings(github_app_id="12"))
    assert named(findings, "is no RSA private key").level is Level.BAD
    assert named(findings, "Others may read the private key").mend == f"chmod 600 {key}"
    assert not [finding for finding in findings if "cannot be seen" in finding.what]
    assert "nonsense" not in report(findings)


async def test_an_open_line_is_told(settings: Callable[..., Settings]) -> None:
    http = httpx.MockTransport(lambda _request: httpx.Response(500))
    findings = await examine(settings(github_app_id="12", github_api_url="http://github.example"), http=http)
    assert named(findings, "is not encrypted").level is Level.WARN
