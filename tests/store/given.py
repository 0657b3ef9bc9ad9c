"""Facts and moves that the store's tests start from."""

from datetime import timedelta

from bot.store.store import Store
from bot.store.values import Claimed, Finished
from bot.task.effects import Effect, PrepareWorkspace, Publish, RunAgent, Verify
from bot.task.events import (
    ChangesMade,
    FeedbackGiven,
    Labelled,
    Published,
    RetryRequested,
    Said,
    StopRequested,
    TaskEvent,
    Verified,
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
    TaskId,
)
from bot.task.model import Cause, CauseKind, Phase, Task
from bot.task.results import CheckResult, ChecksOrigin, SandboxLevel, Verification
from tests.worlds.clock import StillClock

START = StillClock().now
REPO = RepoRef(1, "acme/app", InstallationId(5))
OTHER = RepoRef(2, "acme/other", InstallationId(5))
ARTIFACT = ArtifactId(1)
COMMIT = CommitSha("c" * 40)


def issue(number: int = 7, repo: RepoRef = REPO) -> IssueRef:
    return IssueRef(repo, IssueNumber(number))


def labelled(number: int = 7, label_event: int = 11, repo: RepoRef = REPO, admitted: ArtifactId = ARTIFACT) -> Labelled:
    return Labelled(issue(number, repo), Login("ann"), label_event, START, "Fix it", admitted, "claude")


def feedback(comment: int, loose: bool = True) -> FeedbackGiven:
    cause = Cause(CauseKind.FEEDBACK, FactKey(f"comment:{comment}"), Login("bob"))
    return FeedbackGiven(cause, CommentId(comment), START, loose=loose, on_pull=True)


def stop(comment: int) -> StopRequested:
    return StopRequested(_said(comment))


def retry(comment: int) -> RetryRequested:
    return RetryRequested(_said(comment), fresh=False)


def _said(comment: int) -> Said:
    at = START + timedelta(seconds=comment)
    return Said(FactKey(f"comment:{comment}"), Login("ann"), at, CommentId(comment), on_pull=False)


def result_of(effect: Effect) -> TaskEvent | None:
    """What a step says when all goes well."""
    match effect:
        case PrepareWorkspace(run):
            return WorkspacePrepared(run, CommitSha("b" * 40), BranchName("main"), None, False, 3)
        case RunAgent(run, attempt):
            return ChangesMade(run, attempt, COMMIT, (), "done", "session")
        case Verify(run, attempt):
            check = CheckResult("test", "make test", True, 0, 1.0)
            verification = Verification(COMMIT, (check,), ChecksOrigin.CONFIGURED, SandboxLevel.CHECKOUT, START)
            return Verified(run, attempt, verification)
        case Publish(run):
            return Published(run, PullNumber(90), COMMIT, False, "https://forge.test/report")
        case _:
            return None


async def born(store: Store, number: int = 7, label_event: int = 11) -> Task:
    applied = await store.begin(labelled(number, label_event), FactKey(f"label:{label_event}"))
    assert applied is not None
    return applied.task


async def now_is(store: Store, task: TaskId) -> Task:
    found = await store.task(task)
    assert found is not None
    return found


async def must_claim(store: Store, kind: type[Effect] | None = None) -> Claimed:
    """Claim; with a kind: finish what comes before it."""
    while True:
        claimed = await store.claim("w")
        assert claimed is not None, f"nothing to claim, wanted {kind}"
        if kind is None or isinstance(claimed.effect, kind):
            return claimed
        assert await store.finish(claimed, result_of(claimed.effect)) is Finished.DONE


async def drain(store: Store) -> list[Effect]:
    """Claim and finish everything that is due."""
    done = []
    while (claimed := await store.claim("w")) is not None:
        assert await store.finish(claimed, result_of(claimed.effect)) is Finished.DONE
        done.append(claimed.effect)
    return done


async def elsewhere(store: Store) -> Task:
    """A task of another repository."""
    applied = await store.begin(labelled(7, 99, OTHER), FactKey("label:99"))
    assert applied is not None
    return applied.task


async def in_review(store: Store, number: int = 7, label_event: int = 11, admitted: ArtifactId = ARTIFACT) -> Task:
    """A task whose first run went well."""
    applied = await store.begin(labelled(number, label_event, admitted=admitted), FactKey(f"label:{label_event}"))
    assert applied is not None
    task = applied.task
    await store.admit(100)
    await drain(store)
    reviewed = await now_is(store, task.id)
    assert reviewed.phase is Phase.IN_REVIEW
    return reviewed


async def working(store: Store, number: int = 7, label_event: int = 11) -> tuple[Task, Claimed]:
    """A task whose agent is at work, and its effect."""
    task = await born(store, number, label_event)
    await store.admit(100)
    claimed = await must_claim(store, RunAgent)
    return await now_is(store, task.id), claimed
