"""A small forge with people, a repository and an installed app, for the tests of the forge itself."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.forge import Forge, build_forge
from bot.demo.forge.model import App, Repository
from bot.demo.forge.world.apps import new_private_key

REPO = "octocat/hello"
EVENTS = [
    "issues", "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment", "push",
    "check_run", "create", "delete",
]  # fmt: skip
PERMISSIONS = {"issues": "write", "pull_requests": "write", "contents": "write", "checks": "write"}


@dataclass
class Clock:
    """World time that only moves when told to."""

    time: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Receiver:
    """An ASGI app that keeps the webhooks it gets."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        self.got.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Place:
    """The forge and what was put into it."""

    forge: Forge
    clock: Clock
    receiver: Receiver
    app: App
    repo: Repository
    installation: int

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A REST client; without a token the installation asks."""
        value = token or self.forge.world.create_installation_token(self.installation).value
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.forge.app),
            base_url=f"{self.forge.api_url}/repos/{REPO}",
            headers={"authorization": f"Bearer {value}", **headers},
        )

    def open_pull(self, branch: str = "topic", path: str = "a.txt", text: str = "one\nTWO\nthree\n") -> int:
        """A pull request of the bot that changes one file."""
        world = self.forge.world
        world.push_files(REPO, branch, {path: text}, by=self.app.bot, message="Change")
        return world.open_pull(REPO, "A change", branch, "main", by=self.app.bot, body="Closes #1").number


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def private_key() -> str:
    return new_private_key()


@pytest.fixture
def place(tmp_path: Path, private_key: str) -> Place:
    clock, receiver = Clock(), Receiver()
    forge = build_forge(tmp_path / "git", clock=clock, webhook_transport=httpx.ASGITransport(app=receiver))
    world = forge.world
    for login in ("octocat", "maintainer", "reviewer", "stranger"):
        world.create_user(login)
    repo = world.create_repository("octocat", "hello", {"a.txt": "one\ntwo\nthree\n", "docs/b.md": "# b\n"})
    world.grant(repo, "maintainer", "maintain")
    world.grant(repo, "reviewer", "write")
    app = world.create_app(
        "wright",
        "Wright",
        permissions=PERMISSIONS,
        events=EVENTS,
        private_key_pem=private_key,
        webhook_url="http://bot.example/webhooks",
        webhook_secret="not a secret",
    )
    installation = world.install_app(app, [repo], silent=True)
    world.open_issue(repo, "A bug", "It breaks.", by="stranger", silent=True)
    return Place(forge, clock, receiver, app, repo, installation)
