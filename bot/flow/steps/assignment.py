"""What the agent is told: the admitted issue, the words of the run's causes, what the last attempt lacked."""

from typing import assert_never

from bot.flow.steps.background import instructions, told_so_far
from bot.flow.steps.bench import Bench
from bot.task.admission import visible
from bot.task.events import HarvestRejected, PlanMade, Verified
from bot.task.history import newest
from bot.task.ids import CommentId, PullNumber, ReviewId
from bot.task.model import Cause, CauseKind, Task
from bot.task.observed import InlineComment
from bot.task.results import CheckResult
from bot.words.plain import one_line
from bot.words.prompt import Assignment, FailedCheck, Feedback, Place
from bot.workspace.policy import PROTECTED
from bot.workspace.values import Merge


async def assignment(bench: Bench, task: Task, minutes: float, *, interrupted: bool) -> Assignment:
    """Words of people are read anew, so that what they edited or deleted before the run is honoured."""
    if task.base is None:
        raise ValueError(f"task {task.id} has no base yet")
    body = await bench.store.artifact(task.admitted)
    commands, _ = await bench.commands(task, task.base)
    feedback = [await _feedback(bench, task, cause) for cause in task.current]
    return Assignment(
        title=one_line(visible(task.title)),
        body=visible((body or b"").decode()),
        checks=tuple(command.command for command in commands),
        feedback=tuple(item for item in feedback if item is not None),
        failures=await _failures(bench, task),
        violations=await _violations(bench, task),
        complaints=await _complaints(bench, task),
        interrupted=interrupted,
        planning=task.planning,
        plan=await _plan(bench, task),
        resumed=task.session is not None,
        instructions=await instructions(bench, task, task.base),
        protected=PROTECTED,
        minutes=minutes,
        so_far=await told_so_far(bench, task),
        conflicts=await _conflicts(bench, task),
    )


async def _plan(bench: Bench, task: Task) -> str:
    """The newest one that it made."""
    made = newest(await bench.store.history(task.id), PlanMade)
    return visible(made.plan) if made else ""


async def _conflicts(bench: Bench, task: Task) -> tuple[str, ...]:
    """The files that hold both sides, until the merge is taken over."""
    merge = await bench.merge(task)
    return merge.conflicts if isinstance(merge, Merge) else ()


async def _feedback(bench: Bench, task: Task, cause: Cause) -> Feedback | None:
    match cause.kind:
        case CauseKind.LABEL | CauseKind.RETRY | CauseKind.CONFLICT:
            return None
        case CauseKind.FEEDBACK | CauseKind.ANSWER:
            kind, _, number = cause.fact.partition(":")
            if kind == "review" and task.pull is not None:
                return await _review(bench, task, task.pull, ReviewId(int(number)))
            comment = await bench.github.comment(task.issue.repo, CommentId(int(number)))
            return Feedback(comment.author.login, visible(comment.body)) if comment else None
        case _:
            assert_never(cause.kind)


async def _review(bench: Bench, task: Task, pull: PullNumber, review: ReviewId) -> Feedback | None:
    seen = await bench.github.review(task.issue.repo, pull, review)
    if seen is None:
        return None
    return Feedback(
        seen.author.login, visible(seen.body), tuple([await _place(bench, task, one) for one in seen.comments])
    )


async def _place(bench: Bench, task: Task, comment: InlineComment) -> Place:
    """Of what was said in the thread before, only the words of those who may steer, and our own."""
    own = await bench.github.own_user_id()
    earlier = [
        (said.by.login, visible(said.body))
        for said in comment.earlier
        if said.by.id == own or await bench.github.may_write(task.issue.repo, said.by.login)
    ]
    return Place(
        thread=comment.thread,
        path=comment.path,
        line=comment.line,
        hunk=comment.hunk,
        text=visible(comment.body),
        start_line=comment.start_line,
        earlier=tuple(earlier),
    )


async def _failures(bench: Bench, task: Task) -> tuple[FailedCheck, ...]:
    """The failing checks of the attempt before this one."""
    verified = newest(await bench.store.history(task.id), Verified, task.run)
    if verified is None:
        return ()
    return tuple([await _failed(bench, check) for check in verified.verification.failures])


async def _complaints(bench: Bench, task: Task) -> tuple[str, ...]:
    """What the certificate of the attempt before this one holds against it."""
    verified = newest(await bench.store.history(task.id), Verified, task.run)
    proof = verified.verification.proof if verified is not None else None
    return proof.complaints if proof is not None else ()


async def _failed(bench: Bench, check: CheckResult) -> FailedCheck:
    told = check.brief or check.log
    log = await bench.store.artifact(told) if told is not None else None
    outcome = check.note or f"exit code {check.exit_code}"
    return FailedCheck(check.name, check.command, outcome, (log or b"").decode(errors="replace"))


async def _violations(bench: Bench, task: Task) -> tuple[str, ...]:
    rejected = newest(await bench.store.history(task.id), HarvestRejected, task.run)
    return rejected.violations if rejected and rejected.attempt == task.attempt - 1 else ()
