"""What the flow needs from the doors: one Protocol per outside thing, owned by its user.

Each has two implementations: the real door, and the fake of `tests/worlds` that the exhaustive crash tests use.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Box, Limits
from bot.task.certificate import Tool
from bot.task.evidence import ChangedFile
from bot.task.ids import (
    BranchName,
    CommentId,
    CommitSha,
    InstallationId,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
    ReviewId,
    TaskId,
)
from bot.task.observed import (
    Actor,
    CheckRunDraft,
    Comment,
    Edit,
    Issue,
    LabelChange,
    Pull,
    PullDraft,
    Repository,
    Review,
    ThreadReply,
)
from bot.task.results import FileChange, Harvest, Progress
from bot.verify.command import Command, Ran
from bot.workspace.budget import Trimmed
from bot.workspace.values import (
    BranchMoved,
    CommitMessage,
    Fetched,
    FetchRefused,
    Merge,
    MergeRefused,
    Prepared,
    Pushed,
    PushRefused,
    Remote,
    SetUp,
)


class Reads(Protocol):
    """The truth, read from GitHub. None means: it is not there (404 or 410)."""

    async def repository(self, repo: RepoRef) -> Repository | None: ...
    async def issue(self, ref: IssueRef) -> Issue | None: ...
    async def label_changes(self, ref: IssueRef, label: str) -> Sequence[LabelChange]:
        """Every adding and removing of `label`, oldest first."""
        ...

    async def last_edit(self, ref: IssueRef) -> Edit | None:
        """Who changed title or body last, and when; None: nobody did since it was opened."""
        ...

    async def comment(self, repo: RepoRef, comment: CommentId) -> Comment | None: ...
    async def approvers(self, repo: RepoRef, comment: CommentId) -> Sequence[Actor]:
        """Who put 👍 on a comment."""
        ...

    async def review(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> Review | None: ...
    async def pull(self, repo: RepoRef, number: PullNumber) -> Pull | None: ...
    async def pull_of_branch(self, repo: RepoRef, branch: BranchName) -> Pull | None:
        """The open pull request from this branch of the repository itself, else the latest."""
        ...

    async def tip(self, repo: RepoRef, branch: BranchName) -> CommitSha | None:
        """The newest commit of a branch."""
        ...

    async def may_write(self, repo: RepoRef, login: Login) -> bool:
        """Has `login` write, maintain or admin permission now?"""
        ...

    async def own_user_id(self) -> int:
        """User id of the App's bot account: events of this sender are our own."""
        ...


class Lists(Protocol):
    """What the sweep looks through, page by page, with conditional requests."""

    async def repositories(self) -> Sequence[RepoRef]:
        """Every repository of every installation that is not suspended."""
        ...

    async def repositories_of(self, installation: InstallationId) -> Sequence[RepoRef]:
        """Of this one. Raises NotInstalled."""
        ...

    async def named_installations(self) -> frozenset[InstallationId]:
        """Those on repositories that someone named one by one, and not on all of an account."""
        ...

    async def labelled_issues(self, repo: RepoRef, label: str) -> Sequence[Issue]:
        """Open issues and pull requests that carry `label`."""
        ...

    async def comments_since(self, repo: RepoRef, since: datetime) -> Sequence[Comment]:
        """Comments of issues and pull requests created or edited at or after `since`, oldest first."""
        ...

    async def reviews(self, repo: RepoRef, pull: PullNumber) -> Sequence[ReviewId]:
        """Submitted reviews of a pull request, oldest first."""
        ...


class Writes(Protocol):
    """What we do on GitHub. Every verb is idempotent by its natural key: doing it twice leaves one."""

    async def put_comment(self, ref: IssueRef, marker: str, body: str, known: CommentId | None) -> CommentId:
        """Our one comment with this marker says `body`. `known` saves looking for it; a deleted one is made anew.

        The marker is a plain key (`status:12`); the door hides and signs it in the comment, and trusts it only under
        our own author id.
        """
        ...

    async def react(self, ref: IssueRef, comment: CommentId | None, content: str) -> None:
        """A reaction (`eyes`, `+1`, `confused`) on a comment, or on the issue itself."""
        ...

    async def add_label(self, ref: IssueRef, label: str) -> None: ...
    async def remove_label(self, ref: IssueRef, label: str) -> None: ...
    async def ensure_labels(self, repo: RepoRef) -> None:
        """`agent:run`, `agent:plan` and `agent:needs-input` exist."""
        ...

    async def put_pull(self, repo: RepoRef, draft: PullDraft) -> Pull:
        """The one pull request of this head branch exists and has this draft state; key: the head branch.

        Title and body are set when it is made; on a later call only the body is renewed, between our markers: what
        people wrote around them stays.
        """
        ...

    async def put_check_run(self, repo: RepoRef, draft: CheckRunDraft) -> str:
        """The check run exists with this content; key: commit, name and external id. Returns its URL."""
        ...

    async def request_review(self, repo: RepoRef, pull: PullNumber, reviewers: Sequence[Login]) -> None:
        """Reviewers who cannot be asked (the author, no access) are left out in silence."""
        ...

    async def put_review(
        self, repo: RepoRef, pull: PullNumber, marker: str, body: str, replies: Sequence[ThreadReply]
    ) -> None:
        """Our one review with this marker: `body`, and an answer in every thread that is still there.

        One notification for all of them.
        """
        ...

    async def delete_branch(self, repo: RepoRef, branch: BranchName) -> None: ...
    async def credential(self, repo: Repository) -> str:
        """A short-lived token for git over HTTPS to this one repository, if its clone URL is on GitHub's own server."""
        ...


