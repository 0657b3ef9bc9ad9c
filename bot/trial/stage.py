"""Where a trial takes place: a forge on loopback that borrows the person's repository, and a bot that serves it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.demo.forge.forge import build_forge
from bot.demo.forge.model import App, Pull
from bot.demo.forge.world import World
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.serving import serving
from bot.settings import Settings
from bot.task.ids import IssueNumber
from bot.task.model import LABEL_RUN, Task
from bot.trial.issue import IssueText
from bot.trial.source import Source
from bot.wiring import Bot

PERSON = "you--locally"
"""Who opens and labels the issue. GitHub allows no two dashes in a row: nobody there is called like this, so the
co-author line of a commit that is pushed later names no stranger."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The forge with the person's repository, and the bot beside it."""

    bot: Bot
    world: World
    repo: str
    """Full name on the forge."""
    repo_id: int

    @property
    def git(self) -> Path:
        """The forge's bare repository."""
        return self.world.repo(self.repo).git.path

    def label(self, text: IssueText) -> IssueNumber:
        """Open the issue and put the label on it."""
        issue = self.world.open_issue(self.repo, text.title, text.body, by=PERSON)
        self.world.label_issue(self.repo, issue.number, LABEL_RUN, by=PERSON)
        return IssueNumber(issue.number)

    def stop(self, issue: IssueNumber) -> None:
        """Say `/agent stop`: what was done is kept."""
        self.world.comment(self.repo, issue, "/agent stop", by=PERSON)

    def pull(self, task: Task) -> Pull | None:
        """The task's pull request."""
        return None if task.pull is None else self.world.pull(self.repo, task.pull)

    async def task(self, issue: IssueNumber) -> Task | None:
        return await self.bot.store.latest_task(self.repo_id, issue)


@asynccontextmanager
async def stage(folder: Path, source: Source, settings: Settings) -> AsyncIterator[Stage]:
    """Set up under `folder` while the block runs. Every key and secret is made anew; nothing leaves the machine."""
    forge = build_forge(folder / "forge")
    async with forge.serve():
        world = forge.world
        world.create_user(PERSON)
        repo = world.house_repository(PERSON, source.name, source.lend, default_branch=source.branch)
        app = world.create_app(
            "issuewright",
            "Issuewright",
            permissions=dict(PERMISSIONS),
            events=sorted(EVENTS),
            webhook_secret=secrets.token_hex(32),
        )
        async with serving(_embedded(settings, folder, forge.api_url, app)) as here:
            await here.bot.store.declare_pauses({})  # a pause is for the server, not for a trial
            app.webhook_url = f"{here.url}/webhooks/github"
            world.install_app(app, [repo.full_name])
            yield Stage(here.bot, world, repo.full_name, repo.id)


def _embedded(settings: Settings, folder: Path, api_url: str, app: App) -> Settings:
    """The person's settings of agent and sandbox; everything else is this trial's own."""
    return settings.model_copy(
        update={
            "github_app_id": str(app.id),
            "github_private_key": SecretStr(app.private_key_pem),
            "github_private_key_file": None,
            "github_webhook_secret": SecretStr(app.webhook_secret),
            "github_api_url": api_url,
            "database_url": "sqlite:///trial.db",
            "data_dir": folder / "data",
            "public_url": None,
            "host": "127.0.0.1",
            "port": 0,
            "operator_token": SecretStr(""),
            "sweep_seconds": 30,
            "onboarding": False,
        }
    )
