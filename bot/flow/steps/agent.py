"""RunAgent: one turn of the agent in its worktree, then the harvest."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.agents.turn import Turn, never
from bot.flow.steps.again import session_of, twice
from bot.flow.steps.assignment import assignment
from bot.flow.steps.bench import Bench, turn_mark
from bot.flow.steps.isolation import surrounded
from bot.flow.steps.limits import boxed, met_by_a_turn
from bot.flow.steps.spending import left, metered, money_left
from bot.flow.steps.used import use_of
from bot.flow.steps.way_out import ModelBusy, judged, until_end, way_out
from bot.sandbox.box import Box
from bot.sandbox.databases.names import Purpose
from bot.sandbox.databases.service import DatabaseRefused
from bot.sandbox.egress.turn import Egress
from bot.task.effects import RunAgent, UpdateStatus, Wait
from bot.task.events import (
    AgentFailed,
    AgentResult,
    ChangesMade,
    HarvestRejected,
    IssueAnswered,
    NothingDone,
    PlanMade,
    QuestionAsked,
    WorkDeclined,
)
from bot.task.limits import too_large
from bot.task.model import Task
from bot.task.repo_config import RepoConfig
from bot.task.results import (
    FaultKind,
    Harvest,
    Harvested,
    HarvestRefused,
    NothingChanged,
    Progress,
    TurnAnswered,
    TurnAsked,
    TurnDeclined,
    TurnEnded,
    TurnFailed,
    TurnOutcome,
)
from bot.task.threads import Summary, answers
from bot.task.usage import TurnUse
from bot.words.plain import inert, one_line
from bot.words.prompt import prompt
from bot.workspace.values import CommitMessage, Merge

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 2.0
"""How often what the agent says is written down."""


async def run_agent(bench: Bench, task: Task, effect: RunAgent) -> AgentResult:
    """A turn that a crash interrupted goes on in the same files, and is told so."""
    kept = await bench.stand_ready(task)
    begun = await bench.store.marked(turn_mark(task, task.attempt)) is not None
    task = replace(task, session=await session_of(bench, task, interrupted=kept and begun))
    await bench.store.mark(turn_mark(task, task.attempt), bench.clock().isoformat())
    terms, purse = await bench.terms(task), await left(bench, task)
    if not purse.left:
        return AgentFailed(effect.run, effect.attempt, FaultKind.TIMED_OUT, purse.sentence, None, task.session)
    coins = await money_left(bench, task, terms.limits.usd)
    if not coins.left:
        return AgentFailed(effect.run, effect.attempt, FaultKind.BUDGET, coins.sentence, None, task.session)
    most = terms.limits.minutes
    minutes = min(most.value, purse.left)
    wanted = await assignment(bench, task, minutes, interrupted=kept and begun)
    try:
        turn, egress, use = await _turn(bench, task, effect, prompt(wanted), minutes)
    except DatabaseRefused as refused:
        return AgentFailed(effect.run, effect.attempt, FaultKind.REFUSED, str(refused), None, task.session)
    if isinstance(turn.outcome, TurnFailed) and turn.outcome.kind is FaultKind.TIMED_OUT:
        ended = f"it may take {most} minutes ({most.setting})." if most.value <= purse.left else ""
        ended = ended or (await left(bench, task)).sentence
        words = f" Its last words: {turn.outcome.last_words}" if turn.outcome.last_words else ""
        turn = replace(turn, outcome=replace(turn.outcome, detail=ended + words))
    if isinstance(turn.outcome, TurnFailed) and (met := met_by_a_turn(terms.limits, turn.outcome)):
        turn = replace(turn, outcome=replace(turn.outcome, detail=f"{turn.outcome.detail} ({met.setting})"))
    harvest = NothingChanged() if task.planning else await take_over(bench, task)
    await bench.keep_state(task.id, await _agent(bench, task))
    if egress is not None:
        turn = await _judged(bench, task, turn, egress)
    turn = replace(turn, outcome=_redacted(turn.outcome, bench.redactor.text))
    result = _result(effect, turn, harvest, _Now(bench.clock(), wanted.threads, task.planning))
    return await twice(bench, task, replace(result, use=use))


def _redacted(outcome: TurnOutcome, clean: Callable[[str], str]) -> TurnOutcome:
    """No agent knows a secret of ours; if one is told all the same, it is not kept."""
    match outcome:
        case TurnEnded(text):
            return TurnEnded(clean(text))
        case TurnAsked(text):
            return TurnAsked(clean(text))
        case TurnDeclined(text):
            return TurnDeclined(clean(text))
        case TurnAnswered(text):
            return TurnAnswered(clean(text))
        case TurnFailed(kind, text):
            return TurnFailed(kind, clean(text))
        case _:
            assert_never(outcome)


async def _judged(bench: Bench, task: Task, turn: Turn, egress: Egress) -> Turn:
    """Raises ModelBusy; the work is saved by then, and people are told what the turn waits for."""
    try:
        return judged(turn, egress.spent, bench.clock())
    except ModelBusy as busy:
        await bench.store.set_progress(task.id, task.run, Progress(doing=f"waiting. {busy}"))
        await bench.store.want(f"task:{task.id}", UpdateStatus())
        raise


async def _turn(
    bench: Bench, task: Task, effect: RunAgent, text: str, minutes: float
) -> tuple[Turn, Egress | None, TurnUse]:
    """Nothing that is written down holds the password of its database."""

    async def box() -> Box:
        return bench.workspaces.box(task.id)

    agent = await _agent(bench, task)
    bounds = (await bench.terms(task)).limits
    async with (
        surrounded(bench, task, Purpose.WORK, box) as around,
        _progress(bench, task) as heard,
        metered(bench, task, effect) as meter,
        way_out(bench, task, agent, bounds) as egress,
    ):
        inside = around.box
        if egress is not None:
            meter.used, inside = (lambda: egress.pending), egress.furnish(inside)
        limits = boxed(bounds, minutes)
        last_call = (lambda: egress.spent.last_call) if egress else never
        talking = bench.agents.turn(
            agent, inside, text, task.session, limits, lambda said: heard(around.hide(said)), last_call
        )
        turn = await until_end(talking, egress, task.session)
    turn = around.hide(turn)
    use = use_of(turn, meter.whole, egress.spent if egress else None, bench.routes.get(agent))
    return replace(turn, outcome=around.hide(turn.outcome)), egress, use


async def take_over(bench: Bench, task: Task) -> Harvest:
    """Harvest the worktree, and save what was found before anything else may happen to it."""
    base, parent = task.base, task.parent
    if base is None or parent is None:
        raise ValueError(f"task {task.id} has no base yet")
    message = CommitMessage(_message(task), bench.author, task.labelled_at)
    merge = await bench.merge(task)
    start = merge if isinstance(merge, Merge) else parent
    harvest = await bench.workspaces.harvest(task.id, base, start, message)
    if not isinstance(harvest, Harvested):
        return harvest
    await bench.keep_work(task.id, base, harvest.commit)
    violations = too_large(harvest.files, (await bench.terms(task)).limits)
    return HarvestRefused(violations) if violations else harvest


@dataclass(frozen=True, slots=True)
class _Now:
    """When a turn ended, which review threads it was asked to answer, and whether for a plan alone."""

    at: datetime
    threads: frozenset[int]
    planning: bool


def _result(effect: RunAgent, turn: Turn, harvest: Harvest, now: _Now) -> AgentResult:
    """What the orchestrator saw goes before what the agent said."""
    run, attempt, session = effect.run, effect.attempt, turn.session
    commit = harvest.commit if isinstance(harvest, Harvested) else None
    match turn.outcome:
        case TurnFailed(kind, detail):
            return AgentFailed(run, attempt, kind, detail, commit, session)
        case _ if isinstance(harvest, HarvestRefused):
            return HarvestRejected(run, attempt, harvest.violations, session)
        case TurnAsked(question):
            return QuestionAsked(run, attempt, question, now.at, commit, session)
        case TurnDeclined(reason) if commit is None:
            told = answers(reason, now.threads)
            return WorkDeclined(run, attempt, told.words, session, tuple(told.answers.items()))
        case TurnAnswered(text) if commit is None:
            told = answers(text, now.threads)
            return IssueAnswered(run, attempt, told.words, session, tuple(told.answers.items()))
        case TurnEnded(summary) if now.planning:
            return PlanMade(run, attempt, summary, now.at, session)
        case TurnEnded(summary=words) | TurnDeclined(reason=words) | TurnAnswered(text=words):
            return _changes(harvest, effect, answers(words, now.threads), session)
        case _:
            assert_never(turn.outcome)


def _changes(harvest: Harvest, effect: RunAgent, said: Summary, session: str | None) -> AgentResult:
    run, attempt, words, threads = effect.run, effect.attempt, said.words, tuple(said.answers.items())
    match harvest:
        case Harvested(files=()):
            return WorkDeclined(run, attempt, f"All changes were taken back. {words}".strip(), session, threads)
        case Harvested(commit, files):
            return ChangesMade(run, attempt, commit, files, words, session, threads)
        case NothingChanged():
            return NothingDone(run, attempt, words, session, threads)
        case HarvestRefused(violations):
            return HarvestRejected(run, attempt, violations, session)
        case _:
            assert_never(harvest)


async def _agent(bench: Bench, task: Task) -> str:
    """The repository's choice, else the one that the task was started with."""
    return (await _config(bench, task)).agent or task.agent


