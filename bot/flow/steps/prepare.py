"""PrepareWorkspace: fetch, read the repository's config, make the sandbox worktree."""

from dataclasses import replace

from bot.flow.steps.bench import Bench
from bot.task.effects import PrepareWorkspace
from bot.task.events import RunRefused, WorkspacePrepared
from bot.task.model import Task
from bot.task.repo_config import BadConfig
from bot.workspace.values import FetchRefused, Remote


async def prepare(bench: Bench, task: Task, effect: PrepareWorkspace) -> WorkspacePrepared | RunRefused:
    """Idempotent: fetches again, and keeps a worktree that is there."""
    repo = await bench.github.repository(task.issue.repo)
    if repo is None:
        return RunRefused(effect.run, f"the App cannot see the repository {task.issue.repo.full_name} any more.")
    if repo.archived:
        return RunRefused(effect.run, f"{repo.ref.full_name} is archived, so nothing can be pushed to it.")
    remote = Remote(repo.clone_url, await bench.github.credential(repo.ref))
    fetched = await bench.workspaces.fetch(task.id, repo.ref, remote, repo.default_branch, task.branch)
    if isinstance(fetched, FetchRefused):
        return RunRefused(effect.run, fetched.reason)
    config = await bench.config(task, fetched.base)
    if isinstance(config, BadConfig):
        return RunRefused(effect.run, config.reason)
    if config.agent is not None and config.agent not in bench.agents.known():
        offered = ", ".join(sorted(bench.agents.known()))
        return RunRefused(effect.run, f"`agent: {config.agent}` is not offered by this server; it has: {offered}.")
    resumed = task.commit is not None and fetched.head == (task.head or task.start)
    ready = replace(task, base=fetched.base, start=fetched.head, commit=task.commit if resumed else None)
    await bench.stand_ready(ready)
    return WorkspacePrepared(
        run=effect.run,
        base=fetched.base,
        base_branch=repo.default_branch,
        branch_head=fetched.head,
        resumed=resumed,
        attempts_allowed=config.limits.attempts,
    )
