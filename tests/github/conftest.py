"""The door in front of the demo's forge: real git, GitHub's REST answers, no network."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.demo.forge import Forge, build_forge
from bot.demo.forge.model import App, Comment, Pull
from bot.demo.forge.model import Repository as ForgeRepo
from bot.github.api import Patience
from bot.github.door import Door, Server, open_door
from bot.github.limits import WriteLimits
from bot.github.transport import AppKey
from bot.task.ids import BranchName, InstallationId, IssueNumber, IssueRef, RepoRef
from bot.task.observed import PullDraft, Repository
from tests.github.canned import ManualClock, private_key

NAME = "octocat/hello"
PERMISSIONS = {"issues": "write", "pull_requests": "write", "contents": "write", "checks": "write"}
EVENTS = ("issues", "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment", "push")


@dataclass
class Town:
    """The forge, what is in it, and our door to it."""

    forge: Forge
    clock: ManualClock
    app: App
    row: ForgeRepo
    repo: RepoRef

    def door(self, limits: WriteLimits = WriteLimits()) -> Door:  # noqa: B008 - frozen
        """A new door: as after a restart, it remembers nothing."""
        server = Server(AppKey(str(self.app.id), private_key()), b"sesame", self.forge.api_url)
        http = httpx.ASGITransport(app=self.forge.app)
        return open_door(server, self.clock, http, limits, Patience(tries=3, pause=0))

    @property
    def place(self) -> Repository:
        """Where git finds it."""
        clone_url = f"{self.forge.base_url}/{self.repo.full_name}.git"
        return Repository(self.repo, BranchName("main"), clone_url, False, False)

    def issue(self) -> IssueRef:
        opened = self.forge.world.open_issue(self.row, "It breaks", "Often.", by="stranger", silent=True)
        return IssueRef(self.repo, IssueNumber(opened.number))

    def comments(self, ref: IssueRef) -> list[Comment]:
        return self.forge.world.issue(self.row, ref.number).comments

    def push(self, branch: str = "agent/1-fix", text: str = "one\nTWO\nthree\n") -> BranchName:
        self.forge.world.push_files(self.row, branch, {"a.txt": text}, by=self.app.bot, silent=True)
        return BranchName(branch)

    def draft(self, **changes: object) -> PullDraft:
        fields = {"head": "agent/1-fix", "base": "main", "title": "Fix it", "ours": "Report one", "draft": False}
        return PullDraft(**{**fields, **changes})  # type: ignore[arg-type]

    def pulls(self) -> list[Pull]:
        return self.row.pulls()

    def writes(self) -> int:
        """How many requests so far could have changed something, tokens aside."""
        return sum(1 for one in self.forge.requests if one.writes and not one.path.endswith("/access_tokens"))


@pytest.fixture
def make_town(tmp_path: Path) -> Callable[[], Town]:
    """Makes towns that are all alike."""
    count = itertools.count()
    return lambda: _new_town(tmp_path / str(next(count)))


@pytest.fixture
def town(make_town: Callable[[], Town]) -> Town:
    return make_town()


def _new_town(root: Path) -> Town:
    clock = ManualClock()
    forge = build_forge(root, clock=clock)
    world = forge.world
    for login in ("octocat", "maintainer", "reviewer", "reader", "stranger"):
        world.create_user(login)
    row = world.create_repository("octocat", "hello", {"a.txt": "one\ntwo\nthree\n"})
    world.grant(row, "maintainer", "maintain")
    world.grant(row, "reviewer", "write")
    world.grant(row, "reader", "read")
    app = world.create_app(
        "wright",
        "Wright",
        permissions=PERMISSIONS,
        events=EVENTS,
        private_key_pem=private_key(),
        webhook_url="http://bot.example/webhooks",
    )
    installation = world.install_app(app, [row], silent=True)
    return Town(forge, clock, app, row, RepoRef(row.id, NAME, InstallationId(installation)))