async def _config(bench: Bench, task: Task) -> RepoConfig:
    """Checked when the run was prepared, on the same commit."""
    config = await bench.config(task, task.base) if task.base else RepoConfig()
    return config if isinstance(config, RepoConfig) else RepoConfig()


def _message(task: Task) -> str:
    """Subject and trailers of our commit. The person who asked is its co-author."""
    mail = f"{task.requester}@users.noreply.github.com"
    which = f" (run {task.run}, attempt {task.attempt})" if (task.run, task.attempt) > (1, 1) else ""
    subject = inert(one_line(task.title, 72 - len(which))) + which
    return f"{subject}\n\nFor #{task.issue.number}.\n\nCo-authored-by: {task.requester} <{mail}>\n"


@asynccontextmanager
async def _progress(bench: Bench, task: Task) -> AsyncIterator[Callable[[Progress], None]]:
    """Write down the newest of what the agent says, every few seconds, while the block runs."""
    newest: list[Progress] = []
    slow = Wait(bench.pace.progress_every, bench.pace.progress_every)

    async def keep_writing() -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            if not newest:
                continue
            try:
                await bench.store.set_progress(task.id, task.run, newest[-1])
                await bench.store.want(f"task:{task.id}", UpdateStatus(), slow)
            except Exception:
                log.warning("the progress of task %s could not be written down", task.id, exc_info=True)
            newest.clear()

    writer = asyncio.create_task(keep_writing())
    try:
        yield newest.append
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
