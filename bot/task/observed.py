"""What GitHub says right now, cut to the fields that we use."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.task.ids import BranchName, CommentId, CommitSha, IssueNumber, IssueRef, Login, PullNumber, RepoRef, ReviewId


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something. Own events are known by `id`, never by the name."""

    id: int
    login: Login
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as its installation sees it."""

    ref: RepoRef
    default_branch: BranchName
    clone_url: str
    private: bool
    archived: bool
    has_issues: bool = True
    """False: they are switched off; forks begin so."""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue (or the issue side of a pull request)."""

    ref: IssueRef
    title: str
    body: str
    is_open: bool
    labels: frozenset[str]
    author: Actor
    is_pull: bool
    url: str

    def has(self, label: str) -> bool:
        """Label names are the same in any case, as on GitHub."""
        return label.casefold() in {name.casefold() for name in self.labels}


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One `labeled` or `unlabeled` event of an issue. `id` is GitHub's id of the issue event."""

    id: int
    added: bool
    label: str
    by: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Edit:
    """The newest change of an issue's title or body."""

    by: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment in the conversation of an issue or a pull request."""

    id: CommentId
    issue: IssueNumber
    on_pull: bool
    body: str
    author: Actor
    created_at: datetime
    updated_at: datetime
    url: str


class ReviewState(StrEnum):
    """The state of a submitted review, as GitHub's API spells it."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class InlineComment:
    """A comment of a review at a place in the diff. `line` is None when the place is outdated."""

    id: int
    path: str
    line: int | None
    hunk: str
    body: str
    first: int = 0
    """The comment that opened its thread; 0: it did so itself."""
    start_line: int | None = None
    """Where a comment on several lines begins."""
    earlier: tuple["Utterance", ...] = ()
    """What was said in its thread before it, oldest first."""

    @property
    def thread(self) -> int:
        """The comment by which its thread is known."""
        return self.first or self.id


@dataclass(frozen=True, slots=True)
class Utterance:
    """Somebody's words in a thread."""

    by: Actor
    body: str


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """What we answer in a thread, which is known by its first comment."""

    thread: int
    body: str


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review with all its inline comments: one unit of feedback."""

    id: ReviewId
    pull: PullNumber
    state: ReviewState
    body: str
    author: Actor
    submitted_at: datetime
    comments: tuple[InlineComment, ...]
    url: str
    commit: CommitSha | None = None
    """The head that was looked at."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request."""

    repo: RepoRef
    number: PullNumber
    title: str
    body: str
    is_open: bool
    merged: bool
    draft: bool
    head: CommitSha
    head_branch: BranchName
    base_branch: BranchName
    author: Actor
    node_id: str
    url: str
    mergeable: bool | None = None
    """False: it conflicts with its base. None: GitHub does not know yet, or the pull request came from a list."""


class Conclusion(StrEnum):
    """The conclusion of a check run, as GitHub's API spells it."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark at a line of a check run's commit."""

    path: str
    line: int
    title: str
    message: str
    is_failure: bool
    """Else a warning."""


@dataclass(frozen=True, slots=True)
class CheckRunDraft:
    """A completed check run to be put on a commit. `external_id` is its natural key on that commit."""

    head: CommitSha
    name: str
    external_id: str
    conclusion: Conclusion
    title: str
    summary: str
    text: str = ""
    """Below the summary; empty: none."""
    annotations: tuple[Annotation, ...] = ()
    """Written when the run is made: GitHub adds those of a later call to them."""


@dataclass(frozen=True, slots=True)
class PullDraft:
    """What our pull request should be. `ours` is the part between our markers."""

    head: BranchName
    base: BranchName
    title: str
    ours: str
    draft: bool
