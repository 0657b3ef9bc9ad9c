"""From a hint to facts: read the truth on GitHub, and tell it to the task under a natural key.

Webhook and sweep both end here, so the same thing told twice is one fact, and the order of telling does not matter.
"""

from dataclasses import dataclass
from typing import assert_never

from bot.flow.doors import Reads
from bot.store.store import Store
from bot.task.commands import Command, UnknownCommand, Verb, parse
from bot.task.effects import EnsureLabels, Refusal, Refuse
from bot.task.events import (
    CommandDenied,
    FeedbackGiven,
    HelpRequested,
    IssueClosed,
    Labelled,
    LabelRemoved,
    PullClosed,
    PullMerged,
    RetryRequested,
    StopRequested,
    TaskEvent,
)
from bot.task.hints import CommentHint, Hint, InstallationHint, IssueHint, PullHint, ReviewHint
from bot.task.ids import FactKey, IssueRef, PullNumber, RepoRef, ReviewId
from bot.task.model import LABEL_RUN, Cause, CauseKind, Task
from bot.task.observed import Comment, Issue, LabelChange, ReviewState


@dataclass(frozen=True, slots=True)
class Observer:
    """Turns hints into facts."""

    store: Store
    github: Reads
    agent: str
    """The agent that a new task gets."""

    async def look(self, hint: Hint) -> None:
        """Idempotent: whatever is already known changes nothing."""
        match hint:
            case IssueHint(ref):
                await self.issue(ref)
            case CommentHint(ref, comment, deleted):
                seen = None if deleted else await self.github.comment(ref.repo, comment)
                if seen is not None:
                    await self.comment(ref, seen)
            case ReviewHint(repo, pull, review):
                await self.review(repo, pull, review)
            case PullHint(repo, number):
                await self.pull(repo, number)
            case InstallationHint(repos=repos):
                for repo in repos:
                    await self.repository(repo)
            case _:
                assert_never(hint)

    async def repository(self, repo: RepoRef) -> None:
        """A repository came within reach: it gets our labels."""
        await self.store.want(f"repo:{repo.id}", EnsureLabels(repo.id, repo.full_name, repo.installation))

    # ── the label ──

    async def issue(self, ref: IssueRef, seen: Issue | None = None) -> None:
        """The label, and whether the issue is open. `seen`: what a list already told."""
        issue = seen or await self.github.issue(ref)
        if issue is None:
            return
        latest = await self.store.latest_task(ref.repo.id, ref.number)
        labelled = LABEL_RUN in issue.labels
        if issue.is_pull:
            if labelled:
                await self._refuse(ref, Refusal.LABEL_ON_PULL, "", FactKey("label-on-pull"))
        elif latest is not None and latest.live:
            await self._still_wanted(issue, latest)
        elif labelled and issue.is_open:
            await self._label_put(issue)

    async def _label_put(self, issue: Issue) -> None:
        put = await self._last_change(issue.ref, added=True)
        if put is None or put.by.id == await self.github.own_user_id():
            return
        key = FactKey(f"label:{put.id}")
        if await self.store.fact_known(issue.ref.repo.id, issue.ref.number, key):
            return
        if not await self.github.may_write(issue.ref.repo, put.by.login):
            await self._refuse(issue.ref, Refusal.LABEL_DENIED, put.by.login, key)
            return
        admitted = await self.store.keep(None, "issue", f"{issue.ref}:{put.id}", issue.body.encode())
        await self.store.begin(
            Labelled(issue.ref, put.by.login, put.id, put.at, issue.title, admitted, self.agent), key
        )

    async def _still_wanted(self, issue: Issue, task: Task) -> None:
        if not issue.is_open:
            await self._issue_closed(task)
        elif LABEL_RUN not in issue.labels:
            taken = await self._last_change(issue.ref, added=False)
            if taken is not None and taken.by.id != await self.github.own_user_id():
                await self.store.apply(task.id, LabelRemoved(taken.by.login), FactKey(f"unlabel:{taken.id}"))

    async def _issue_closed(self, task: Task) -> None:
        """A merge closes the issue too: the pull request says which it was."""
        pull = await self.github.pull(task.issue.repo, task.pull) if task.pull else None
        if pull is not None and pull.merged:
            await self.store.apply(task.id, PullMerged(), FactKey(f"pull:{pull.number}:merged"))
        else:
            await self.store.apply(task.id, IssueClosed(), FactKey(f"closed:run{task.run}"))

    async def _last_change(self, ref: IssueRef, added: bool) -> LabelChange | None:
        """The newest change of the label, if it is of the kind that we look for."""
        changes = await self.github.label_changes(ref, LABEL_RUN)
        return changes[-1] if changes and changes[-1].added is added else None

    async def _refuse(self, ref: IssueRef, why: Refusal, by: str, fact: FactKey) -> None:
        """Say once why this starts nothing."""
        repo = ref.repo
        mark = f"refused:{ref}:{fact}"
        if await self.store.marked(mark) is None:
            effect = Refuse(repo.id, repo.full_name, repo.installation, ref.number, why, by, fact)
            await self.store.want(f"issue:{repo.id}:{ref.number}", effect)
            await self.store.mark(mark, why)

    # ── words ──

    async def comment(self, ref: IssueRef, comment: Comment) -> None:
        """A command, an answer, or feedback, if someone with write access wrote it."""
        if comment.author.is_bot or comment.author.id == await self.github.own_user_id():
            return
        task = await self._task_of(ref, comment)
        commands = parse(comment.body)
        key = FactKey(f"comment:{comment.id}@{comment.updated_at.isoformat()}")
        if task is None:
            if commands and await self.github.may_write(ref.repo, comment.author.login):
                await self._refuse(ref, Refusal.NO_TASK, comment.author.login, key)
            return
        if await self.store.fact_known(ref.repo.id, task.issue.number, key) or not (commands or task.live):
            return
        writer = await self.github.may_write(ref.repo, comment.author.login)
        for event, suffix in _events(comment, commands, writer):
            await self.store.apply(task.id, event, FactKey(f"{key}{suffix}"))

    async def _task_of(self, ref: IssueRef, comment: Comment) -> Task | None:
        if comment.on_pull:
            return await self.store.task_of_pull(ref.repo.id, PullNumber(ref.number))
        return await self.store.latest_task(ref.repo.id, ref.number)

    async def review(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> None:
        """One submitted review with all its inline comments. An approval without words starts nothing."""
        task = await self.store.task_of_pull(repo.id, pull)
        key = FactKey(f"review:{review}")
        if task is None or not task.live or await self.store.fact_known(repo.id, task.issue.number, key):
            return
        seen = await self.github.review(repo, pull, review)
        if seen is None or seen.state in {ReviewState.PENDING, ReviewState.DISMISSED}:
            return
        if seen.author.is_bot or not (seen.body.strip() or seen.comments):
            return
        if await self.github.may_write(repo, seen.author.login):
            cause = Cause(CauseKind.FEEDBACK, key, seen.author.login)
            event = FeedbackGiven(cause, None, seen.submitted_at, loose=False, on_pull=True)
            await self.store.apply(task.id, event, key)

    # ── the pull request ──

    async def pull(self, repo: RepoRef, number: PullNumber) -> None:
        """Merged, or closed without a merge."""
        task = await self.store.task_of_pull(repo.id, number)
        if task is None:
            return
        seen = await self.github.pull(repo, number)
        if seen is None or seen.is_open:
            return
        if seen.merged:
            await self.store.apply(task.id, PullMerged(), FactKey(f"pull:{number}:merged"))
        else:
            await self.store.apply(task.id, PullClosed(), FactKey(f"pull:{number}:closed@run{task.run}"))


def _events(
    comment: Comment, commands: tuple[Command | UnknownCommand, ...], writer: bool
) -> list[tuple[TaskEvent, str]]:
    """What a comment means, each with the end of its fact key."""
    by, on_pull = comment.author.login, comment.on_pull
    if commands and not writer:
        return [(CommandDenied(by, comment.id, on_pull), "")]
    if commands:
        return [(_commanded(comment, said), f"/{number}" if number else "") for number, said in enumerate(commands)]
    if not writer or not comment.body.strip():
        return []
    cause = Cause(CauseKind.FEEDBACK, FactKey(f"comment:{comment.id}"), by)
    return [(FeedbackGiven(cause, comment.id, comment.created_at, loose=True, on_pull=on_pull), "")]


def _commanded(comment: Comment, command: Command | UnknownCommand) -> TaskEvent:
    by, on_pull, at = comment.author.login, comment.on_pull, comment.created_at
    match command:
        case UnknownCommand(word):
            return HelpRequested(comment.id, on_pull, word)
        case Command(Verb.HELP):
            return HelpRequested(comment.id, on_pull)
        case Command(Verb.STOP):
            return StopRequested(by, comment.id, on_pull, at)
        case Command(Verb.RUN | Verb.RETRY, fresh):
            return RetryRequested(by, comment.id, on_pull, at, fresh)
        case _:
            raise AssertionError(command)
