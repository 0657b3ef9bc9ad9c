"""From an effect to its step: the one place where they meet."""

from dataclasses import dataclass
from typing import assert_never

from bot.flow.intake import process_delivery
from bot.flow.observe import Observer
from bot.flow.steps.agent import run_agent
from bot.flow.steps.bench import Bench
from bot.flow.steps.checks import verify
from bot.flow.steps.home import move_in
from bot.flow.steps.labels import set_labels
from bot.flow.steps.onboard import onboard
from bot.flow.steps.prepare import prepare
from bot.flow.steps.publish import publish
from bot.flow.steps.say import announce, answer, refuse, update_status
from bot.flow.steps.tidy import tidy, tidy_machine
from bot.flow.steps.workspace import close_workspace
from bot.flow.sweep import Sweeper
from bot.store.values import Claimed
from bot.task.effects import (
    Announce,
    CloseWindow,
    CloseWorkspace,
    DeleteBranch,
    EnsureLabels,
    Onboard,
    PrepareWorkspace,
    ProcessDelivery,
    Publish,
    React,
    Refuse,
    Reply,
    RunAgent,
    SetLabels,
    StartRun,
    Sweep,
    TaskEffect,
    UpdateStatus,
    Verify,
    Wait,
    WorldEffect,
)
from bot.task.events import TaskEvent, WindowClosed
from bot.task.ids import InstallationId, RepoRef
from bot.task.model import Task


@dataclass(frozen=True, slots=True)
class Steps:
    """Performs effects. Knows nothing of leases and retries."""

    bench: Bench
    observer: Observer
    sweeper: Sweeper

    async def perform(self, claimed: Claimed) -> TaskEvent | None:
        """Do it, and return the event that happened, if any."""
        effect = claimed.effect
        match effect:
            case ProcessDelivery() | Sweep() | EnsureLabels() | Refuse() | Onboard():
                await self._of_the_world(effect)
                return None
            case _:
                task = await self.bench.store.task(claimed.task) if claimed.task is not None else None
                if task is None:
                    return None
                if claimed.moved:
                    await move_in(self.bench, task, effect)
                return await self._of_a_task(task, effect)

    async def tidy(self) -> None:
        """What a machine does for itself; the sweep does it on one machine only."""
        await tidy_machine(self.bench)

    async def _of_a_task(self, task: Task, effect: TaskEffect) -> TaskEvent | None:
        match effect:
            case PrepareWorkspace():
                return await prepare(self.bench, task, effect)
            case RunAgent():
                return await run_agent(self.bench, task, effect)
            case Verify():
                return await verify(self.bench, task, effect)
            case Publish():
                return await publish(self.bench, task, effect)
            case CloseWorkspace():
                return await close_workspace(self.bench, task, effect)
            case UpdateStatus():
                return await update_status(self.bench, task)
            case CloseWindow():
                return WindowClosed()
            case StartRun():
                raise AssertionError("the store admits runs; no worker claims StartRun")
            case Announce():
                return await announce(self.bench, task, effect)
            case Reply() | React() | SetLabels() | DeleteBranch():
                await self._on_github(task, effect)
                return None
            case _:
                assert_never(effect)

    async def _on_github(self, task: Task, effect: Reply | React | SetLabels | DeleteBranch) -> None:
        github = self.bench.github
        match effect:
            case Reply():
                await answer(self.bench, task, effect)
            case React(comment, content):
                await github.react(task.issue, comment, content)
            case SetLabels():
                await set_labels(self.bench, task)
            case DeleteBranch():
                await github.delete_branch(task.issue.repo, task.branch)
            case _:
                assert_never(effect)

    async def _of_the_world(self, effect: WorldEffect) -> None:
        bench = self.bench
        match effect:
            case ProcessDelivery(delivery):
                await process_delivery(bench.store, bench.github, self.observer, delivery)
            case Sweep():
                await bench.store.want("world", Sweep(), Wait(bench.pace.sweep_every, bench.pace.sweep_every))
                await self.sweeper.sweep()
                await tidy(bench)
            case EnsureLabels(repo_id, full_name, installation):
                await bench.github.ensure_labels(RepoRef(repo_id, full_name, InstallationId(installation)))
            case Refuse():
                await refuse(bench, effect)
            case Onboard():
                await onboard(bench, effect)
            case _:
                assert_never(effect)
