"""What the doctor makes of the webhook's latest deliveries, and of the credentials' file."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.demo.forge import Forge
from bot.doctor import Finding, Level, examine, report
from bot.doctor.deliveries import deliveries
from bot.github.about import AppAbout, DeliveryAbout
from bot.github.credentials import path_in, write
from bot.settings import Settings, with_stored_app
from tests.doctor.conftest import PUBLIC, asked, bad, named
from tests.github.test_credentials import SECRETS, app
from tests.web.setup.conftest import FACE

HOOK = f"{PUBLIC}/webhooks/github"
PAGE = "https://github.example/settings/apps/wright"


def told(*codes: int, expected: str | None = HOOK, status: str = "x") -> list[Finding]:
    """Deliveries with these status codes, newest first."""
    at = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    rows = tuple(DeliveryAbout(str(n), "issues", status, code, at) for n, code in enumerate(codes))
    return list(deliveries(AppAbout("wright", {}, frozenset(), 1, (), HOOK, rows), expected, PAGE))


def test_what_came_through() -> None:
    (finding,) = told(202, 200)
    assert (finding.level, finding.what) == (Level.OK, "The last 2 webhooks came through.")
    (finding,) = told(202, 502, 401)
    assert finding.level is Level.OK
    assert "2 of the last 3 webhooks failed" in finding.what
    assert "came through again" in finding.what


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (401, "the webhook secret that this server has"),
        (0, "GitHub must reach"),
        (502, "GitHub must reach"),
        (504, "GitHub must reach"),
        (503, "not set up yet, was busy"),
        (500, "the log of this server"),
        (301, "follows no redirects"),
        (413, "allow 25 MB"),
        (404, "passed on unchanged"),
        (405, "passed on unchanged"),
    ],
)
def test_every_failure_has_its_mend(code: int, mend: str) -> None:
    (finding,) = told(code, 202, status="Of a kind")
    assert finding.level is Level.WARN
    assert finding.what == (
        f"1 of the last 2 webhooks failed, the newest (issues, 2026-05-04 12:00 UTC) with {code} Of a kind."
    )
    assert mend in finding.mend
    assert HOOK in finding.mend or PAGE in finding.mend or code in (413, 503)


def test_an_app_that_sends_though_nobody_listens() -> None:
    (finding,) = told(502, expected=None)
    assert "does not expect any" in finding.what
    assert "Switch the webhook off" in finding.mend
    assert told(expected=None) == []


@pytest.mark.anyio
async def test_no_delivery_yet(forge: Forge, settings: Callable[..., Settings]) -> None:
    findings = await asked(forge, settings, public_url=PUBLIC)
    assert named(findings, "GitHub has delivered nothing lately").level is Level.OK
    assert not [one for one in await asked(forge, settings) if "delivered" in one.what]


@pytest.mark.anyio
async def test_a_wrong_secret_is_seen_from_githubs_side(forge: Forge, settings: Callable[..., Settings]) -> None:
    """The forge delivers to a receiver that refuses as ours does, and the doctor asks the forge."""

    async def refuses(_scope: object, _receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[misc]

    forge.hooks.transport = httpx.ASGITransport(app=refuses)
    forge.world.open_issue("octocat/hello", "A bug", "", by="octocat")
    await forge.hooks.flush()
    finding = named(await asked(forge, settings, public_url=PUBLIC), "1 of the last 1 webhook failed")
    assert "401 Unauthorized" in finding.what
    assert "webhook secret" in finding.mend
    forge.hooks.transport = httpx.ASGITransport(app=FACE)
    forge.world.open_issue("octocat/hello", "Another", "", by="octocat")
    await forge.hooks.flush()
    assert named(await asked(forge, settings, public_url=PUBLIC), "came through again").level is Level.OK


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "answer"), [(404, {"message": "Not Found"}), (200, [{"id": 1}])])
async def test_an_old_enterprise_server_does_not_tell(
    forge: Forge, settings: Callable[..., Settings], status: int, answer: object
) -> None:
    (registered,) = forge.world.apps.values()

    async def old(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/app/hook/deliveries"):
            return httpx.Response(status, json=answer)
        return await httpx.ASGITransport(app=forge.app).handle_async_request(request)

    here = settings(github_app_id=str(registered.id), github_api_url=forge.api_url, public_url=PUBLIC)
    findings = await examine(here, http=httpx.MockTransport(old))
    assert named(findings, "does not tell how its deliveries fared").level is Level.OK
    assert not bad([one for one in findings if "andbox" not in one.what])


# ── the file of the set-up page ──


@pytest.fixture
def newcomer(tmp_path: Path) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return Settings(data_dir=folder, sandbox="none", github_api_url="https://api.github.com")


@pytest.mark.anyio
async def test_a_file_that_others_may_read(newcomer: Settings) -> None:
    write(newcomer.data_dir, app())
    path = path_in(newcomer.data_dir)
    path.chmod(0o640)
    findings = await examine(with_stored_app(newcomer))
    assert named(findings, "Others may read the App's credentials").mend == f"chmod 600 {path}"
    assert not [secret for secret in SECRETS if secret in report(findings)]


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["link", "writable", "broken"])
async def test_a_file_that_may_not_be_used(newcomer: Settings, how: str) -> None:
    path = path_in(newcomer.data_dir)
    write(newcomer.data_dir, app())
    match how:
        case "link":
            path.rename(path.with_name("moved"))
            path.symlink_to(path.with_name("moved"))
        case "writable":
            path.chmod(0o666)
        case _:
            path.write_text(f"{{{SECRETS[0]}")
    findings = await examine(with_stored_app(newcomer))
    assert named(findings, str(path)).level is Level.BAD if how != "writable" else bad(findings)
    assert not [one for one in findings if "no GitHub App yet" in one.what]
    assert not [secret for secret in SECRETS if secret in report(findings)]
