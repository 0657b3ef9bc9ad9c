"""What the pages say: a line for every event of a task, and where a task stands. Plain text; the page escapes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.task.events import (
    AccessLost,
    AgentFailed,
    AgentResult,
    BaseMoved,
    ChangesMade,
    CommandDenied,
    EffectFailed,
    FeedbackGiven,
    HarvestRejected,
    HeadMoved,
    HelpRequested,
    IssueAnswered,
    IssueClosed,
    Labelled,
    LabelRemoved,
    NothingDone,
    PersonEvent,
    PlanApproved,
    PlanMade,
    PlanPosted,
    Published,
    PublishRefused,
    PullClosed,
    PullMerged,
    PullReopened,
    QuestionAsked,
    RetryRequested,
    RunAdmitted,
    RunRefused,
    StatusPosted,
    StopRequested,
    TaskEvent,
    Verified,
    WindowClosed,
    WorkDeclined,
    WorkSaved,
    WorkspacePrepared,
)
from bot.task.model import LABEL_RUN, Phase, Task
from bot.task.pause import Pause
from bot.task.results import FileChange, Verdict, Verification
from bot.words.plain import count, duration, one_line
from bot.words.status import paused

WORDS = 8000
"""Characters of somebody else's words on a page."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Mood(StrEnum):
    """How a line wants to be seen."""

    PLAIN = "plain"
    """The ordinary course of things."""
    GOOD = "good"
    """Something was reached."""
    BAD = "bad"
    """Something went wrong."""
    ASKS = "asks"
    """A person's turn."""


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, in our words; then, apart from them, what somebody else said about it."""

    text: str
    mood: Mood = Mood.PLAIN
    words: str = ""
    """Somebody else's, visible characters only; never ours."""
    source: str = "In the words of the agent, unverified"
    """Whose words they are: stands above them."""


def line(event: TaskEvent) -> Line:
    """Total: every event has its line."""
    match event:
        case RunAdmitted(run):
            return Line(f"A place was free: run {run} started")
        case WorkspacePrepared():
            return Line(_prepared(event))
        case RunRefused(reason=reason):
            return Line(f"The run could not start: {one_line(reason, 500)}", Mood.BAD)
        case Verified(verification=verification):
            return Line(checks_said(verification), _MOODS[verification.verdict])
        case Published(pull=pull, head=head, draft=draft):
            return Line(f"Pull request #{pull} stands at {head[:7]}{', as a draft' if draft else ''}", Mood.GOOD)
        case PublishRefused(reason=reason):
            return Line(f"GitHub did not take the work: {one_line(reason, 500)}", Mood.BAD)
        case HeadMoved():
            return Line("Somebody pushed to the branch meanwhile: the work starts again on theirs")
        case WorkSaved(commit=commit):
            return Line(f"The interrupted work is kept as {commit[:7]}")
        case PlanPosted():
            return Line("The plan was posted on the issue")
        case StatusPosted():
            return Line("The status comment was written on the issue")
        case EffectFailed(kind, fault):
            return Line(f"{kind} was given up, a fault of the bot or its machine: {one_line(fault, 500)}", Mood.BAD)
        case (
            ChangesMade()
            | NothingDone()
            | HarvestRejected()
            | QuestionAsked()
            | PlanMade()
            | WorkDeclined()
            | IssueAnswered()
            | AgentFailed()
        ):
            return _turn(event)
        case _:
            return Line(_person(event), Mood.GOOD if isinstance(event, PullMerged) else Mood.PLAIN)


_MOODS = {Verdict.PASSED: Mood.GOOD, Verdict.FAILED: Mood.BAD, Verdict.NO_CHECKS: Mood.PLAIN}


def _prepared(event: WorkspacePrepared) -> str:
    goes_on = ", going on from the kept work" if event.resumed else ""
    return f"The worktree is ready, from {event.base_branch} at {event.base[:7]}{goes_on}"


def _turn(event: AgentResult) -> Line:
    match event:
        case ChangesMade(commit=commit, files=files, summary=summary):
            return Line(f"The agent changed {changed(files)}: our commit {commit[:7]}", words=visible(summary))
        case NothingDone(summary=summary):
            return Line("The agent ended its turn without a change", words=visible(summary))
        case HarvestRejected(violations=violations):
            found = "\n".join(one_line(violation) for violation in violations)
            return Line("The agent's changes may not be taken over", Mood.BAD, found, "What was found")
        case QuestionAsked(question=question):
            return Line("The agent asked a question", Mood.ASKS, visible(question))
        case PlanMade(plan=plan):
            return Line("The agent made a plan", Mood.ASKS, visible(plan))
        case WorkDeclined(reason=reason):
            return Line("The agent says that there is nothing to do", words=visible(reason))
        case IssueAnswered(text=text):
            return Line("The agent answered the question of the issue", words=visible(text))
        case AgentFailed(kind=kind, detail=detail):
            return Line(
                f"The agent's turn ended badly: {kind}", Mood.BAD, visible(detail), "Details, which may quote the agent"
            )
        case _:
            assert_never(event)