class GitHub(Reads, Lists, Writes, Protocol):
    """The whole door."""


class Workspaces(Protocol):
    """All git of a task. Folders are named by the task; every verb can be repeated after a crash."""

    async def fetch(
        self, task: TaskId, repo: RepoRef, remote: Remote, base: BranchName, branch: BranchName
    ) -> Fetched | FetchRefused:
        """Bring the base branch into the mirror and the task's branch, if any, into the task's quarantine."""
        ...

    async def read(self, repo: RepoRef, commit: CommitSha, path: str) -> bytes | None:
        """A file of a base commit in the mirror; None if absent, not a regular file, or above 1 MiB."""
        ...

    async def paths(self, repo: RepoRef, commit: CommitSha) -> Sequence[str]:
        """Every path of a base commit in the mirror."""
        ...

    async def open(self, task: TaskId, repo: RepoRef, start: CommitSha) -> bool:
        """The sandbox worktree exists, made from `start`. True: it was there (crash, next attempt) and was kept."""
        ...

    def box(self, task: TaskId) -> Box:
        """What a process in the worktree sees: /task and a lasting HOME, objects read-only, no network."""
        ...

    async def merge(
        self, task: TaskId, repo: RepoRef, onto: CommitSha, base: CommitSha, message: CommitMessage
    ) -> Merge | MergeRefused | None:
        """A commit of both; files in conflict hold both sides, between markers. None: `onto` has the base already."""
        ...

    async def harvest(
        self, task: TaskId, base: CommitSha, parent: CommitSha | Merge, message: CommitMessage
    ) -> Harvest:
        """Commit and pack inside the sandbox; quarantine, fsck, caps, policy; then one commit of ours on `parent`.

        It takes the place of a merge, and of its two parents; no file may hold a marker of a conflict any more.
        """
        ...

    async def changes(self, task: TaskId, base: CommitSha, commit: CommitSha) -> tuple[FileChange, ...]:
        """What a pull request of this commit shows: the files since it left the base branch."""
        ...

    async def fork(self, task: TaskId, base: CommitSha, head: CommitSha) -> CommitSha:
        """Where `head` left the base branch: what it is compared with."""
        ...

    async def contents(self, task: TaskId, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]:
        """Every path that differs between two commits, with its content on both sides."""
        ...

    async def compose(self, task: TaskId, onto: CommitSha, laid: Mapping[str, bytes | CommitSha]) -> CommitSha:
        """A commit of `onto` with these paths laid over it; the same parts make the same commit."""
        ...

    async def tree(self, task: TaskId, commit: CommitSha) -> str:
        """Object name of a commit's tree."""
        ...

    async def check_out(self, task: TaskId, commit: CommitSha) -> Box:
        """A clean checkout of exactly this commit, with an empty HOME, for the checks."""
        ...

    async def drop_checkout(self, task: TaskId) -> None: ...
    async def set_up(self, task: TaskId, repo: RepoRef, commit: CommitSha, setup: SetUp) -> Prepared:
        """Worktrees of this task stand on what the set-up makes, wherever they have the manifests of this commit."""
        ...

    async def save(self, task: TaskId, base: CommitSha, commit: CommitSha) -> bytes:
        """`base..commit` as a git bundle."""
        ...

    async def restore(self, task: TaskId, repo: RepoRef, bundle: bytes) -> None:
        """Put a saved bundle back into the quarantine."""
        ...

    async def save_state(self, task: TaskId, caches: Sequence[str]) -> bytes | None:
        """The agent's HOME as a compressed tar, without these paths below it; None when there is none."""
        ...

    async def restore_state(self, task: TaskId, state: bytes) -> None: ...
    async def push(
        self, task: TaskId, remote: Remote, commit: CommitSha, branch: BranchName, expected: CommitSha | None
    ) -> Pushed | BranchMoved | PushRefused:
        """Push by commit id; the remote branch must be at `expected` (None: absent) or at `commit` already."""
        ...

    async def propose(
        self, task: TaskId, base: CommitSha, path: str, content: bytes, message: CommitMessage
    ) -> CommitSha:
        """Our commit on `base` that adds one file, made in the quarantine without any worktree."""
        ...

    async def close(self, task: TaskId) -> None:
        """Remove worktree, checkout, state and quarantine."""
        ...

    async def trim(self) -> Trimmed:
        """What is kept for later tasks fits into its disk space again, unless all of it is in use."""
        ...

    async def leftovers(self) -> Sequence[TaskId]:
        """Tasks that have a folder on this machine."""
        ...


class Agents(Protocol):
    """Runs one turn of a named coding agent."""

    def known(self) -> Mapping[str, str]:
        """Names of the agents that may be used here, with one line each."""
        ...

    def caches(self, agent: str) -> Sequence[str]:
        """Paths below the agent's HOME that are not worth keeping."""
        ...

    async def turn(
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: LastCall = never,
    ) -> Turn:
        """One turn. `last_call` tells when the agent called its model last, if anybody knows.

        Cancelling the call kills the whole process tree before it returns."""
        ...


class Checks(Protocol):
    """Runs a repository's commands on a clean checkout."""

    def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        """Each command in order, in a sandbox of its own, without network or agent."""
        ...

    async def reports(self, box: Box) -> dict[str, bytes] | None:
        """What the last command left in `$REPORTS`, which is empty afterwards; None: more than is read."""
        ...

    async def tools(self, commands: Sequence[Command]) -> tuple[Tool, ...]:
        """The programs that these commands start, with their versions."""
        ...


class Clock(Protocol):
    """Time as an argument."""

    def __call__(self) -> datetime: ...
