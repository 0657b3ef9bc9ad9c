"""Every event has a line, and words of others never become ours."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from inline_snapshot import snapshot

from bot.task.effects import Answer
from bot.task.events import (
    AccessLost,
    AgentFailed,
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
    Said,
    StatusPosted,
    StopRequested,
    TaskEvent,
    Verified,
    WindowClosed,
    WorkDeclined,
    WorkSaved,
    WorkspacePrepared,
)
from bot.task.ids import (
    ArtifactId,
    BranchName,
    CommentId,
    CommitSha,
    FactKey,
    InstallationId,
    IssueNumber,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
)
from bot.task.model import Cause, CauseKind, Phase
from bot.task.results import CheckResult, ChecksOrigin, FaultKind, FileChange, SandboxLevel, Verification
from bot.words.timeline import Mood, ago, line, phase_word, visible

AT = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
ANA = Login("ana")
COMMIT = CommitSha("0123456789" * 4)
ISSUE = IssueRef(RepoRef(7, "acme/widgets", InstallationId(1)), IssueNumber(3))
SAID = "Words\x1b[31m of\u202e the agent"


def verified(*exits: int | None) -> Verified:
    checks = tuple(CheckResult(f"c{n}", "true", True, code, 1.0) for n, code in enumerate(exits))
    return Verified(1, 1, Verification(COMMIT, checks, ChecksOrigin.CONFIGURED, SandboxLevel.OVERLAY, AT))


def feedback(fact: str) -> FeedbackGiven:
    return FeedbackGiven(Cause(CauseKind.FEEDBACK, FactKey(fact), ANA), None, AT, False, True)


WHERE = Said(FactKey("comment:1"), ANA, AT, CommentId(1), on_pull=True)

EVENTS: list[TaskEvent] = [
    AccessLost(),
    Labelled(ISSUE, ANA, 1, AT, "Title", ArtifactId(1), "codex"),
    LabelRemoved(ANA),
    IssueClosed(),
    feedback("review:1"),
    feedback("comment:1"),
    WindowClosed(),
    StopRequested(WHERE),
    RetryRequested(WHERE, fresh=True),
    HelpRequested(WHERE),
    HelpRequested(WHERE, "fly"),
    CommandDenied(WHERE, Answer.DENIED),
    PullMerged(),
    PullClosed(),
    PullReopened(),
    BaseMoved(CommitSha("a" * 40), CommitSha("b" * 40)),
    PlanApproved(WHERE.by, CommentId(55)),
    PlanMade(1, 1, SAID, AT, None),
    PlanPosted(1, CommentId(55)),
    RunAdmitted(2),
    WorkspacePrepared(1, COMMIT, BranchName("main"), None, False, 3),
    WorkspacePrepared(1, COMMIT, BranchName("main"), COMMIT, True, 3),
    RunRefused(1, "`.github/issuewright.yml` is not UTF-8."),
    ChangesMade(1, 1, COMMIT, (FileChange("a", "M", 3, 1), FileChange("b", "A", None, None)), SAID, None),
    NothingDone(1, 1, SAID, None),
    HarvestRejected(1, 1, ("one", "two"), None),
    QuestionAsked(1, 1, SAID, AT, None, None),
    WorkDeclined(1, 1, SAID, None),
    IssueAnswered(1, 1, SAID, None),
    AgentFailed(1, 1, FaultKind.CRASHED, SAID, None, None),
    verified(0, 0),
    verified(0, 1, None),
    verified(),
    Published(1, PullNumber(47), COMMIT, True, "https://x"),
    PublishRefused(1, "the branch is protected"),
    HeadMoved(1),
    WorkSaved(1, COMMIT),
    StatusPosted(CommentId(1)),
    EffectFailed("UpdateStatus", "HTTP 403"),
]


def test_every_kind_of_event_has_its_line() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(TaskEvent))
    assert [line(event).text for event in EVENTS] == snapshot(
        [
            "The App does not see the repository any more: install it there again, then `/agent retry`",
            "@ana put the label agent:run on the issue",
            "@ana took the label agent:run away",
            "The issue was closed",
            "@ana reviewed",
            "@ana commented",
            "A quiet minute passed after the last comment",
            "@ana said /agent stop",
            "@ana said /agent retry fresh",
            "Somebody asked for help",
            "Somebody said /agent fly, which is no command",
            "A command of @ana was not obeyed: denied",
            "The pull request was merged",
            "The pull request was closed without a merge",
            "The pull request was opened again",
            "The pull request conflicts with its base",
            "@ana approved the plan",
            "The agent made a plan",
            "The plan was posted on the issue",
            "A place was free: run 2 started",
            "The worktree is ready, from main at 0123456",
            "The worktree is ready, from main at 0123456, going on from the kept work",
            "The run could not start: `.github/issuewright.yml` is not UTF-8.",
            "The agent changed 2 files, +3 \N{MINUS SIGN}1: our commit 0123456",
            "The agent ended its turn without a change",
            "The agent's changes may not be taken over",
            "The agent asked a question",
            "The agent says that there is nothing to do",
            "The agent answered the question of the issue",
            "The agent's turn ended badly: crashed",
            "2 required checks passed on 0123456",
            "2 of 3 required checks failed on 0123456",
            "No check ran on 0123456: nothing is proven",
            "Pull request #47 stands at 0123456, as a draft",
            "GitHub did not take the work: the branch is protected",
            "Somebody pushed to the branch meanwhile: the work starts again on theirs",
            "The interrupted work is kept as 0123456",
            "The status comment was written on the issue",
            "UpdateStatus was given up, a fault of the bot or its machine: HTTP 403",
        ]
    )


def test_words_of_the_agent_stand_apart() -> None:
    for event in EVENTS:
        told = line(event)
        assert "Words" not in told.text
        if SAID in repr(event) or "Words" in repr(event):
            assert told.words == "Words of the agent"
            assert "agent" in told.source


@pytest.mark.parametrize(
    ("event", "mood"),
    [
        (verified(0), Mood.GOOD),
        (verified(1), Mood.BAD),
        (verified(), Mood.PLAIN),
        (PullMerged(), Mood.GOOD),
        (QuestionAsked(1, 1, "?", AT, None, None), Mood.ASKS),
        (EffectFailed("React", "x"), Mood.BAD),
    ],
)
def test_nothing_unproven_looks_good(event: TaskEvent, mood: Mood) -> None:
    assert line(event).mood is mood


def test_invisible_characters_and_colours_are_left_out() -> None:
    assert (
        visible("\x1b[1;31mred\x1b[0m\x1b]8;;http://x\x07link\x1b]8;;\x07\r\n\tindented\x00\u200b")
        == "redlink\n\tindented"
    )
    assert visible("abcdef", 3) == "abc …"


def test_ages() -> None:
    ages = (0, 42, 61, 3599, 3600, 47 * 3600 + 59, 49 * 3600, -90)
    assert [ago(seconds) for seconds in ages] == snapshot(
        ["just now", "42 s", "1 min", "59 min", "1 h", "47 h", "2 days", "1 min"]
    )


def test_every_phase_has_its_word() -> None:
    assert [phase_word(phase) for phase in Phase] == snapshot(
        [
            "queued",
            "preparing",
            "working",
            "verifying",
            "publishing",
            "in review",
            "needs an answer",
            "merged",
            "stopped",
            "failed",
            "declined",
            "answered",
            "discarded",
        ]
    )
