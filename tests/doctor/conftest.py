"""A bot that is set up well, a forge that knows it, and how findings are looked at."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.forge import Forge, build_forge
from bot.doctor import Finding, Level, examine
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.settings import Settings
from tests.github.canned import private_key

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
