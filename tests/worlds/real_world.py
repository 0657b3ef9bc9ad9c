"""GitHub as it really is to a bot: the demo's forge, with real git behind real HTTP, and the small world's verbs."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.demo.forge.forge import Forge, build_forge, wall_clock
from bot.demo.forge.model import App, Comment, Issue, Pull
from bot.demo.forge.world.apps import new_private_key
from bot.demo.forge.world.reviews import Verdict
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.settings import Settings
from tests.worlds.memory_git import Files

OWNER = "octo"
REPO = "octo/widgets"
BOT = "issuewright[bot]"
SECRET = "a webhook secret for tests"

_VERDICTS: Mapping[str, Verdict] = {
    "APPROVED": "APPROVE",
    "CHANGES_REQUESTED": "REQUEST_CHANGES",
    "COMMENTED": "COMMENT",
}
_KEYS: list[str] = []


def private_key() -> str:
    """One App key for all tests of this process: making one costs a tenth of a second."""
    if not _KEYS:
        _KEYS.append(new_private_key())
    return _KEYS[0]


@dataclass
class RealWorld:
    """One repository with one installation, as in the small world."""

    folder: Path
    files: Files
    clock: Callable[[], datetime] = wall_clock
    forge: Forge = field(init=False)
    app: App = field(init=False)
    repo_id: int = field(init=False)
    installation: int = field(init=False)

    def __post_init__(self) -> None:
        self.forge = build_forge(self.folder / "forge", clock=self.clock)
        world = self.forge.world
        for login in (OWNER, "maintainer", "reviewer", "stranger"):
            world.create_user(login)
        self.repo_id = world.create_repository(OWNER, "widgets", self.files).id
        world.grant(REPO, "maintainer", "maintain")
        world.grant(REPO, "reviewer", "write")
        self.app = world.create_app(
            "issuewright",
            "Issuewright",
            permissions=dict(PERMISSIONS),
            events=sorted(EVENTS),
            webhook_secret=SECRET,
            private_key_pem=private_key(),
        )
        self.installation = world.install_app(self.app, [REPO])

    def serve(self, *, deliver: bool) -> AbstractAsyncContextManager[str]:
        """Answer on loopback; `deliver`: send webhooks in the background to wherever the App wants them."""
        return self.forge.serve(deliver=deliver)

    def settings(self, script: Mapping[str, Any], **more: Any) -> Settings:
        """Of a bot that works for this App; `script` is what its agent replays."""
        file = self.folder / "script.json"
        file.write_text(json.dumps(script))
        given: dict[str, Any] = {
            "github_app_id": str(self.app.id),
            "github_private_key": SecretStr(self.app.private_key_pem),
            "github_webhook_secret": SecretStr(SECRET),
            "github_api_url": self.forge.api_url,
            "data_dir": self.folder / "data",
            "port": 0,
            "agent_script": file,
        }
        return Settings(**{**given, **more})

    # ── people ──

    def open_issue(self, title: str, body: str = "", by: str = "stranger") -> int:
        return self.forge.world.open_issue(REPO, title, body, by=by).number

    def edit_issue(self, number: int, body: str, by: str = "stranger") -> None:
        self.forge.world.edit_issue(REPO, number, body=body, by=by)

    def label(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None:
        self.forge.world.label_issue(REPO, number, label, by=by)

    def unlabel(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None:
        self.forge.world.unlabel_issue(REPO, number, label, by=by)

    def name_repository(self, by: str = "maintainer") -> None:
        world = self.forge.world
        world.installation(self.installation).repositories.clear()
        world.add_to_installation(self.installation, REPO, by=by)

    def comment(self, number: int, body: str, by: str = "maintainer") -> int:
        return self.forge.world.comment(REPO, number, body, by=by).id

    def thumbs_up(self, comment: int, by: str = "maintainer") -> None:
        self.forge.world.react(self.forge.world.find_comment(REPO, comment), "+1", by=by)

    def review(
        self,
        pull: int,
        body: str = "",
        inline: Sequence[tuple[str, int, str]] = (),
        state: str = "CHANGES_REQUESTED",
        by: str = "reviewer",
    ) -> int:
        return self.forge.world.submit_review(REPO, pull, _VERDICTS[state], body, inline, by=by).id

    def merge(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.merge_pull(REPO, number, by=by)

    def close_pull(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.close_pull(REPO, number, by=by)

    def reopen_pull(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.reopen_pull(REPO, number, by=by)

    def retarget(self, number: int, base: str, by: str = "maintainer") -> None:
        refs = self.forge.world.repo(REPO).git
        if base != "main":
            refs.set_ref(f"refs/heads/{base}", self.branches["main"])
        self.forge.world.edit_pull(REPO, number, base=base, by=by)

    def to_draft(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.set_draft(REPO, number, True, by=by)

    def close_issue(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.close_issue(REPO, number, by=by)

    def reopen_issue(self, number: int, by: str = "maintainer") -> None:
        self.forge.world.reopen_issue(REPO, number, by=by)

    def push(self, branch: str, files: Files, by: str = "maintainer") -> None:
        self.forge.world.push_files(REPO, branch, files, by=by)

    def head_branch(self, pull: int) -> str:
        return self.forge.world.pull(REPO, pull).head_ref

    # ── what can be seen ──

    @property
    def issues(self) -> list[Issue]:
        """Issues and pull requests."""
        return list(self.forge.world.repo(REPO).issues.values())

    @property
    def pulls(self) -> list[Pull]:
        return self.forge.world.repo(REPO).pulls()

    @property
    def branches(self) -> dict[str, str]:
        """Name to commit."""
        refs = self.forge.world.repo(REPO).git.refs()
        return {ref.removeprefix("refs/heads/"): sha for ref, sha in refs.items()}

    def said(self, number: int) -> list[Comment]:
        """What the bot says on an issue or pull request, oldest first."""
        return [one for one in self.forge.world.issue(REPO, number).comments if one.author.login == BOT]

    def reviewed(self, number: int) -> list[str]:
        """Its reviews of a pull request, with the answers in threads, in the words of the small world."""
        pull = self.forge.world.issue(REPO, number).pull
        found = []
        for review in pull.reviews if pull else ():
            if review.author.login == BOT:
                replies = [one for one in pull.comments if one.review is review] if pull else []
                told = "".join(f"\n\n↳ {one.path}:{one.original_line}: {one.body}" for one in replies)
                found.append(re.sub(r"\n*(<!-- issuewright[^>]*-->)", "", review.body) + told)
        return found

    def marked(self, number: int, marker: str) -> list[Comment]:
        """Those of them whose hidden line begins with this marker."""
        return [one for one in self.said(number) if f"<!-- issuewright:{marker}" in one.body]

    def labels(self, number: int) -> set[str]:
        return {label.name for label in self.forge.world.issue(REPO, number).labels}

    def tree(self, commit: str) -> Files:
        """Every file of a commit."""
        git = self.forge.world.repo(REPO).git
        names = git.text("ls-tree", "-r", "--name-only", "--full-tree", commit).splitlines()
        return {name: git.run("cat-file", "blob", f"{commit}:{name}").decode() for name in names}
