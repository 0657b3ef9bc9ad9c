"""Verbs about issues (and the issue side of pull requests): open, edit, label, assign, close."""

from collections.abc import Iterable
from typing import Any

from bot.demo.forge.model import Issue, Label, Repository, User
from bot.demo.forge.refusal import Refused, invalid
from bot.demo.forge.world.apps import AppVerbs
from bot.demo.forge.world.memory import RepoName, Who

BODY_LIMIT = 65536


def checked_body(resource: str, body: str) -> str:
    """Bodies of 65,536 characters and more are refused."""
    if len(body) >= BODY_LIMIT:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {BODY_LIMIT} characters)")
    return body


class IssueVerbs(AppVerbs):
    """What people and bots do on an issue."""

    def open_issue(
        self,
        repo: RepoName,
        title: str,
        body: str | None = None,
        *,
        by: Who,
        labels: Iterable[str] = (),
        assignees: Iterable[Who] = (),
        silent: bool = False,
    ) -> Issue:
        """Open an issue; it takes the next number that issues and pull requests share."""
        author = self.user(by)
        issue = self.new_issue(self.repo(repo), title, body, author)
        issue.labels = [self._label_or_new(issue.repo, name) for name in labels]
        issue.assignees = [self.user(who) for who in assignees]
        self.tell_of(issue, "opened", author, silent=silent)
        for label in issue.labels:
            self.record(issue, "labeled", author, label)
            self.tell_of(issue, "labeled", author, silent=silent, label=label)
        return issue

    def new_issue(self, repo: Repository, title: str, body: str | None, author: User) -> Issue:
        """The bare row, without a word to anybody."""
        if not title.strip():
            raise invalid("Issue", "title", "missing_field")
        checked_body("Issue", body or "")
        number = max(repo.issues, default=0) + 1
        now = self.now()
        issue = Issue(self.next_id(), repo, number, title, body, author, now, now, via_app=self.app_of(author))
        repo.issues[number] = issue
        return issue

    def edit_issue(
        self,
        repo: RepoName,
        number: int,
        *,
        by: Who,
        title: str | None = None,
        body: str | None = None,
        silent: bool = False,
    ) -> Issue:
        """Change title or body (of a pull request too)."""
        issue, editor = self.issue(repo, number), self.user(by)
        changes: dict[str, object] = {}
        if title is not None and title != issue.title:
            changes["title"] = {"from": issue.title}
            self.record(issue, "renamed", editor, rename={"from": issue.title, "to": title})
            issue.title = title
        if body is not None and body != issue.body:
            changes["body"] = {"from": issue.body or ""}
            issue.body = checked_body("Issue", body)
            issue.edited_at, issue.edited_by = self.now(), editor
        if changes:
            self.touch(issue)
            self.tell_of(issue, "edited", editor, silent=silent, changes=changes)
        return issue

    def label_issue(self, repo: RepoName, number: int, *names: str, by: Who, silent: bool = False) -> list[Label]:
        """Put labels on an issue or pull request. As on GitHub, an unknown label is created."""
        issue, actor = self.issue(repo, number), self.user(by)
        for name in names:
            label = self._label_or_new(issue.repo, name)
            if label in issue.labels:
                continue
            issue.labels.append(label)
            self.touch(issue)
            self.record(issue, "labeled", actor, label)
            self.tell_of(issue, "labeled", actor, silent=silent, label=label)
        return issue.labels

    def unlabel_issue(self, repo: RepoName, number: int, name: str, *, by: Who, silent: bool = False) -> list[Label]:
        """Take a label off; 404 when the issue does not carry it."""
        issue, actor = self.issue(repo, number), self.user(by)
        label = next((one for one in issue.labels if one.name.lower() == name.lower()), None)
        if label is None:
            raise Refused(404, "Label does not exist")
        issue.labels.remove(label)
        self.touch(issue)
        self.record(issue, "unlabeled", actor, label)
        self.tell_of(issue, "unlabeled", actor, silent=silent, label=label)
        return issue.labels

    def assign(self, repo: RepoName, number: int, *who: Who, by: Who, silent: bool = False) -> Issue:
        """Assign users to an issue."""
        issue, actor = self.issue(repo, number), self.user(by)
        for user in (self.user(one) for one in who):
            if user not in issue.assignees:
                issue.assignees.append(user)
                self.touch(issue)
                self.record(issue, "assigned", actor, assignee=user, assigner=actor)
                self.tell_of(issue, "assigned", actor, silent=silent, assignee=user)
        return issue

    def close_issue(
        self, repo: RepoName, number: int, *, by: Who, reason: str = "completed", silent: bool = False, **extra: Any
    ) -> Issue:
        """Close an issue; closing a closed one changes nothing."""
        issue, actor = self.issue(repo, number), self.user(by)
        if issue.state == "closed":
            return issue
        issue.state, issue.closed_at, issue.closed_by = "closed", self.now(), actor
        issue.state_reason = None if issue.pull else reason
        self.touch(issue)
        self.record(issue, "closed", actor, **extra)
        self.tell_of(issue, "closed", actor, silent=silent)
        return issue

    def reopen_issue(self, repo: RepoName, number: int, *, by: Who, silent: bool = False) -> Issue:
        """Open a closed issue again."""
        issue, actor = self.issue(repo, number), self.user(by)
        if issue.state == "open":
            return issue
        issue.state, issue.closed_at, issue.closed_by = "open", None, None
        issue.state_reason = None if issue.pull else "reopened"
        self.touch(issue)
        self.record(issue, "reopened", actor)
        self.tell_of(issue, "reopened", actor, silent=silent)
        return issue

    def _label_or_new(self, repo: Repository, name: str) -> Label:
        return repo.labels.get(name.lower()) or self.create_label(repo, name)
