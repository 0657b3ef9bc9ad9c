"""Webhook payloads: from a signed body to a hint where to look, and nothing more. Pure.

Events and actions: https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.task.hints import CommentHint, Hint, InstallationHint, IssueHint, LossHint, PullHint, ReviewHint
from bot.task.ids import CommentId, InstallationId, IssueNumber, IssueRef, PullNumber, RepoRef, ReviewId


class PayloadError(Exception):
    """The body is not what its event name promises; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A hint, and whose act it was: events of our own user id can be dropped early. None: GitHub did not say."""

    hint: Hint
    sender: int | None


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Id(_Wire):
    id: int


class _Number(_Wire):
    number: int


class _Repo(_Wire):
    id: int
    full_name: str

    def ref(self, installation: _Id) -> RepoRef:
        return RepoRef(self.id, self.full_name, InstallationId(installation.id))


class _Any(_Wire):
    """What every payload has, or lacks when it did not come through the App."""

    action: str = ""
    installation: _Id | None = None
    sender: _Id | None = None


class _Payload(_Wire):
    action: str
    installation: _Id
    repository: _Repo

    @property
    def repo(self) -> RepoRef:
        return self.repository.ref(self.installation)

    def issue_ref(self, issue: _Number) -> IssueRef:
        return IssueRef(self.repo, IssueNumber(issue.number))


class _Issues(_Payload):
    issue: _Number

    def hint(self) -> Hint:
        return IssueHint(self.issue_ref(self.issue))


class _IssueComment(_Payload):
    issue: _Number
    comment: _Id

    def hint(self) -> Hint:
        return CommentHint(self.issue_ref(self.issue), CommentId(self.comment.id), self.action == "deleted")


class _PullRequest(_Payload):
    pull_request: _Number

    def hint(self) -> Hint:
        if self.action in ("labeled", "unlabeled"):
            return IssueHint(self.issue_ref(self.pull_request))
        return PullHint(self.repo, PullNumber(self.pull_request.number))


class _Review(_Payload):
    pull_request: _Number
    review: _Id

    def hint(self) -> Hint:
        return ReviewHint(self.repo, PullNumber(self.pull_request.number), ReviewId(self.review.id))


class _InlineComment(_Wire):
    pull_request_review_id: int | None = None


class _ReviewComment(_Payload):
    pull_request: _Number
    comment: _InlineComment

    def hint(self) -> Hint | None:
        review = self.comment.pull_request_review_id
        if review is None:
            return None
        return ReviewHint(self.repo, PullNumber(self.pull_request.number), ReviewId(review))


class _Chosen(_Id):
    """An installation, and whether it is on repositories that someone named, or on all of an account."""

    repository_selection: str = ""

    @property
    def names(self) -> bool:
        return self.repository_selection == "selected"


class _Installation(_Wire):
    action: str
    installation: _Chosen
    repositories: list[_Repo] = []

    def hint(self) -> Hint:
        repos = tuple(repo.ref(self.installation) for repo in self.repositories)
        if self.action == "deleted":
            return LossHint(repos)
        named = self.action == "created" and self.installation.names
        return InstallationHint(InstallationId(self.installation.id), repos, named)


class _Repositories(_Wire):
    action: str
    installation: _Chosen
    repositories_added: list[_Repo] = []
    repositories_removed: list[_Repo] = []

    def hint(self) -> Hint:
        if self.action == "removed":
            return LossHint(tuple(repo.ref(self.installation) for repo in self.repositories_removed))
        repos = tuple(repo.ref(self.installation) for repo in self.repositories_added)
        return InstallationHint(InstallationId(self.installation.id), repos, self.installation.names)


_Model = _Issues | _IssueComment | _PullRequest | _Review | _ReviewComment | _Installation | _Repositories

_EVENTS: dict[str, tuple[type[_Model], frozenset[str]]] = {
    "issues": (
        _Issues,
        frozenset({"opened", "edited", "labeled", "unlabeled", "closed", "reopened", "deleted", "transferred"}),
    ),
    "issue_comment": (_IssueComment, frozenset({"created", "edited", "deleted"})),
    "pull_request": (
        _PullRequest,
        frozenset(
            {
                "closed",
                "reopened",
                "synchronize",
                "edited",
                "converted_to_draft",
                "ready_for_review",
                "labeled",
                "unlabeled",
            }
        ),
    ),
    "pull_request_review": (_Review, frozenset({"submitted", "edited", "dismissed"})),
    "pull_request_review_comment": (_ReviewComment, frozenset({"created", "edited", "deleted"})),
    "installation": (_Installation, frozenset({"created", "deleted", "new_permissions_accepted", "unsuspend"})),
    "installation_repositories": (_Repositories, frozenset({"added", "removed"})),
}
"""What each event is read as, and the actions that matter. A label on a pull request comes as `pull_request`."""

_Found = TypeVar("_Found", bound=BaseModel)


def parse(event: str, body: bytes) -> Parsed | None:
    """The hint in a webhook; None when it tells us nothing. `event` is the header `X-GitHub-Event`.

    Raises PayloadError for a body that GitHub would not send under this name.
    """
    if event not in _EVENTS:
        return None
    model, actions = _EVENTS[event]
    said = _read(event, _Any, body)
    if said.installation is None or said.action not in actions:
        return None
    hint = _read(event, model, body).hint()
    return None if hint is None else Parsed(hint, said.sender.id if said.sender else None)


def _read(event: str, model: type[_Found], body: bytes) -> _Found:
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise PayloadError(f"The payload of the event {event} is not readable: {where}: {first['msg']}.") from None
