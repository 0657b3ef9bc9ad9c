"""What a webhook hints at: where to look for the truth, never the truth itself."""

from dataclasses import dataclass

from bot.task.ids import CommentId, InstallationId, IssueRef, PullNumber, RepoRef, ReviewId

HANDLED_EVENTS: frozenset[str] = frozenset(
    {
        "issues",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "installation",
        "installation_repositories",
    }
)
"""Values of the header `X-GitHub-Event` that can become a hint; all others need not be stored."""


@dataclass(frozen=True, slots=True)
class IssueHint:
    """Look at this issue, or at the issue side of this pull request (its labels)."""

    ref: IssueRef


@dataclass(frozen=True, slots=True)
class CommentHint:
    """Look at this comment in the conversation of an issue or pull request."""

    ref: IssueRef
    comment: CommentId
    deleted: bool


@dataclass(frozen=True, slots=True)
class ReviewHint:
    """Look at this review of a pull request and at its inline comments."""

    repo: RepoRef
    pull: PullNumber
    review: ReviewId


@dataclass(frozen=True, slots=True)
class PullHint:
    """Look at this pull request: its state, its head, its title or body."""

    repo: RepoRef
    number: PullNumber


@dataclass(frozen=True, slots=True)
class InstallationHint:
    """These repositories came within the App's reach: they want their labels and a first sweep."""

    installation: InstallationId
    repos: tuple[RepoRef, ...]
    named: bool = False
    """Someone chose exactly these, one by one; they did not come with all of an account."""


@dataclass(frozen=True, slots=True)
class LossHint:
    """These repositories left the App's reach, as far as this installation goes."""

    repos: tuple[RepoRef, ...]


Hint = LossHint | IssueHint | CommentHint | ReviewHint | PullHint | InstallationHint
