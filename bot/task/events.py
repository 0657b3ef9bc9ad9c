"""What happened to a task, in the past tense: a closed union.

Events of people and of GitHub come from intake and sweep under natural keys; results of a run come from the steps
under the id of their effect. Texts are short and capped; logs and saved work are artifacts.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.task.effects import Answer
from bot.task.ids import ArtifactId, BranchName, CommentId, CommitSha, FactKey, IssueRef, Login, PullNumber
from bot.task.model import Cause
from bot.task.results import FaultKind, FileChange, Verification
from bot.task.usage import TurnUse

# ── people and GitHub ──


@dataclass(frozen=True, slots=True)
class Labelled:
    """Someone with write access put `agent:run` on the issue, and so admitted title and body as they were then."""

    issue: IssueRef
    by: Login
    label_event: int
    at: datetime
    """When the label was put, by GitHub's clock."""
    title: str
    admitted: ArtifactId
    agent: str
    plan: bool = False
    """It was `agent:plan`: a plan is wanted before any work."""


@dataclass(frozen=True, slots=True)
class LabelRemoved:
    """Someone took `agent:run` away."""

    by: Login


@dataclass(frozen=True, slots=True)
class IssueClosed:
    """The issue was closed, and not by the merge of our pull request."""


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """Someone with write access reviewed or commented. `loose`: more of it may follow within the quiet minute.

    `at` is GitHub's time. `on_pull` False: a comment on the issue itself, which steers only as an answer.
    """

    cause: Cause
    comment: CommentId | None
    at: datetime
    loose: bool
    on_pull: bool


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """The quiet minute after loose comments is over."""


@dataclass(frozen=True, slots=True)
class Said:
    """Where a command was given. `fact`: the comment or review; `comment` is None for a review."""

    fact: FactKey
    by: Login
    at: datetime
    """GitHub's time."""
    comment: CommentId | None
    on_pull: bool


@dataclass(frozen=True, slots=True)
class StopRequested:
    """`/agent stop`."""

    said: Said


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """`/agent retry` or `/agent run`; `fresh`: in a new session."""

    said: Said
    fresh: bool
    go: bool = False
    """`/agent run`: where a plan waits for it, the work starts."""


@dataclass(frozen=True, slots=True)
class PlanApproved:
    """Someone with write access put 👍 on the plan."""

    by: Login
    comment: CommentId


@dataclass(frozen=True, slots=True)
class HelpRequested:
    """`/agent help`, or a command that we do not know (`word`)."""

    said: Said
    word: str = ""


@dataclass(frozen=True, slots=True)
class CommandDenied:
    """A command that is not obeyed, for a reason outside the task."""

    said: Said
    answer: Answer


@dataclass(frozen=True, slots=True)
class PullMerged:
    """The pull request was merged."""


@dataclass(frozen=True, slots=True)
class PullClosed:
    """The pull request was closed without a merge."""


@dataclass(frozen=True, slots=True)
class AccessLost:
    """The App does not see the repository any more: uninstalled, taken out, deleted, or moved to someone else."""


@dataclass(frozen=True, slots=True)
class BaseMoved:
    """The pull request conflicts with its base branch. Its key is the pair of commits, so each is taken up once."""

    head: CommitSha
    base: CommitSha


@dataclass(frozen=True, slots=True)
class PullReopened:
    """The pull request, closed before, is open again."""


# ── results of a run ──

ThreadAnswers = tuple[tuple[int, str], ...]
"""What the agent answers to single review threads: the thread's first comment, and its words."""


@dataclass(frozen=True, slots=True)
class RunAdmitted:
    """A place is free: the run may start."""

    run: int


@dataclass(frozen=True, slots=True)
class WorkspacePrepared:
    """The sandbox worktree is ready.

    `branch_head`: the task's branch on GitHub, if it is there. `resumed`: the saved, unpublished commit still fits on
    it; otherwise someone moved the branch, and the run builds on theirs.
    """

    run: int
    base: CommitSha
    base_branch: BranchName
    branch_head: CommitSha | None
    resumed: bool
    attempts_allowed: int
    notes: tuple[str, ...] = ()
    """Wishes of the repository that the operator does not grant, one sentence each."""
    merged: CommitSha | None = None
    """Our commit that merges the base into the branch, where the run is for that and nothing conflicts."""
    conflicts: tuple[str, ...] = ()
    """Where something does: the files that stand in the worktree with both sides."""


