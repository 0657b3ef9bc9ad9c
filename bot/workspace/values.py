"""Plain values of the workspace door."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.task.ids import CommitSha


@dataclass(frozen=True, slots=True)
class Remote:
    """Where git fetches and pushes. The token reaches only the one git process that needs it."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the remote has: the base branch and, when it exists there, the task's branch."""

    base: CommitSha
    head: CommitSha | None


@dataclass(frozen=True, slots=True)
class FetchRefused:
    """Nothing to work on: one sentence for the person (`the repository is empty`, `no branch main`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class CommitMessage:
    """Message, author line and date of the bot's commit; the same values make the same commit id."""

    text: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pushed:
    """The remote branch is at our commit."""


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """Someone else moved the branch: nothing was written. None: the branch is gone."""

    actual: CommitSha | None


@dataclass(frozen=True, slots=True)
class PushRefused:
    """The remote does not want it (protected branch, rule, missing permission): its words, one line."""

    reason: str
