"""Names for ids, so that two bare strings or numbers never stand side by side."""

from dataclasses import dataclass
from typing import NewType

TaskId = NewType("TaskId", int)
EffectId = NewType("EffectId", int)
ArtifactId = NewType("ArtifactId", int)
InstallationId = NewType("InstallationId", int)
IssueNumber = NewType("IssueNumber", int)
"""Number of an issue or of a pull request: GitHub counts them in one row per repository."""
PullNumber = NewType("PullNumber", int)
CommentId = NewType("CommentId", int)
"""Database id of an issue comment (pull requests have issue comments too)."""
ReviewId = NewType("ReviewId", int)
CommitSha = NewType("CommitSha", str)
"""Full hexadecimal object name of a commit."""
BranchName = NewType("BranchName", str)
"""Short name of a branch, without `refs/heads/`."""
Login = NewType("Login", str)
"""A GitHub user name, without the `@`."""
DeliveryId = NewType("DeliveryId", str)
"""GUID of a webhook delivery (header `X-GitHub-Delivery`)."""
FactKey = NewType("FactKey", str)
"""Natural key of a fact, unique per subject: `comment:12@2026-11-21T10:00:00Z`."""


@dataclass(frozen=True, slots=True, order=True)
class RepoRef:
    """A repository as an installation sees it. `id` survives renames; `full_name` is `owner/name`."""

    id: int
    full_name: str
    installation: InstallationId

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


def onboarding_id(repo: RepoRef) -> TaskId:
    """Names the folders of a repository's onboarding, which belongs to no task: below zero, where no task is."""
    return TaskId(-repo.id)


@dataclass(frozen=True, slots=True, order=True)
class IssueRef:
    """An issue in its repository."""

    repo: RepoRef
    number: IssueNumber

    def __str__(self) -> str:
        return f"{self.repo.full_name}#{self.number}"