def _person(event: PersonEvent) -> str:
    match event:
        case Labelled(by=by):
            return f"@{by} put the label {LABEL_RUN} on the issue"
        case LabelRemoved(by=by):
            return f"@{by} took the label {LABEL_RUN} away"
        case IssueClosed():
            return "The issue was closed"
        case AccessLost():
            return "The App does not see the repository any more: install it there again, then `/agent retry`"
        case FeedbackGiven(cause=cause):
            return f"@{cause.by} {'reviewed' if cause.fact.startswith('review:') else 'commented'}"
        case WindowClosed():
            return "A quiet minute passed after the last comment"
        case StopRequested(said):
            return f"@{said.by} said /agent stop"
        case RetryRequested(said, fresh):
            return f"@{said.by} said /agent retry{' fresh' if fresh else ''}"
        case HelpRequested(word=word):
            return (
                f"Somebody said /agent {one_line(word, 40)}, which is no command" if word else "Somebody asked for help"
            )
        case CommandDenied(said, answer):
            return f"A command of @{said.by} was not obeyed: {answer}"
        case PullMerged():
            return "The pull request was merged"
        case PlanApproved(by):
            return f"@{by} approved the plan"
        case BaseMoved():
            return "The pull request conflicts with its base"
        case PullReopened():
            return "The pull request was opened again"
        case PullClosed():
            return "The pull request was closed without a merge"
        case _:
            assert_never(event)


def checks_said(verification: Verification) -> str:
    """What the checks say about a commit, in one line."""
    required = sum(check.required for check in verification.checks)
    commit = verification.commit[:7]
    match verification.verdict:
        case Verdict.PASSED:
            return f"{count(required, 'required check')} passed on {commit}"
        case Verdict.FAILED:
            return f"{len(verification.failures)} of {count(required, 'required check')} failed on {commit}"
        case Verdict.NO_CHECKS:
            return f"No check ran on {commit}: nothing is proven"
        case never:
            assert_never(never)


def changed(files: Sequence[FileChange]) -> str:
    """`2 files, +14 -3`, with a true minus sign."""
    added, removed = sum(file.added or 0 for file in files), sum(file.removed or 0 for file in files)
    return f"{count(len(files), 'file')}, +{added} \N{MINUS SIGN}{removed}"


def visible(text: str, limit: int = WORDS) -> str:
    """The text with its line breaks, without colours, control characters and invisible ones; cut at its end."""
    seen = _UNSEEN.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n"))).strip("\n")
    return seen if len(seen) <= limit else seen[:limit].rstrip() + " …"


def phase_word(phase: Phase) -> str:
    """One or two words for a badge."""
    match phase:
        case Phase.NEEDS_INPUT:
            return "needs an answer"
        case Phase.IN_REVIEW:
            return "in review"
        case Phase.DONE:
            return "merged"
        case Phase.CANCELLED:
            return "stopped"
        case _:
            return phase.value


def standing(task: Task, position: int | None, pause: Pause | None = None) -> str:
    """What the task waits for, and what ends the waiting. `position` in the queue, 1 = next."""
    match task.phase:
        case Phase.QUEUED if pause:
            return paused(pause).replace("`", "")
        case Phase.QUEUED:
            place = f" ({count(position - 1, 'task')} before it)" if position and position > 1 else ""
            return f"Waits for a free place{place}; starts when a run ends or stops."
        case Phase.PREPARING:
            return "The sandbox worktree is being made."
        case Phase.WORKING:
            return f"The agent has its turn: attempt {task.attempt} of {task.attempts_allowed}."
        case Phase.VERIFYING:
            return f"The checks run on a clean checkout of {(task.commit or '')[:7]}."
        case Phase.PUBLISHING:
            return "Branch, pull request and report are being written to GitHub."
        case Phase.IN_REVIEW:
            return f"Pull request #{task.pull} waits for people: a review steers it, a merge ends it."
        case Phase.NEEDS_INPUT:
            return "Waits for a person: an answer on the issue lets the agent go on."
        case Phase.DONE:
            return "Merged; everything is cleaned up."
        case Phase.CANCELLED:
            return "A person stopped it. The work is kept: /agent retry goes on from it."
        case Phase.FAILED:
            return "It could not go on. The work is kept: /agent retry goes on from it."
        case Phase.DECLINED:
            return "There was nothing to do. /agent retry asks again."
        case Phase.ANSWERED:
            return "The issue was a question and has its answer. /agent retry asks again."
        case Phase.DISCARDED:
            return "The pull request was closed without a merge."
        case never:
            assert_never(never)


def ago(seconds: float) -> str:
    """An age: `just now`, `5 min`, `3 h`, `2 days`; of moments to come, the same."""
    whole = abs(seconds)
    if whole < 5:
        return "just now"
    if whole < 3600:
        return duration(whole if whole < 60 else whole // 60 * 60)
    if whole < 48 * 3600:
        return duration(whole // 3600 * 3600)
    return f"{int(whole // 86400)} days"
