"""A forge with several repositories, each with an installation of its own, and one bot's App on all of them."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.demo.forge.forge import Forge, build_forge, wall_clock
from bot.demo.forge.model import App
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.store.store import Store
from bot.task.effects import Pace
from bot.web.asgi import Receive, Scope, Send
from bot.web.webhooks import Receiver
from tests.worlds.real_world import BOT, SECRET, private_key

FILES = {"README.md": "widgets\n", ".github/issuewright.yml": "checks:\n  tests: grep -q done widget.txt\n"}


@dataclass
class Town:
    """GitHub's budget of writes counts per installation: a hundred tasks in a minute need more than one."""

    folder: Path
    places: int
    think: float = 0.3
    """Seconds that a turn of the agent takes."""
    forge: Forge = field(init=False)
    app: App = field(init=False)
    issues: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.forge = build_forge(self.folder / "forge")
        world = self.forge.world
        world.create_user("stranger")
        world.create_user("maintainer")
        self.app = world.create_app(
            "issuewright", "Issuewright", permissions=dict(PERMISSIONS), events=sorted(EVENTS), webhook_secret=SECRET,
            private_key_pem=private_key(),
        )  # fmt: skip
        for repo in self.repos:
            owner, _, name = repo.partition("/")
            world.create_user(owner)
            made = world.create_repository(owner, name, FILES)
            # every change of a branch leaves a line
            subprocess.run(["git", "-C", made.git.path, "config", "core.logAllRefUpdates", "always"], check=True)
            world.grant(repo, "maintainer", "maintain")
            world.install_app(self.app, [repo])

    @property
    def repos(self) -> list[str]:
        return [f"octo{n}/widgets" for n in range(self.places)]

    def script(self) -> Path:
        """What the agent does, in a file."""
        steps = [{"write": {"path": "widget.txt", "text": "done\n"}}, {"think": self.think}, {"say": "Done."}]
        file = self.folder / "script.json"
        file.write_text(json.dumps({"turns": [{"steps": steps}]}))
        return file

    def label_an_issue(self) -> None:
        """In one repository after the other."""
        repo = self.repos[len(self.issues) % self.places]
        issue = self.forge.world.open_issue(repo, f"Fix widget {len(self.issues)}", "", by="stranger")
        self.forge.world.label_issue(repo, issue.number, "agent:run", by="maintainer")
        self.issues.append((repo, issue.number))

    def pulls_of(self, repo: str, issue: int) -> list[Any]:
        closes = re.compile(rf"Closes #{issue}\b")
        return [pull for pull in self.forge.world.repo(repo).pulls() if closes.search(pull.issue.body or "")]

    def said(self, repo: str, issue: int, marker: str) -> list[str]:
        """Comments of the bot whose hidden line begins with this marker."""
        comments = [one for one in self.forge.world.issue(repo, issue).comments if one.author.login == BOT]
        return [one.body for one in comments if f"<!-- issuewright:{marker}" in one.body]

    def changes_of(self, repo: str, branch: str) -> list[str]:
        """Every change that a branch went through (reflog)."""
        git = self.forge.world.repo(repo).git
        return git.text("reflog", "show", "--format=%H", f"refs/heads/{branch}").splitlines()

    @asynccontextmanager
    async def receiving(self, database: str) -> AsyncIterator[Store]:
        """Webhooks are stored by this process, and the forge answers, while the block runs."""
        store = await Store.open(database, pace=Pace(), clock=wall_clock, data_dir=self.folder / "receiver")
        receiver = Receiver(store, SECRET.encode(), _nothing, Counter())
        self.app.webhook_url = "http://bot/webhooks/github"
        self.forge.hooks.transport = httpx.ASGITransport(app=receiver)
        try:
            async with self.forge.serve(deliver=True):
                yield store
        finally:
            await store.close()


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("only webhooks come here")
