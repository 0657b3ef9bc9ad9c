"""One task per phase, and every event at least once; where an event has cases, one sample each."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.task import effects as fx
from bot.task import events as ev
from bot.task.certificate import CertificateVerdict, RedFirstVerdict
from bot.task.effects import Answer, Effect, Refusal, Topic
from bot.task.events import TaskEvent
from bot.task.ids import (
    ArtifactId,
    BranchName,
    CommentId,
    CommitSha,
    DeliveryId,
    FactKey,
    InstallationId,
    IssueNumber,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
    TaskId,
)
from bot.task.model import Cause, CauseKind, Phase, Task
from bot.task.results import (
    CheckResult,
    ChecksOrigin,
    FaultKind,
    FileChange,
    Proof,
    SandboxLevel,
    Verification,
)
from bot.task.usage import Tokens, TurnUse, Used

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ISSUE = IssueRef(RepoRef(1, "octo/widgets", InstallationId(42)), IssueNumber(7))
SHA = CommitSha("a" * 40)
OTHER = CommitSha("b" * 40)
MAINTAINER = Login("maintainer")
FEEDBACK = Cause(CauseKind.FEEDBACK, FactKey("review:12"), MAINTAINER)
RUN = 2
ATTEMPT = 1


def task(phase: Phase, **changes: object) -> Task:
    """A task in its second run, first of two attempts, with a pull request."""
    made = Task(
        id=TaskId(1),
        issue=ISSUE,
        generation=1,
        title="Fix the widget",
        admitted=ArtifactId(5),
        requester=MAINTAINER,
        label_event=99,
        labelled_at=AT,
        branch=BranchName("agent/7-fix-the-widget"),
        agent="scripted",
        phase=phase,
        current=(FEEDBACK,),
        run=RUN,
        attempt=ATTEMPT,
        attempts_allowed=2,
        session="session-1",
        base=SHA,
        pull=PullNumber(8),
        asked_at=AT,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def verification(exit_code: int | None, required: bool = True) -> Verification:
    check = CheckResult("tests", "pytest -q", required, exit_code, 1.5, "" if exit_code is not None else "timed out")
    return Verification(OTHER, (check,), ChecksOrigin.CONFIGURED, SandboxLevel.CHECKOUT, AT)


def doubtful() -> Verification:
    complaints = ("The added or changed tests pass without the change: they prove nothing about it.",)
    red = RedFirstVerdict.PROVES_NOTHING
    proof = Proof("d" * 64, CertificateVerdict.CLEAN, red, complaints, ArtifactId(9))
    return replace(verification(0), proof=proof, sent_back=True)


FILES = (FileChange("fix.py", "A", 3, 0), FileChange("logo.png", "M", None, None))
COMMENT = CommentId(34)
SAID = ev.Said(FactKey("comment:34"), MAINTAINER, AT, COMMENT, on_pull=True)

USE = TurnUse(
    Used(3, Tokens(input=1000, cached=200, output=50), 0.84), "proxy", "coder 1.2", ("large-1",), "2026-11-21"
)

EVENTS: dict[str, TaskEvent] = {
    "Labelled": ev.Labelled(ISSUE, MAINTAINER, 100, AT, "Fix the widget", ArtifactId(6), "scripted"),
    "LabelRemoved": ev.LabelRemoved(MAINTAINER),
    "IssueClosed": ev.IssueClosed(),
    "FeedbackGiven (review)": ev.FeedbackGiven(FEEDBACK, None, AT, loose=False, on_pull=True),
    "FeedbackGiven (comment)": ev.FeedbackGiven(FEEDBACK, COMMENT, AT, loose=True, on_pull=True),
    "FeedbackGiven (on the issue)": ev.FeedbackGiven(FEEDBACK, COMMENT, AT, loose=True, on_pull=False),
    "WindowClosed": ev.WindowClosed(),
    "StopRequested": ev.StopRequested(SAID),
    "RetryRequested": ev.RetryRequested(SAID, fresh=False),
    "RetryRequested (fresh)": ev.RetryRequested(SAID, fresh=True),
    "HelpRequested": ev.HelpRequested(SAID, "dance"),
    "CommandDenied": ev.CommandDenied(
        ev.Said(FactKey("review:12"), Login("stranger"), AT, None, on_pull=True), Answer.DENIED
    ),
    "PullMerged": ev.PullMerged(),
    "PullClosed": ev.PullClosed(),
    "AccessLost": ev.AccessLost(),
    "PullReopened": ev.PullReopened(),
    "BaseMoved": ev.BaseMoved(SHA, OTHER),
    "PlanApproved": ev.PlanApproved(Login("ana"), CommentId(55)),
    "PlanMade": ev.PlanMade(1, 1, "First this, then that.", AT, "session-1"),
    "PlanPosted": ev.PlanPosted(1, CommentId(55)),
    "RunAdmitted": ev.RunAdmitted(RUN),
    "WorkspacePrepared": ev.WorkspacePrepared(RUN, SHA, BranchName("main"), None, True, 2),
    "WorkspacePrepared (merged)": ev.WorkspacePrepared(RUN, SHA, BranchName("main"), OTHER, True, 2, (), OTHER),
    "WorkspacePrepared (conflicts)": ev.WorkspacePrepared(
        RUN, SHA, BranchName("main"), OTHER, True, 2, (), None, ("a.py",)
    ),
    "RunRefused": ev.RunRefused(RUN, "the repository is empty."),
    "ChangesMade": ev.ChangesMade(RUN, ATTEMPT, OTHER, FILES, "Fixed it.", "session-1"),
    "ChangesMade (with its use)": ev.ChangesMade(RUN, ATTEMPT, OTHER, FILES, "Fixed it.", None, use=USE),
    "NothingDone": ev.NothingDone(RUN, ATTEMPT, "I looked.", "session-1"),
    "HarvestRejected": ev.HarvestRejected(RUN, ATTEMPT, ("`.github/x` is protected",), None),
    "QuestionAsked": ev.QuestionAsked(RUN, ATTEMPT, "Left or right?", AT, None, "session-1"),
    "WorkDeclined": ev.WorkDeclined(RUN, ATTEMPT, "Done already.", None),
    "IssueAnswered": ev.IssueAnswered(RUN, ATTEMPT, "Forty-two.", None),
    "AgentFailed (crashed)": ev.AgentFailed(RUN, ATTEMPT, FaultKind.CRASHED, "exit code 3", None, None),
    "AgentFailed (timed out)": ev.AgentFailed(RUN, ATTEMPT, FaultKind.TIMED_OUT, "60 minutes", OTHER, "session-1"),
    "AgentFailed (stalled)": ev.AgentFailed(RUN, ATTEMPT, FaultKind.STALLED, "20 minutes", OTHER, "session-1"),
    "AgentFailed (repeated)": ev.AgentFailed(RUN, ATTEMPT, FaultKind.REPEATED, "exit code 3", None, None),
    "AgentFailed (budget)": ev.AgentFailed(RUN, ATTEMPT, FaultKind.BUDGET, "$5 are used", OTHER, "session-1"),
    "Verified (passed)": ev.Verified(RUN, ATTEMPT, verification(0)),
    "Verified (failed)": ev.Verified(RUN, ATTEMPT, verification(1)),
    "Verified (no checks)": ev.Verified(RUN, ATTEMPT, verification(0, required=False)),
    "Verified (sent back)": ev.Verified(RUN, ATTEMPT, doubtful()),
    "Published": ev.Published(RUN, PullNumber(8), OTHER, False, "https://github.com/octo/widgets/runs/5"),
    "PublishRefused": ev.PublishRefused(RUN, "the branch is protected."),
    "HeadMoved": ev.HeadMoved(RUN),
    "WorkSaved": ev.WorkSaved(RUN, OTHER),
    "StatusPosted": ev.StatusPosted(CommentId(77)),
    "EffectFailed (a step)": ev.EffectFailed("RunAgent", "disk full"),
    "EffectFailed (a comment)": ev.EffectFailed("Announce", "422"),
}

EFFECTS: tuple[Effect, ...] = (
    fx.StartRun(RUN),
    fx.CloseWindow(),
    fx.PrepareWorkspace(RUN),
    fx.RunAgent(RUN, ATTEMPT),
    fx.Verify(RUN, ATTEMPT),
    fx.Publish(RUN),
    fx.CloseWorkspace(RUN, save=True),
    fx.React(COMMENT, "eyes"),
    fx.SetLabels(),
    fx.DeleteBranch(),
    fx.UpdateStatus(),
    fx.Announce(Topic.READY, RUN),
    fx.Reply(SAID.fact, True, Answer.HELP, "dance"),
    fx.ProcessDelivery(DeliveryId("72d3162e-cc78-11e3-81ab-4c9367dc0958")),
    fx.Sweep(),
    fx.EnsureLabels(1, "octo/widgets", 42),
    fx.Refuse(1, "octo/widgets", 42, 7, Refusal.LABEL_DENIED, "stranger", "label:99"),
    fx.Onboard(1, "octo/widgets", 42),
)
