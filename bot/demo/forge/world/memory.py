"""What every verb of the world stands on: the rows, ids, the clock, look-ups, and telling what happened."""

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.demo.forge.git.bare import Signature
from bot.demo.forge.model import (
    App,
    Comment,
    Happening,
    Installation,
    Issue,
    IssueEvent,
    Label,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Token,
    User,
)
from bot.demo.forge.refusal import not_found

Listener = Callable[[Happening], None]
RepoName = str | Repository
"""A repository row, or its `owner/name`."""
Who = str | User
"""A user row, or a login."""


class Memory:
    """The state of the world. Verbs are plain functions: each one is done when it returns."""

    def __init__(self, root: Path, clock: Callable[[], datetime]) -> None:
        self.root = root
        self.clock = clock
        self.users: dict[str, User] = {}
        self.repos: dict[str, Repository] = {}
        self.moved: dict[str, Repository] = {}
        """By a full name that a repository had, until another one takes it."""
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.codes: dict[str, tuple[App, datetime]] = {}
        self.listeners: list[Listener] = []
        self._ids = itertools.count(1001)

    def now(self) -> datetime:
        """World time in whole seconds, as GitHub shows it."""
        return self.clock().replace(microsecond=0)

    def next_id(self) -> int:
        """A number that no other row has."""
        return next(self._ids)

    def tell(self, happening: Happening, *, silent: bool = False) -> None:
        """Let the listeners (the webhooks) know; a silent change happens without a word."""
        if not silent:
            for listener in self.listeners:
                listener(happening)

    def user(self, who: Who) -> User:
        """A user by login (any case)."""
        if isinstance(who, User):
            return who
        found = self.users.get(who.lower())
        if found is None:
            raise not_found()
        return found

    def repo(self, name: RepoName) -> Repository:
        """A repository by `owner/name` (any case)."""
        if isinstance(name, Repository):
            return name
        found = self.repos.get(name.lower())
        if found is None:
            raise not_found()
        return found

    def issue(self, repo: RepoName, number: int) -> Issue:
        """An issue or pull request by its number."""
        found = self.repo(repo).issues.get(number)
        if found is None:
            raise not_found()
        return found

    def pull(self, repo: RepoName, number: int) -> Pull:
        """A pull request by its number."""
        found = self.issue(repo, number).pull
        if found is None:
            raise not_found()
        return found

    def find_comment(self, repo: RepoName, comment_id: int) -> Comment:
        """A conversation comment by its id."""
        for issue in self.repo(repo).issues.values():
            for comment in issue.comments:
                if comment.id == comment_id:
                    return comment
        raise not_found()

    def find_review_comment(self, repo: RepoName, comment_id: int) -> ReviewComment:
        """An inline comment by its id."""
        for pull in self.repo(repo).pulls():
            for comment in pull.comments:
                if comment.id == comment_id:
                    return comment
        raise not_found()

    def find_review(self, repo: RepoName, number: int, review_id: int) -> Review:
        """A review of a pull request by its id, pending ones included."""
        pull = self.pull(repo, number)
        for review in (*pull.reviews, *pull.pending):
            if review.id == review_id:
                return review
        raise not_found()

    def app_of(self, user: User) -> App | None:
        """The app whose bot this is."""
        return next((app for app in self.apps.values() if app.bot is user), None)

    def signature(self, user: User) -> Signature:
        """How a user signs a commit made now."""
        return Signature(user.login, user.email, self.now())

    def record(self, issue: Issue, event: str, actor: User, label: Label | None = None, **extra: Any) -> None:
        """Add a row to the history of an issue."""
        issue.events.append(IssueEvent(self.next_id(), event, actor, self.now(), label, extra))

    def touch(self, issue: Issue) -> None:
        """The issue was changed now."""
        issue.updated_at = self.now()

    def tell_of(
        self, issue: Issue, action: str, sender: User, *, silent: bool, label: Label | None = None, **extra: object
    ) -> None:
        """Tell of a change of an issue or of a pull request, whichever it is."""
        event = "pull_request" if issue.pull else "issues"
        happening = Happening(event, action, sender, issue.repo, issue=issue, label=label, extra=extra)
        self.tell(happening, silent=silent)
