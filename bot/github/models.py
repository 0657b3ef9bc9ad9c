"""GitHub's JSON, cut to the fields that we use, and turned into our own values. Tolerant: unknown keys are nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.github.errors import Unreadable
from bot.task.ids import (
    BranchName,
    CommentId,
    CommitSha,
    InstallationId,
    IssueNumber,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
    ReviewId,
)
from bot.task.observed import Actor, Comment, InlineComment, Issue, Pull, Repository, Review, ReviewState, Utterance

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
"""A text that GitHub leaves null when it is empty."""
GHOST = Actor(id=0, login=Login("ghost"), is_bot=False)
"""Stands for a deleted account, of which GitHub tells nothing."""


class Wire(BaseModel):
    """Anything from GitHub. Inputs stay out of error messages: they may be private."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        """Raises Unreadable for an answer that lacks what we need."""
        try:
            return super().model_validate(obj, **how)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise Unreadable(f"{cls.__name__.removeprefix('Wire')}.{where}: {first['msg']}") from None


class WireUser(Wire):
    id: int
    login: str
    type: str = "User"


def actor(user: WireUser | None) -> Actor:
    return GHOST if user is None else Actor(user.id, Login(user.login), user.type == "Bot")


class WireApp(Wire):
    id: int
    slug: str


class WireInstallation(Wire):
    id: int
    suspended_at: datetime | None = None
    repository_selection: str = "all"


class WireRepo(Wire):
    id: int
    full_name: str
    default_branch: str = "main"
    clone_url: str = ""
    private: bool = True
    archived: bool = False
    has_issues: bool = True

    def ref(self, installation: InstallationId) -> RepoRef:
        return RepoRef(self.id, self.full_name, installation)

    def repository(self, installation: InstallationId) -> Repository:
        branch = BranchName(self.default_branch)
        ref = self.ref(installation)
        return Repository(ref, branch, self.clone_url, self.private, self.archived, self.has_issues)


class WireRepos(Wire):
    repositories: list[WireRepo]


class WireLabel(Wire):
    name: str


class WireIssue(Wire):
    number: int
    title: str
    body: Text = ""
    state: str
    labels: list[WireLabel | str] = []
    user: WireUser | None = None
    pull_request: dict[str, object] | None = None
    html_url: str

    def issue(self, repo: RepoRef) -> Issue:
        return Issue(
            ref=IssueRef(repo, IssueNumber(self.number)),
            title=self.title,
            body=self.body,
            is_open=self.state == "open",
            labels=frozenset(label if isinstance(label, str) else label.name for label in self.labels),
            author=actor(self.user),
            is_pull=self.pull_request is not None,
            url=self.html_url,
        )


class WireEvent(Wire):
    """One row of an issue's history; only labelling has a label."""

    id: int
    event: str
    actor: WireUser | None = None
    label: WireLabel | None = None
    created_at: datetime


class WireEditor(Wire):
    login: str


class WireEdits(Wire):
    """Of an issue, in GraphQL."""

    last_edited_at: datetime | None = Field(default=None, alias="lastEditedAt")
    editor: WireEditor | None = None


class WireComment(Wire):
    id: int
    issue_url: str
    html_url: str
    body: Text = ""
    user: WireUser | None = None
    created_at: datetime
    updated_at: datetime

    def comment(self) -> Comment:
        return Comment(
            id=CommentId(self.id),
            issue=IssueNumber(int(self.issue_url.rpartition("/")[2])),
            on_pull="/pull/" in self.html_url,
            body=self.body,
            author=actor(self.user),
            created_at=self.created_at,
            updated_at=self.updated_at,
            url=self.html_url,
        )


class WireReaction(Wire):
    content: str
    user: WireUser | None = None


class WireInline(Wire):
    id: int
    pull_request_review_id: int | None = None
    in_reply_to_id: int | None = None
    path: str
    line: int | None = None
    start_line: int | None = None
    diff_hunk: Text = ""
    body: Text = ""
    user: WireUser | None = None

    @property
    def thread(self) -> int:
        return self.in_reply_to_id or self.id

    def inline(self, before: Sequence["WireInline"]) -> InlineComment:
        """`before`: all comments of the pull request."""
        earlier = [row for row in before if row.thread == self.thread and row.id < self.id]
        said = tuple(Utterance(actor(row.user), row.body) for row in sorted(earlier, key=lambda row: row.id))
        return InlineComment(
            self.id, self.path, self.line, self.diff_hunk, self.body, self.in_reply_to_id or 0, self.start_line, said
        )


class WireReview(Wire):
    id: int
    state: ReviewState
    body: Text = ""
    user: WireUser | None = None
    submitted_at: datetime | None = None
    html_url: str = ""
    commit_id: str | None = None

    def review(self, pull: PullNumber, comments: tuple[InlineComment, ...]) -> Review | None:
        """None while it is pending: nobody but its author sees it."""
        if self.submitted_at is None or self.state is ReviewState.PENDING:
            return None
        by = actor(self.user)
        return Review(
            ReviewId(self.id),
            pull,
            self.state,
            self.body,
            by,
            self.submitted_at,
            comments,
            self.html_url,
            CommitSha(self.commit_id) if self.commit_id else None,
        )


class WireId(Wire):
    id: int


class WireSide(Wire):
    """Head or base of a pull request; the repository is null when a fork was deleted."""

    ref: str
    sha: str
    repo: WireId | None = None


class WireTip(Wire):
    sha: str


class WireBranch(Wire):
    commit: WireTip


class WirePull(Wire):
    number: int
    title: str
    body: Text = ""
    state: str
    merged_at: datetime | None = None
    draft: bool = False
    head: WireSide
    base: WireSide
    user: WireUser | None = None
    node_id: str
    html_url: str
    mergeable: bool | None = None

    def is_from(self, repo: RepoRef, branch: BranchName) -> bool:
        return self.head.ref == branch and self.head.repo is not None and self.head.repo.id == repo.id

    def pull(self, repo: RepoRef) -> Pull:
        return Pull(
            repo=repo,
            number=PullNumber(self.number),
            title=self.title,
            body=self.body,
            is_open=self.state == "open",
            merged=self.merged_at is not None,
            draft=self.draft,
            head=CommitSha(self.head.sha),
            head_branch=BranchName(self.head.ref),
            base_branch=BranchName(self.base.ref),
            author=actor(self.user),
            node_id=self.node_id,
            url=self.html_url,
            mergeable=self.mergeable,
        )


class WirePermission(Wire):
    permission: str


class WireCheckOutput(Wire):
    title: Text = ""
    summary: Text = ""
    text: Text = ""


class WireCheckRun(Wire):
    id: int
    name: str
    external_id: Text = ""
    conclusion: Text = ""
    html_url: Text = ""
    output: WireCheckOutput = WireCheckOutput()
    app: WireId | None = None


class WireCheckRuns(Wire):
    check_runs: list[WireCheckRun]
