"""Where the story is played: a forge on loopback, the sample repository in it, and a bot that serves it."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.demo import sample
from bot.demo.forge.forge import Forge, build_forge
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.serving import Serving, serving
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """A forge with the sample repository, and the bot beside it."""

    forge: Forge
    here: Serving
    repo_id: int


@asynccontextmanager
async def stage(folder: Path, port: int, script: dict[str, Any]) -> AsyncIterator[Stage]:
    """Set up under `folder` while the block runs. Every key and secret is made anew."""
    forge = build_forge(folder / "forge")
    async with forge.serve(port):
        world = forge.world
        world.create_user(sample.OWNER)
        world.create_user(sample.MAINTAINER)
        repo = world.create_repository(sample.OWNER, sample.NAME, sample.FILES)
        world.grant(sample.FULL_NAME, sample.MAINTAINER, "maintain")
        secret = secrets.token_hex(32)
        app = world.create_app(
            "issuewright", "Issuewright", permissions=dict(PERMISSIONS), events=sorted(EVENTS), webhook_secret=secret
        )
        settings = _settings(folder, forge, script, app.id, app.private_key_pem, secret)
        async with serving(settings) as here:
            app.webhook_url = f"{here.url}/webhooks/github"
            world.install_app(app, [sample.FULL_NAME])
            yield Stage(forge, here, repo.id)


def _settings(  # one argument for each thing that the forge gave out
    folder: Path, forge: Forge, script: dict[str, Any], app_id: int, private_key: str, secret: str
) -> Settings:
    script_file = folder / "script.json"
    script_file.write_text(json.dumps(script))
    return Settings(
        github_app_id=str(app_id),
        github_private_key=SecretStr(private_key),
        github_webhook_secret=SecretStr(secret),
        github_api_url=forge.api_url,
        database_url="sqlite:///demo.db",
        data_dir=folder / "data",
        config=None,
        host="127.0.0.1",
        port=0,
        agent="scripted",
        agent_command="",
        agent_script=script_file,
        feedback_quiet_seconds=1,
        sweep_seconds=30,
    )