@dataclass(frozen=True, slots=True)
class RunRefused:
    """The run cannot start, for a reason that a person can mend."""

    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChangesMade:
    """The agent ended its turn and left changes; `commit` is ours, made from the harvested tree."""

    run: int
    attempt: int
    commit: CommitSha
    files: tuple[FileChange, ...]
    summary: str
    session: str | None
    threads: ThreadAnswers = ()
    use: TurnUse | None = None
    """What the turn used; None: it did not begin, or an older version wrote this."""


@dataclass(frozen=True, slots=True)
class NothingDone:
    """The agent ended its turn and the tree is as it was."""

    run: int
    attempt: int
    summary: str
    session: str | None
    threads: ThreadAnswers = ()
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class HarvestRejected:
    """The tree may not be taken over; one sentence per violation."""

    run: int
    attempt: int
    violations: tuple[str, ...]
    session: str | None
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """The agent needs a decision. `commit`: what it had done so far, if anything."""

    run: int
    attempt: int
    question: str
    at: datetime
    commit: CommitSha | None
    session: str | None
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The agent said how it would do the work, and changed nothing."""

    run: int
    attempt: int
    plan: str
    at: datetime
    session: str | None
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class WorkDeclined:
    """The agent says that there is nothing to do."""

    run: int
    attempt: int
    reason: str
    session: str | None
    threads: ThreadAnswers = ()
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class IssueAnswered:
    """The issue was a question; this is the answer."""

    run: int
    attempt: int
    text: str
    session: str | None
    threads: ThreadAnswers = ()
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class AgentFailed:
    """The turn ended badly. `commit`: what it had done so far, if anything."""

    run: int
    attempt: int
    kind: FaultKind
    detail: str
    commit: CommitSha | None
    session: str | None
    use: TurnUse | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The checks ran on the exact commit."""

    run: int
    attempt: int
    verification: Verification


@dataclass(frozen=True, slots=True)
class Published:
    """Branch, pull request and report stand on GitHub. `draft`: the checks do not pass."""

    run: int
    pull: PullNumber
    head: CommitSha
    draft: bool
    report_url: str
    changed: tuple[FileChange, ...] = ()
    """What this run changed since the head that stood before; empty for the first one."""


@dataclass(frozen=True, slots=True)
class PublishRefused:
    """GitHub does not take the branch or the pull request, for a reason that a person can mend."""

    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """Someone moved the branch while the run was going: the work has to build on theirs."""

    run: int


# ── the machine itself ──


@dataclass(frozen=True, slots=True)
class WorkSaved:
    """What an interrupted turn had done is kept as our commit."""

    run: int
    commit: CommitSha


@dataclass(frozen=True, slots=True)
class PlanPosted:
    """The plan of this run stands in this comment."""

    run: int
    comment: CommentId


@dataclass(frozen=True, slots=True)
class StatusPosted:
    """Our status comment has this id."""

    comment: CommentId


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """An effect was given up after its last attempt."""

    kind: str
    fault: str


PersonEvent = (
    Labelled
    | LabelRemoved
    | IssueClosed
    | FeedbackGiven
    | WindowClosed
    | StopRequested
    | RetryRequested
    | PlanApproved
    | HelpRequested
    | CommandDenied
    | PullMerged
    | PullClosed
    | AccessLost
    | PullReopened
    | BaseMoved
)
AgentResult = (
    PlanMade | ChangesMade | NothingDone | HarvestRejected | QuestionAsked | WorkDeclined | IssueAnswered | AgentFailed
)
RunResult = (
    RunAdmitted | WorkspacePrepared | RunRefused | AgentResult | Verified | Published | PublishRefused | HeadMoved
)
TaskEvent = PersonEvent | RunResult | WorkSaved | StatusPosted | PlanPosted | EffectFailed
