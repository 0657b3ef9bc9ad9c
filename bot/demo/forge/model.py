"""The rows of the forge's memory: what GitHub would keep in its database, plain and mutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bot.demo.forge.git.bare import BareRepo

Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
Permissions = dict[str, str]
"""Permission name to `read` or `write`, as in the manifest of a GitHub App."""


@dataclass(slots=True, eq=False)
class User:
    """An account: a person, an organization or the bot of an app."""

    id: int
    login: str
    type: Literal["User", "Bot", "Organization"]
    name: str | None
    created_at: datetime

    @property
    def email(self) -> str:
        """The address its commits carry."""
        return f"{self.id}+{self.login}@users.noreply.forge.example"


@dataclass(slots=True, eq=False)
class Label:
    """A label of a repository."""

    id: int
    repo: Repository = field(repr=False)
    name: str
    color: str
    description: str | None


@dataclass(slots=True, eq=False)
class Reaction:
    """One emoji of one user."""

    id: int
    user: User
    content: str
    created_at: datetime


@dataclass(slots=True, eq=False)
class IssueEvent:
    """A row of an issue's history. `extra` is event-specific wire content (commit, rename, reviewer)."""

    id: int
    event: str
    actor: User
    created_at: datetime
    label: Label | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Comment:
    """A comment in the conversation of an issue or pull request."""

    id: int
    issue: Issue = field(repr=False)
    author: User
    body: str
    created_at: datetime
    updated_at: datetime
    via_app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Issue:
    """An issue; with `pull` set it is the issue side of a pull request, as on GitHub."""

    id: int
    repo: Repository = field(repr=False)
    number: int
    title: str
    body: str | None
    author: User
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    locked: bool = False
    via_app: App | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    events: list[IssueEvent] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    pull: Pull | None = field(default=None, repr=False)
    edited_at: datetime | None = None
    """When its body was changed last, and by whom."""
    edited_by: User | None = None


@dataclass(slots=True, eq=False)
class Review:
    """A review. `state` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, or PENDING until it is submitted.

    A pending one stands in `Pull.pending` and keeps its comments in `drafts`: nobody but its author sees them.
    """

    id: int
    pull: Pull = field(repr=False)
    author: User
    state: str
    body: str
    commit_id: str
    submitted_at: datetime
    drafts: list[ReviewComment] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class ReviewComment:
    """An inline comment. `line` is None once the commented line is gone from the diff (outdated)."""

    id: int
    pull: Pull = field(repr=False)
    review: Review
    author: User
    body: str
    path: str
    line: int | None
    original_line: int
    start_line: int | None
    side: Literal["LEFT", "RIGHT"]
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    created_at: datetime
    updated_at: datetime
    in_reply_to: ReviewComment | None = None
    resolved: bool = False
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Pull:
    """The pull request side of an issue. `base_sha` is the base tip at opening or at the last head push."""

    id: int
    issue: Issue
    head_ref: str
    base_ref: str
    head_sha: str
    base_sha: str
    draft: bool
    diff_base: str | None = None
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    requested_reviewers: list[User] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    pending: list[Review] = field(default_factory=list)
    comments: list[ReviewComment] = field(default_factory=list)

    @property
    def repo(self) -> Repository:
        """Head and base are of one repository: the forge has no forks."""
        return self.issue.repo

    @property
    def number(self) -> int:
        """The number shared with the issue."""
        return self.issue.number


@dataclass(slots=True, eq=False)
class CheckRun:
    """A check run of an app on a commit. `output` is kept as sent, annotations apart."""

    id: int
    suite_id: int
    repo: Repository = field(repr=False)
    app: App
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    details_url: str | None
    external_id: str | None
    output: dict[str, Any]
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Repository:
    """A repository. `refs` is what the forge last saw in git, so that each push is noticed exactly once."""

    id: int
    owner: User
    name: str
    private: bool
    default_branch: str
    description: str | None
    git: BareRepo = field(repr=False)
    created_at: datetime
    pushed_at: datetime
    labels: dict[str, Label] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict, repr=False)
    check_runs: dict[int, CheckRun] = field(default_factory=dict, repr=False)
    refs: dict[str, str] = field(default_factory=dict, repr=False)
    archived: bool = False
    has_issues: bool = True
    fork: bool = False

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def pulls(self) -> list[Pull]:
        """All pull requests, oldest first."""
        return [issue.pull for issue in self.issues.values() if issue.pull]

    def role_of(self, user: User) -> Role:
        """The effective role of a user: the owner is admin, everyone reads a public repository."""
        if user is self.owner:
            return "admin"
        return self.roles.get(user.login.lower(), "none" if self.private else "read")


@dataclass(slots=True, eq=False)
class App:
    """A GitHub App with its bot account and its one webhook."""

    id: int
    slug: str
    name: str
    owner: User
    bot: User
    permissions: Permissions
    events: list[str]
    webhook_url: str | None
    webhook_secret: str
    private_key_pem: str = field(repr=False)
    public_key_pem: str = field(repr=False)
    hook_id: int
    created_at: datetime

    @property
    def client_id(self) -> str:
        """GitHub accepts it as the issuer of a JWT, like the id."""
        return f"Iv1.{self.id:016x}"


@dataclass(slots=True, eq=False)
class Installation:
    """An app installed on some repositories of one account."""

    id: int
    app: App
    account: User
    repositories: list[Repository]
    created_at: datetime
    suspended_at: datetime | None = None
    selection: Literal["all", "selected"] = "all"


@dataclass(slots=True, eq=False)
class Token:
    """A bearer token: of an installation (with narrowed repositories and permissions) or of a person."""

    value: str = field(repr=False)
    expires_at: datetime | None
    user: User
    installation: Installation | None = None
    repositories: list[Repository] | None = None
    permissions: Permissions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened in the world that GitHub has a webhook for. The forge turns it into deliveries."""

    event: str
    action: str | None
    sender: User
    repo: Repository | None = None
    issue: Issue | None = None
    comment: Comment | None = None
    review: Review | None = None
    review_comment: ReviewComment | None = None
    check_run: CheckRun | None = None
    installation: Installation | None = None
    label: Label | None = None
    reviewer: User | None = None
    repositories: tuple[Repository, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
