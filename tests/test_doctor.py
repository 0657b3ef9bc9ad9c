"""The doctor, against a real forge, real databases and the real sandbox of this machine."""

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.forge import Forge, build_forge
from bot.doctor import Finding, Level, examine, exit_code, report
from bot.doctor.github import lacking
from bot.doctor.machine import data_folder, python
from bot.doctor.sandbox import level, played
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.sandbox.capability import Capability
from bot.sandbox.probe import probe
from bot.settings import Settings
from bot.store.store import Store
from bot.task.effects import EnsureLabels, Pace, RunAgent, Sweep
from bot.task.results import SandboxLevel
from bot.wiring import wall_clock
from tests.github.canned import private_key
from tests.store.given import must_claim, working
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:1"
PUBLIC = "https://bot.example"
SCRIPT = json.dumps({"turns": [{"steps": [{"say": "Done."}]}]})


def named(findings: Sequence[Finding], words: str) -> Finding:
    """The one finding that says these words."""
    (found,) = [finding for finding in findings if words in finding.what]
    return found


def bad(findings: Sequence[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.level is Level.BAD]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def settings(tmp_path: Path, script: Path) -> Callable[..., Settings]:
    """Settings of a bot that is set up well but for its sandbox, with changes."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    key = tmp_path / "app.pem"
    key.write_text(private_key())
    key.chmod(0o600)
    well: dict[str, Any] = {
        "data_dir": data,
        "agent_script": script,
        "github_private_key_file": key,
        "github_webhook_secret": "sesame",
        "github_api_url": NOWHERE,
        "sandbox": "none",
    }
    return lambda **changes: Settings(**{**well, **changes})


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    """One repository, one App as app.yml wants it, installed."""
    forge = build_forge(tmp_path / "git")
    forge.world.create_user("octocat")
    repo = forge.world.create_repository("octocat", "hello", {"a.txt": "one\n"})
    app = forge.world.create_app(
        "wright",
        "Wright",
        permissions=dict(PERMISSIONS),
        events=sorted(EVENTS),
        private_key_pem=private_key(),
        webhook_url=f"{PUBLIC}/webhooks/github",
    )
    forge.world.install_app(app, [repo], silent=True)
    return forge


async def asked(forge: Forge, settings: Callable[..., Settings], **changes: Any) -> list[Finding]:
    """The whole examination, with GitHub answering."""
    (app,) = forge.world.apps.values()
    here = settings(**{"github_app_id": str(app.id), "github_api_url": forge.api_url, **changes})
    return await examine(here, http=httpx.ASGITransport(app=forge.app))


# ── nothing is set up ──


async def test_every_missing_setting_has_its_finding(tmp_path: Path) -> None:
    findings = await examine(Settings(data_dir=tmp_path / "data"))
    for name in ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "AGENT_COMMAND"):
        assert named(findings, f"ISSUEWRIGHT_{name}").level is Level.BAD
    assert named(findings, "every 120 s").level is Level.OK
    assert named(findings, "made at the first start").level is Level.OK
    assert named(findings, "no database").level is Level.OK
    assert named(findings, "git version").level is Level.OK
    assert exit_code(findings) == 1
    assert not (tmp_path / "data").exists()


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


# ── the App ──


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
    assert named(findings, "cannot be used").level is Level.BAD
    assert named(findings, "Others may read the private key").mend == f"chmod 600 {key}"
    assert not [finding for finding in findings if "cannot be seen" in finding.what]
    assert "nonsense" not in report(findings)


async def test_an_open_line_is_told(settings: Callable[..., Settings]) -> None:
    http = httpx.MockTransport(lambda _request: httpx.Response(500))
    findings = await examine(settings(github_app_id="12", github_api_url="http://github.example"), http=http)
    assert named(findings, "is not encrypted").level is Level.WARN


# ── the database ──


async def opened(settings: Settings, clock: Callable[[], datetime]) -> Store:
    return await Store.open(settings.database_url, pace=Pace(), clock=clock, data_dir=settings.data_dir)


async def test_a_served_database_is_read_and_left_alone(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    before = sorted((path.name, path.read_bytes()) for path in here.data_dir.iterdir())
    try:
        findings = await examine(here, clock=clock)
        after = sorted((path.name, path.read_bytes()) for path in here.data_dir.iterdir())
        await store.mark("still", "writable")
    finally:
        await store.close()
    assert named(findings, f"(pid {os.getpid()})").level is Level.OK
    assert named(findings, "schema 0001").level is Level.OK
    assert [name for name, _ in after] == [name for name, _ in before]
    assert [one for one in after if not one[0].endswith("-shm")] == [one for one in before if one[0][-4:] != "-shm"]


async def test_a_database_at_rest(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    await store.want("world", Sweep())
    await store.close()
    clock.advance(hours=1)
    before = {path.name: path.read_bytes() for path in here.data_dir.iterdir()}
    findings = await examine(here, clock=clock)
    after = {path.name: path.read_bytes() for path in here.data_dir.iterdir()}
    after.pop("issuewright.db-shm")  # SQLite's own: whoever reads makes them, without content
    assert after.pop("issuewright.db-wal") == b""
    assert after == before
    assert named(findings, "No process has").level is Level.OK
    told = named(findings, "The oldest due effect, Sweep of world, has waited for 1 h")
    assert (told.level, "when `serve` runs" in told.what) == (Level.OK, True)


async def test_what_was_given_up_and_what_is_late(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    try:
        _, claimed = await working(store)
        await store.bury(claimed, "OSError: the disk is full")
        await store.want("repo:1", EnsureLabels(1, "acme/app", 5))
        labels = await must_claim(store, EnsureLabels)
        await store.release(labels, clock.now, fault="GitHub could not list the labels")
        clock.advance(minutes=2)
        findings = await examine(here, clock=clock)
    finally:
        await store.close()
    assert "RunAgent of task:1 (OSError: the disk is full)" in named(findings, "given up").what
    assert named(findings, "given up").level is Level.WARN
    assert "could not list the labels" in named(findings, "will be tried again").what
    assert named(findings, "oldest due effect").level is Level.WARN


async def test_what_waits_behind_a_running_step_is_not_late(settings: Callable[..., Settings]) -> None:
    here, clock = settings(), StillClock()
    store = await opened(here, clock)
    try:
        task, _held = await working(store)
        while (claimed := await store.claim("w")) is not None:
            await store.finish(claimed)
        await store.want(f"task:{task.id}", RunAgent(1, 2))
        clock.advance(hours=1)
        findings = await examine(here, clock=clock)
    finally:
        await store.close()
    assert not [finding for finding in findings if "oldest due" in finding.what]


async def test_a_file_that_is_no_database(settings: Callable[..., Settings]) -> None:
    here = settings()
    (here.data_dir / "issuewright.db").write_text("Dear diary, today nothing happened at all." * 20)
    findings = await examine(here)
    assert named(findings, "is not a database").level is Level.BAD


async def test_a_database_of_another_kind(settings: Callable[..., Settings]) -> None:
    findings = await examine(settings(database_url="postgresql://localhost/issuewright"))
    assert named(findings, "postgresql").level is Level.BAD


# ── the machine ──


def test_old_pythons_are_told() -> None:
    assert python((3, 10)).level is Level.BAD
    assert python().level is Level.OK


def test_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert next(data_folder(folder)).mend == f"chmod 700 {folder}"
    folder.chmod(0o700)
    assert next(data_folder(folder)).level is Level.OK
    (tmp_path / "file").write_text("")
    assert next(data_folder(tmp_path / "file" / "data")).level is Level.BAD


def test_levels_of_the_sandbox() -> None:
    none = level(Capability(SandboxLevel.NONE, "It cannot.", "Do this."))
    assert (none.level, none.mend) == (Level.BAD, "Do this.")
    assert level(Capability(SandboxLevel.NONE, "None.", insisted=True)).level is Level.WARN
    assert level(Capability(SandboxLevel.EXTERNAL, "Outside.", insisted=True)).level is Level.WARN
    assert level(Capability(SandboxLevel.CHECKOUT, "Well.")).level is Level.OK


async def test_the_agents_program_is_looked_for_inside(settings: Callable[..., Settings], tmp_path: Path) -> None:
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    hidden = tmp_path / "agent"  # there on the host, not inside
    hidden.write_text("#!/bin/sh\n")
    hidden.chmod(0o755)
    findings = await examine(settings(sandbox="auto", agent="mine", agent_command=f"{hidden} acp"))
    assert named(findings, f"starts `{hidden}`, which is not found inside").level is Level.BAD
    findings = await examine(settings(sandbox="auto", agent="mine", agent_command="python3 -m agent"))
    assert named(findings, "Agent mine: /").level is Level.OK


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not `{turns"),
        ('{"turns": [{"say": "Hello"}]}', "is not `{turns"),
        ('{"turns": []}', "no turns"),
    ],
)
def test_a_script_that_cannot_be_played(script: Path, text: str, words: str) -> None:
    script.write_text(text)
    assert named(list(played(script)), words).level is Level.BAD


# ── what is told ──


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
    assert wall_clock().tzinfo is UTC
