"""PrepareWorkspace: fetch, read the repository's config, make the sandbox worktree."""

import logging
from dataclasses import replace

from bot.flow.steps.agent import take_over
from bot.flow.steps.bench import Bench, commands, turn_mark
from bot.flow.steps.isolation import drop_databases
from bot.flow.steps.onboard import want_onboarding
from bot.flow.steps.spending import left, money_left
from bot.github.errors import Elsewhere, NotInstalled, Refused, Unreadable
from bot.task.effects import PrepareWorkspace
from bot.task.events import RunRefused, WorkspacePrepared
from bot.task.ids import CommitSha, RepoRef
from bot.task.model import Task
from bot.task.repo_config import PATH, BadConfig
from bot.task.results import ChecksOrigin
from bot.task.rules import agree, not_allowed
from bot.task.secrets import granted
from bot.words.rules import retargeted
from bot.workspace.values import FetchRefused, MergeRefused, Remote

log = logging.getLogger(__name__)


async def prepare(bench: Bench, task: Task, effect: PrepareWorkspace) -> WorkspacePrepared | RunRefused:
    """Idempotent: fetches again, and keeps a worktree that is there. What GitHub says no to, a person can mend."""
    try:
        return await _prepare(bench, task, effect)
    except (Refused, NotInstalled, Elsewhere, Unreadable) as refused:
        return RunRefused(effect.run, f"{refused}.")


async def _prepare(bench: Bench, task: Task, effect: PrepareWorkspace) -> WorkspacePrepared | RunRefused:
    purse = await left(bench, task)
    if not purse.left:
        return RunRefused(effect.run, purse.sentence)
    repo = await bench.place(task)
    if repo is None:
        return RunRefused(effect.run, f"the App cannot see the repository {task.issue.repo.full_name} any more.")
    if repo.archived:
        return RunRefused(effect.run, f"{repo.ref.full_name} is archived, so nothing can be pushed to it.")
    pull = await bench.github.pull(repo.ref, task.pull) if task.pull else None
    if pull is not None and pull.is_open and pull.base_branch != repo.default_branch:
        return RunRefused(effect.run, retargeted(pull.number, pull.base_branch, repo.default_branch))
    await _put_away(bench, task)
    remote = Remote(repo.clone_url, await bench.github.credential(repo))
    fetched = await bench.workspaces.fetch(task.id, repo.ref, remote, repo.default_branch, task.branch)
    if isinstance(fetched, FetchRefused):
        return RunRefused(effect.run, fetched.reason)
    config = await bench.config(task, fetched.base)
    if isinstance(config, BadConfig):
        return RunRefused(effect.run, config.reason)
    terms = agree(bench.rules(task), config)
    if isinstance(terms, BadConfig):
        return RunRefused(effect.run, terms.reason)
    coins = await money_left(bench, task, terms.limits.usd)
    if not coins.left:
        return RunRefused(effect.run, coins.sentence)
    values = granted(bench.secrets, task.issue.repo.full_name, config.secrets)
    if isinstance(values, BadConfig):
        return RunRefused(effect.run, values.reason)
    if config.agent is not None and config.agent not in bench.agents.known():
        offered = ", ".join(sorted(bench.agents.known()))
        return RunRefused(effect.run, f"`agent: {config.agent}` is not offered by this server; it has: {offered}.")
    if why := not_allowed(bench.rules(task), config.agent or task.agent):
        return RunRefused(effect.run, why)
    if bench.onboarding and await _is_guessed(bench, repo.ref, fetched.base):
        await want_onboarding(bench.store, repo.ref)
    if bench.isolation is not None and (why := bench.isolation.refuses(config.isolation)):
        return RunRefused(effect.run, why)
    resumed = task.commit is not None and fetched.head in (task.start, task.commit)
    ready = replace(task, base=fetched.base, start=fetched.head, commit=task.commit if resumed else None)
    await bench.stand_ready(ready)
    merge = await bench.merge(ready)
    if isinstance(merge, MergeRefused):
        return RunRefused(effect.run, merge.reason)
    clean = merge.commit if merge is not None and not merge.conflicts else None
    if clean is not None:
        await bench.keep_work(task.id, fetched.base, clean)
    return WorkspacePrepared(
        run=effect.run,
        base=fetched.base,
        base_branch=repo.default_branch,
        branch_head=fetched.head,
        resumed=resumed,
        attempts_allowed=int(terms.limits.attempts.value),
        notes=terms.notes,
        merged=clean,
        conflicts=merge.conflicts if merge is not None else (),
    )


async def _is_guessed(bench: Bench, repo: RepoRef, base: CommitSha) -> bool:
    """Are the checks guessed, because there is no file that could name them?"""
    if PATH in await bench.workspaces.paths(repo, base):
        return False
    _, origin = await commands(bench.workspaces, repo, base)
    return origin is ChecksOrigin.GUESSED


async def _put_away(bench: Bench, task: Task) -> None:
    """Before its agent has begun, a worktree here belongs to an earlier run: kept as an artifact, then gone."""
    if await bench.store.marked(turn_mark(task, attempt=1)) is not None:
        return
    if task.base is not None and task.id in await bench.workspaces.leftovers():
        try:
            await take_over(bench, task)
        except Exception:
            log.exception("what an earlier run of task %s left could not be kept", task.id)
    await drop_databases(bench, task.id)
    await bench.workspaces.close(task.id)
