"""Plain values of the workspace door."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from bot.sandbox.box import Box, Limits
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
class Merge:
    """A commit of the branch and its base. `conflicts`: files that hold both sides, between markers."""

    commit: CommitSha
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeRefused:
    """The two cannot be merged here: one sentence for the person."""

    reason: str


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


Access = Callable[[], AbstractAsyncContextManager[Callable[[Box], Box]]]
"""Opens something for a while, and furnishes boxes with it: a way to package registries, say."""


def offline() -> AbstractAsyncContextManager[Callable[[Box], Box]]:
    """Nothing is lent: no network, no secrets."""
    return nullcontext(lambda box: box)


@dataclass(frozen=True, slots=True)
class SetUp:
    """The set-up of a repository: a command, and how much it may use."""

    command: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Layered:
    """What the set-up made is a layer under every worktree of the task that has the same manifests."""

    seconds: float
    """How long it took when it was run; 0.0: another task had run it before."""
    output: bytes = b""


@dataclass(frozen=True, slots=True)
class InPlace:
    """The set-up has to be run in the worktree itself. Without a reason: this machine shares no layers."""

    why: str = ""
    """Part of a sentence: `the change touches poetry.lock`."""


@dataclass(frozen=True, slots=True)
class SetUpFailed:
    """The set-up did not get to its end; the next task tries again, after a few minutes."""

    exit_code: int | None
    note: str
    """Why there is no layer although it ended, or why there is no exit code; else empty."""
    output: bytes = field(repr=False)
    seconds: float = 0.0

    @property
    def told(self) -> str:
        """How it ended, and its last line."""
        lines = self.output.decode(errors="replace").strip().splitlines()
        return ": ".join([self.note or f"exit {self.exit_code}", *lines[-1:]])


Prepared = Layered | InPlace | SetUpFailed
