"""A task comes to this machine: what lies here of an earlier stay goes, and what its run stands on is fetched."""

from bot.flow.steps.bench import Bench
from bot.task.effects import CloseWorkspace, PrepareWorkspace, TaskEffect
from bot.task.model import Task
from bot.workspace.values import Remote


async def move_in(bench: Bench, task: Task, effect: TaskEffect) -> None:
    """Idempotent. Worktree and agent's state are made anew from what was saved; see `Bench.stand_ready`."""
    await bench.workspaces.close(task.id)
    if isinstance(effect, PrepareWorkspace | CloseWorkspace) or task.base is None:
        return  # the one fetches by itself, the other needs nothing
    repo = await bench.place(task)
    if repo is not None:
        remote = Remote(repo.clone_url, await bench.github.credential(repo))
        await bench.workspaces.fetch(task.id, repo.ref, remote, repo.default_branch, task.branch)
