"""From a hint to facts: read the truth on GitHub, and tell it to the task under a natural key.

Webhook and sweep both end here, so the same thing told twice is one fact, and the order of telling does not matter.
"""

import logging
from dataclasses import dataclass, field
from typing import assert_never

from bot.flow.conflicts import merge_oldest
from bot.flow.doors import Clock, GitHub
from bot.flow.steps.onboard import want_onboarding
from bot.github.errors import NotInstalled
from bot.store.store import Store
from bot.task.commands import Command, Read, UnknownCommand, Verb, read
from bot.task.effects import Answer, EnsureLabels, Refusal, Refuse
from bot.task.events import (
    AccessLost,
    CommandDenied,
    FeedbackGiven,
    HelpRequested,
    IssueClosed,
    Labelled,
    LabelRemoved,
    PlanApproved,
    PullClosed,
    PullMerged,
    PullReopened,
    RetryRequested,
    Said,
    StopRequested,
    TaskEvent,
)
from bot.task.hints import CommentHint, Hint, InstallationHint, IssueHint, LossHint, PullHint, ReviewHint
from bot.task.ids import FactKey, IssueRef, PullNumber, RepoRef, ReviewId
from bot.task.model import LABEL_PLAN, LABEL_RUN, Cause, CauseKind, Phase, Stage, Task, stage
from bot.task.observed import Comment, Issue, LabelChange, ReviewState
from bot.task.rules import Rulebook

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observer:
    """Turns hints into facts."""

    store: Store
    github: GitHub
    agent: str
    """The agent that a new task gets."""
    clock: Clock
    rulebook: Rulebook = field(default=Rulebook())
    onboarding: bool = True
    """Greet a repository that was named with a pull request."""

    async def look(self, hint: Hint) -> None:
        """Idempotent: whatever is already known changes nothing."""
        if isinstance(hint, IssueHint | CommentHint):
            await self._meet(hint.ref.repo)
        elif isinstance(hint, ReviewHint | PullHint):
            await self._meet(hint.repo)
        match hint:
            case LossHint(repos):
                for repo in repos:
                    await self.lost(repo)
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
            case InstallationHint(repos=repos, named=named):
                for repo in repos:
                    await self.repository(repo, named=named)
            case _:
                assert_never(hint)

    async def repository(self, repo: RepoRef, *, named: bool) -> None:
        """A repository came within reach: it gets our labels, and if it was named itself, a greeting."""
        await self.store.want(f"repo:{repo.id}", EnsureLabels(repo.id, repo.full_name, repo.installation))
        if named and self.onboarding:
            await want_onboarding(self.store, repo)

    async def _meet(self, repo: RepoRef) -> None:
        """A hint may be old: when it calls a repository otherwise than we do, GitHub says what is true."""
        if await self.store.called(repo.id) not in (None, repo):
            seen = await self.github.repository(repo)
            if seen is not None:
                await self.store.relocate(seen.ref)

    async def lost(self, repo: RepoRef) -> None:
        """Perhaps out of reach. Its tasks end if the App really does not see it any more, through nobody."""
        live = [task for task in await self.store.tasks_of_repo(repo.id) if task.live]
        if not live:
            return
        listed = [one for one in await self.github.repositories() if one.id == repo.id]
        if listed:
            await self.store.relocate(listed[0])
            return
        try:
            if repo.id in {one.id for one in await self.github.repositories_of(live[0].issue.repo.installation)}:
                return
        except NotInstalled as refused:
            if refused.suspended:
                return  # it may come back
        for task in live:
            log.warning("the App does not see %s any more: task %d is cancelled", task.issue.repo.full_name, task.id)
            await self.store.apply(task.id, AccessLost(), FactKey(f"lost:run{task.run}"))

    # ── the label ──

    async def issue(self, ref: IssueRef, seen: Issue | None = None) -> None:
        """The label, and whether the issue is open. `seen`: what a list already told."""
        issue = seen or await self.github.issue(ref)
        if issue is None:
            return
        latest = await self.store.latest_task(ref.repo.id, ref.number)
        if issue.is_pull:
            if issue.has(LABEL_RUN) or issue.has(LABEL_PLAN):
                await self._refuse(ref, Refusal.LABEL_ON_PULL, "", FactKey("label-on-pull"))
        elif latest is not None and latest.live:
            await self._still_wanted(issue, latest)
        elif issue.is_open and (issue.has(LABEL_RUN) or issue.has(LABEL_PLAN)):
            await self._label_put(issue, LABEL_RUN if issue.has(LABEL_RUN) else LABEL_PLAN)

    async def _label_put(self, issue: Issue, label: str) -> None:
        """A label that a person put starts a run; while one is going on, it is only noted as seen."""
        put = await self._last_change(issue.ref, label, added=True)
        if put is None or put.by.id == await self.github.own_user_id():
            return
        key = FactKey(f"label:{put.id}")
        if await self.store.fact_known(issue.ref.repo.id, issue.ref.number, key):
            return
        if not await self.github.may_write(issue.ref.repo, put.by.login):
            await self._refuse(issue.ref, Refusal.LABEL_DENIED, put.by.login, key)
            return
        edit = await self.github.last_edit(issue.ref)
        if edit and edit.at >= put.at and not await self.github.may_write(issue.ref.repo, edit.by.login):
            await self._refuse(issue.ref, Refusal.EDITED_SINCE, edit.by.login, key)
            return
        agent = self.rulebook.of(issue.ref.repo.full_name).agent or self.agent
        admitted = await self.store.keep(None, "issue", f"{issue.ref}:{put.id}", issue.body.encode())
        plan = label == LABEL_PLAN
        event = Labelled(issue.ref, put.by.login, put.id, put.at, issue.title, admitted, agent, plan)
        await self.store.begin(event, key)

    async def _still_wanted(self, issue: Issue, task: Task) -> None:
        if not issue.is_open:
            await self._issue_closed(task)
        elif issue.has(LABEL_RUN):
            await self._label_put(issue, LABEL_RUN)
        elif not (task.planning and issue.has(LABEL_PLAN)):
            label = LABEL_PLAN if task.planning else LABEL_RUN
            taken = await self._last_change(issue.ref, label, added=False)
            if taken is not None and taken.by.id != await self.github.own_user_id():
                await self.store.apply(task.id, LabelRemoved(taken.by.login), FactKey(f"unlabel:{taken.id}"))

    async def _issue_closed(self, task: Task) -> None:
        """A merge closes the issue too: the pull request says which it was."""
        pull = await self.github.pull(task.issue.repo, task.pull) if task.pull else None
        if pull is not None and pull.merged:
            await self.store.apply(task.id, PullMerged(), FactKey(f"pull:{pull.number}:merged"))
        else:
            await self.store.apply(task.id, IssueClosed(), FactKey(f"closed:run{task.run}"))

    async def _last_change(self, ref: IssueRef, label: str, *, added: bool) -> LabelChange | None:
        """The newest change of the label, if it is of the kind that we look for."""
        changes = await self.github.label_changes(ref, label)
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
        said = read(comment.body)
        task = await self._task_of(ref, comment, wanted=bool(said.commands))
        fact = FactKey(f"comment:{comment.id}")
        if task is None:
            if said.commands and await self.github.may_write(ref.repo, comment.author.login):
                await self._refuse(ref, Refusal.NO_TASK, comment.author.login, fact)
            return
        if not said.commands and not _listens(task):
            return
        where = Said(fact, comment.author.login, comment.created_at, comment.id, comment.on_pull)
        edition = FactKey(f"{fact}@{comment.updated_at.isoformat()}")
        await self._tell(task, where, said, edition, loose=True)

    async def _task_of(self, ref: IssueRef, comment: Comment, *, wanted: bool) -> Task | None:
        """The task of this issue or pull request; a label that was put before the command is looked at first."""
        if comment.on_pull:
            return await self.store.task_of_pull(ref.repo.id, PullNumber(ref.number))
        task = await self.store.latest_task(ref.repo.id, ref.number)
        if task is None and wanted:
            await self.issue(ref)
            task = await self.store.latest_task(ref.repo.id, ref.number)
        return task

    async def review(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> None:
        """One submitted review with all its inline comments. An approval without words starts nothing."""
        task = await self.store.task_of_pull(repo.id, pull)
        fact = FactKey(f"review:{review}")
        mark = f"{fact}:told:{repo.id}"
        if task is None or await self.store.marked(mark) is not None:
            return
        seen = await self.github.review(repo, pull, review)
        if seen is None or seen.state is ReviewState.PENDING:
            return
        said = read(seen.body)
        nothing = not (said.words or said.commands or seen.comments) or seen.state is ReviewState.DISMISSED
        if not (nothing or seen.author.is_bot) and (said.commands or _listens(task)):
            where = Said(fact, seen.author.login, seen.submitted_at, None, on_pull=True)
            words = said.words or ("(inline comments)" if seen.comments else "")
            await self._tell(task, where, Read(said.commands, words), fact, loose=False)
        await self.store.mark(mark, "")

    async def _tell(self, task: Task, where: Said, said: Read, edition: FactKey, *, loose: bool) -> None:
        """Words first, so that a command finds them. Each fact has its own key: a crash in between loses none."""
        repo = task.issue.repo
        if not await self.github.may_write(repo, where.by):
            if said.commands:
                key = FactKey(f"denied:{where.by}")
                await self.store.apply(task.id, CommandDenied(where, Answer.DENIED), key)
            return
        if said.words and all(_goes_with_words(command) for command in said.commands):
            cause = Cause(CauseKind.FEEDBACK, where.fact, where.by)
            feedback = FeedbackGiven(cause, where.comment, where.at, loose and not said.commands, where.on_pull)
            await self.store.apply(task.id, feedback, edition)
        for number, command in enumerate(said.commands):
            event = _commanded(where, command)
            if await self._is_decided(task, where.fact, number, event):
                continue
            if isinstance(event, RetryRequested) and not await self._is_open(task):
                event = CommandDenied(where, Answer.ISSUE_CLOSED)
            await self.store.apply(task.id, event, _command_key(where.fact, number, type(event)))

    async def _is_decided(self, task: Task, fact: FactKey, number: int, event: TaskEvent) -> bool:
        """What a command means is decided at first sight; the sweep sees it again when the world has moved on."""
        keys = [_command_key(fact, number, kind) for kind in (type(event), CommandDenied)]
        return any([await self.store.knows_fact(task.id, key) for key in keys])

    async def _is_open(self, task: Task) -> bool:
        issue = await self.github.issue(task.issue)
        return issue is not None and issue.is_open

    # ── the pull request ──

    async def pull(self, repo: RepoRef, number: PullNumber) -> None:
        """Merged, closed without a merge, or open again."""
        task = await self.store.task_of_pull(repo.id, number)
        if task is None:
            return
        seen = await self.github.pull(repo, number)
        if seen is None or (seen.is_open and task.phase is not Phase.DISCARDED):
            if seen is not None and seen.mergeable is False and task.phase is Phase.IN_REVIEW:
                await merge_oldest(self.store, self.github, self.clock, repo)
            return
        if seen.merged:
            await self.store.apply(task.id, PullMerged(), FactKey(f"pull:{number}:merged"))
            return
        history = await self.store.history(task.id)
        times = sum(isinstance(one.event, PullReopened) for one in history)
        if not seen.is_open:
            await self.store.apply(task.id, PullClosed(), FactKey(f"pull:{number}:closed:{times}@run{task.run}"))
        elif await self._is_newest(task):
            await self.store.apply(task.id, PullReopened(), FactKey(f"pull:{number}:reopened:{times}"))

    async def plan(self, task: Task) -> None:
        """No webhook tells of a 👍: where a plan waits for one, it is looked for."""
        if not task.planning or task.phase is not Phase.NEEDS_INPUT or task.plan_comment is None:
            return
        repo, comment = task.issue.repo, task.plan_comment
        for who in await self.github.approvers(repo, comment):
            if not who.is_bot and await self.github.may_write(repo, who.login):
                await self.store.apply(task.id, PlanApproved(who.login, comment), FactKey(f"plan:{comment}:approved"))
                return

    async def _is_newest(self, task: Task) -> bool:
        """A task that began after this one has taken its place."""
        latest = await self.store.latest_task(task.issue.repo.id, task.issue.number)
        return latest is not None and latest.id == task.id and await self._is_open(task)


def _listens(task: Task) -> bool:
    """Do words without a command mean anything to the task? A halted one keeps them for its retry."""
    return task.live or (stage(task.phase) is Stage.HALTED and task.pull is not None)


def _command_key(fact: FactKey, number: int, kind: type[TaskEvent]) -> FactKey:
    """Of one command of a comment or review."""
    return FactKey(f"{fact}/{number}/{kind.__name__}")


def _goes_with_words(command: Command | UnknownCommand) -> bool:
    """What stands beside a wish to go on is meant for the agent; beside a stop or a question to us it is not."""
    return isinstance(command, Command) and command.verb in {Verb.RUN, Verb.RETRY}


def _commanded(where: Said, command: Command | UnknownCommand) -> TaskEvent:
    match command:
        case UnknownCommand(word):
            return HelpRequested(where, word)
        case Command(Verb.HELP):
            return HelpRequested(where)
        case Command(Verb.STOP):
            return StopRequested(where)
        case Command(Verb.RUN | Verb.RETRY as verb, fresh):
            return RetryRequested(where, fresh, go=verb is Verb.RUN)
        case _:
            raise AssertionError(command)
