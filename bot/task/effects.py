"""What to do next, in the imperative: a closed union. Every effect is a row; everything that is due is an effect."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from bot.task.ids import CommentId, DeliveryId, FactKey


class Lane(StrEnum):
    """Order holds within (subject, lane) only, so that a long run delays no stop and no status."""

    CONTROL = "control"
    """Deliveries, admission, windows, sweeps."""
    WORK = "work"
    """The steps of a run, and what must wait for them."""
    FORGE = "forge"
    """Labels, reactions, branches."""
    SAY = "say"
    """Comments to people."""


class Topic(StrEnum):
    """What a new comment to a person is about."""

    READY = "ready"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    QUESTION = "question"
    PLAN = "plan"
    FAILED = "failed"
    DECLINED = "declined"
    ANSWERED = "answered"


class Refusal(StrEnum):
    """Why something outside any task starts nothing."""

    LABEL_DENIED = "label denied"
    """The label was put by someone without write access."""
    EDITED_SINCE = "edited since"
    """Someone without write access changed title or body after the label was put."""
    LABEL_ON_PULL = "label on pull request"
    """The label was put on a pull request."""
    NO_TASK = "no task"
    """A command on an issue that has no task."""


class Answer(StrEnum):
    """What a reply to a command says."""

    HELP = "help"
    STOPPED = "stopped"
    RETRYING = "retrying"
    ALREADY_RUNNING = "already running"
    NOTHING_TO_STOP = "nothing to stop"
    FINISHED = "finished"
    STALE = "stale"
    DENIED = "denied"
    ISSUE_CLOSED = "issue closed"


# ── of a task ──


@dataclass(frozen=True, slots=True)
class StartRun:
    """Wait for a free place, then start. The store performs it: admission is a decision on rows."""

    run: int


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """End the quiet minute after loose comments."""


@dataclass(frozen=True, slots=True)
class PrepareWorkspace:
    """Fetch, read the repository's config, make the sandbox worktree."""

    run: int


@dataclass(frozen=True, slots=True)
class RunAgent:
    """One turn of the agent, then the harvest."""

    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Verify:
    """Run the checks on a clean checkout of the exact commit."""

    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Push, open or renew the pull request and the report."""

    run: int


@dataclass(frozen=True, slots=True)
class CloseWorkspace:
    """Remove the worktree; `save`: a turn was interrupted, keep what it had done first."""

    run: int
    save: bool


@dataclass(frozen=True, slots=True)
class React:
    """A reaction on a comment, or on the issue (`comment` None)."""

    comment: CommentId | None
    content: str


@dataclass(frozen=True, slots=True)
class SetLabels:
    """Make our labels on the issue say how its newest task stands when this runs. Carries nothing."""


@dataclass(frozen=True, slots=True)
class DeleteBranch:
    """Delete the merged branch."""


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """Make the status comment say how things are when this runs. Carries nothing."""


@dataclass(frozen=True, slots=True)
class Announce:
    """One new short comment that mentions the person who asked.

    `reviews`: the reviews that the run took up. Their threads are answered, all in one review that says it as well.
    """

    topic: Topic
    run: int
    reviews: tuple[FactKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a command where it was given."""

    fact: FactKey
    """The comment or review that gave it: `comment:34`."""
    on_pull: bool
    answer: Answer
    word: str = ""


TaskEffect = (
    StartRun
    | CloseWindow
    | PrepareWorkspace
    | RunAgent
    | Verify
    | Publish
    | CloseWorkspace
    | React
    | SetLabels
    | DeleteBranch
    | UpdateStatus
    | Announce
    | Reply
)

# ── of other subjects ──


@dataclass(frozen=True, slots=True)
class ProcessDelivery:
    """Turn a stored webhook delivery into facts."""

    delivery: DeliveryId


@dataclass(frozen=True, slots=True)
class Sweep:
    """Look through every repository for what no webhook told; asks for the next sweep when done."""


@dataclass(frozen=True, slots=True)
class EnsureLabels:
    """Make our labels exist in a repository."""

    repo_id: int
    full_name: str
    installation: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell someone, once, why a label or command outside any task starts nothing."""

    repo_id: int
    full_name: str
    installation: int
    issue: int
    why: Refusal
    by: str
    fact: str


@dataclass(frozen=True, slots=True)
class Onboard:
    """Propose the repository's file in a pull request, once, with what its checks say on the base."""

    repo_id: int
    full_name: str
    installation: int


WorldEffect = ProcessDelivery | Sweep | EnsureLabels | Refuse | Onboard
Effect = TaskEffect | WorldEffect


def lane(effect: Effect) -> Lane:
    """The lane that an effect travels in."""
    match effect:
        case StartRun() | CloseWindow() | ProcessDelivery() | Sweep():
            return Lane.CONTROL
        case PrepareWorkspace() | RunAgent() | Verify() | Publish() | CloseWorkspace() | Onboard():
            return Lane.WORK
        case React() | SetLabels() | DeleteBranch() | EnsureLabels():
            return Lane.FORGE
        case UpdateStatus() | Announce() | Reply() | Refuse():
            return Lane.SAY
        case _:
            assert_never(effect)


def key(effect: Effect) -> str:
    """Unique among the open, unclaimed effects of a subject: inserting it again replaces payload and due time."""
    name = type(effect).__name__
    match effect:
        case StartRun() | CloseWindow() | UpdateStatus() | SetLabels() | DeleteBranch() | Sweep():
            return name
        case EnsureLabels() | Onboard():
            return name
        case PrepareWorkspace(run) | Publish(run) | CloseWorkspace(run=run):
            return f"{name}:{run}"
        case RunAgent(run, attempt) | Verify(run, attempt):
            return f"{name}:{run}.{attempt}"
        case React(comment, content):
            return f"{name}:{comment or 'issue'}:{content}"
        case Announce(topic, run, _):
            return f"{name}:{topic}:{run}"
        case Reply(fact=fact, answer=answer):
            return f"{name}:{fact}:{answer}"
        case ProcessDelivery(delivery):
            return f"{name}:{delivery}"
        case Refuse(fact=fact):
            return f"{name}:{fact}"
        case _:
            assert_never(effect)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things wait on purpose. An effect inserted again is due at min(now + quiet, first + bound)."""

    feedback_quiet: timedelta = timedelta(seconds=60)
    feedback_bound: timedelta = timedelta(minutes=5)
    sweep_every: timedelta = timedelta(minutes=2)
    progress_every: timedelta = timedelta(seconds=60)
    paused_every: timedelta = timedelta(minutes=5)
    """How often an onboarding that a pause holds up looks whether it has ended."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Due at min(now + quiet, first insertion + bound)."""

    quiet: timedelta = timedelta(0)
    bound: timedelta = timedelta(0)


def wait(effect: Effect, pace: Pace) -> Wait:
    """How long an effect waits after it is asked for."""
    if isinstance(effect, CloseWindow):
        return Wait(pace.feedback_quiet, pace.feedback_bound)
    return Wait()
