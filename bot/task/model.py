"""The task: one issue being turned into one pull request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.task.ids import (
    ArtifactId,
    BranchName,
    CommentId,
    CommitSha,
    FactKey,
    IssueRef,
    Login,
    PullNumber,
    ReviewId,
    TaskId,
)

LABEL_RUN = "agent:run"
LABEL_PLAN = "agent:plan"
LABEL_NEEDS_INPUT = "agent:needs-input"

DEFAULT_ATTEMPTS = 3
"""Agent turns in one run before the work is published as a draft (setting `limits.attempts`)."""


class Phase(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    """A run is wanted and waits for a free place."""
    PREPARING = "preparing"
    """The sandbox worktree is being made."""
    WORKING = "working"
    """The agent has its turn."""
    VERIFYING = "verifying"
    """The checks run on the exact commit."""
    PUBLISHING = "publishing"
    """Branch, pull request and report are being written to GitHub."""
    IN_REVIEW = "in_review"
    """The pull request waits for people."""
    NEEDS_INPUT = "needs_input"
    """The agent asked; a person has to answer."""
    DONE = "done"
    """Merged."""
    CANCELLED = "cancelled"
    """A person stopped it; the work is kept."""
    FAILED = "failed"
    """It could not go on; the reason is told, the work is kept."""
    DECLINED = "declined"
    """There was nothing to do, and why."""
    ANSWERED = "answered"
    """The issue was a question and has its answer."""
    DISCARDED = "discarded"
    """The pull request was closed without a merge."""


RUNNING = frozenset({Phase.PREPARING, Phase.WORKING, Phase.VERIFYING, Phase.PUBLISHING})
"""Phases that hold one of the operator's places (`ISSUEWRIGHT_MAX_PARALLEL`)."""

LIVE = RUNNING | {Phase.QUEUED, Phase.IN_REVIEW, Phase.NEEDS_INPUT}
"""Phases in which something may still happen; at most one live task per issue."""

FINAL = frozenset(Phase) - LIVE


class Stage(StrEnum):
    """What a phase means to people: all that their events have to tell apart."""

    RUN = "run"
    """A run is wanted or going on."""
    REVIEW = "review"
    """The pull request waits for people."""
    QUESTION = "question"
    """A person has to answer."""
    HALTED = "halted"
    """Ended without a merge, but it can be taken up again."""
    OVER = "over"
    """Ended for good."""


def stage(phase: Phase) -> Stage:
    """The stage of a phase."""
    match phase:
        case Phase.QUEUED | Phase.PREPARING | Phase.WORKING | Phase.VERIFYING | Phase.PUBLISHING:
            return Stage.RUN
        case Phase.IN_REVIEW:
            return Stage.REVIEW
        case Phase.NEEDS_INPUT:
            return Stage.QUESTION
        case Phase.CANCELLED | Phase.FAILED | Phase.DECLINED | Phase.ANSWERED:
            return Stage.HALTED
        case Phase.DONE | Phase.DISCARDED:
            return Stage.OVER
        case _:
            assert_never(phase)


class CauseKind(StrEnum):
    """Why a run is wanted, in the order in which a run tells them to the agent."""

    LABEL = "label"
    RETRY = "retry"
    ANSWER = "answer"
    FEEDBACK = "feedback"
    CONFLICT = "conflict"
    """The pull request cannot be merged as it stands: its base moved."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for a run. `fact` names what to read on GitHub: `review:12`, `comment:34`."""

    kind: CauseKind
    fact: FactKey
    by: Login


def in_order(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Causes by their fixed priority, each fact once, otherwise as they came."""
    ranks = list(CauseKind)
    unique = dict.fromkeys(causes)
    return tuple(sorted(unique, key=lambda cause: ranks.index(cause.kind)))


def conflicts_of(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Those of them that want the base merged into the branch."""
    return tuple(cause for cause in causes if cause.kind is CauseKind.CONFLICT)


def reviews_of(causes: tuple[Cause, ...]) -> tuple[FactKey, ...]:
    """The reviews among them."""
    return tuple(cause.fact for cause in causes if cause.fact.startswith("review:"))


def review_id(review: FactKey) -> ReviewId:
    """Of `review:12`."""
    return ReviewId(int(review.removeprefix("review:")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One issue on its way. Everything that can be told from its history is not stored here."""

    id: TaskId
    issue: IssueRef
    generation: int
    """1 for the first task of an issue; a finished issue can run again."""
    title: str
    """Title of the issue as admitted by the label."""
    admitted: ArtifactId
    """Body of the issue as admitted by the label."""
    requester: Login
    """Who put the label."""
    label_event: int
    """GitHub's id of the `labeled` event that started it last: one label starts one task."""
    labelled_at: datetime
    """When; what people wrote before is not meant for this task."""
    branch: BranchName
    agent: str
    phase: Phase
    pending: tuple[Cause, ...] = ()
    """Causes that wait for the next run."""
    current: tuple[Cause, ...] = ()
    """Causes that the present (or last) run serves."""
    run: int = 0
    """Numbered passes; results of an older one are ignored."""
    attempt: int = 0
    """Agent turns in this run."""
    attempts_allowed: int = DEFAULT_ATTEMPTS
    session: str | None = None
    """By which the agent resumes its session."""
    base: CommitSha | None = None
    """Head of the base branch that the present run started from."""
    start: CommitSha | None = None
    """Head of the task's branch on GitHub when the run started; None: there was none yet."""
    commit: CommitSha | None = None
    """Our newest commit that is saved but not published."""
    pull: PullNumber | None = None
    head: CommitSha | None = None
    """The commit that we published last."""
    status_comment: CommentId | None = None
    planning: bool = False
    """A plan is wanted, and nobody has said yet that the work may start."""
    plan_comment: CommentId | None = None
    """Where the newest plan stands; a 👍 there starts the work."""
    asked_at: datetime | None = None
    """When the agent asked last; only what comes after can be the answer."""
    commanded_at: datetime | None = None
    """When the last obeyed command was written; older ones are stale."""

    @property
    def live(self) -> bool:
        return self.phase in LIVE

    @property
    def parent(self) -> CommitSha | None:
        """The commit that the next work builds on."""
        return self.commit or self.start or self.base


def labels_of(task: Task) -> frozenset[str]:
    """Which of our labels the issue of this task should carry."""
    asking = {LABEL_NEEDS_INPUT} if task.phase is Phase.NEEDS_INPUT else set()
    wanted = LABEL_PLAN if task.planning else LABEL_RUN
    return frozenset({wanted, *asking}) if task.live else frozenset()


def branch_name(issue: IssueRef, title: str, generation: int) -> BranchName:
    """`agent/<issue>-<slug>`, lower case ASCII, at most 60 characters; later generations end in `-gN`."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in title.lower()).split()
    slug = ""
    for word in words:
        if len(slug) + len(word) > 40:
            break
        slug = f"{slug}-{word}" if slug else word
    name = f"agent/{issue.number}-{slug or 'issue'}"
    return BranchName(name if generation == 1 else f"{name}-g{generation}")
