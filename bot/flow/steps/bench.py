"""What every step works with, and the few things that several steps look up."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.flow.doors import Agents, Checks, Clock, GitHub, Workspaces
from bot.flow.isolation_door import Isolation
from bot.flow.steps.limits import boxed
from bot.flow.steps.shelf import Turns
from bot.sandbox.egress.values import Route
from bot.store.store import Store
from bot.task import repo_config
from bot.task.effects import Pace
from bot.task.ids import CommitSha, RepoRef, TaskId
from bot.task.model import Task, conflicts_of
from bot.task.observed import Repository
from bot.task.repo_config import BadConfig, RepoConfig
from bot.task.results import ChecksOrigin, SandboxLevel
from bot.task.rules import Rulebook, Rules, Terms, agree
from bot.task.secrets import Secret
from bot.verify.command import Command
from bot.verify.guess import TELLING, guess
from bot.words.redacted import Redactor
from bot.workspace.values import CommitMessage, Merge, MergeRefused, Prepared, SetUp, SetUpFailed

log = logging.getLogger(__name__)

WORK = "work"
"""Artifact kind: `base..commit` as a git bundle, named by the commit."""
STATE = "state"
"""Artifact kind: the agent's HOME, named `home`."""
CERTIFICATE = "certificate"
"""Artifact kind: what a verification found out, named `<run>.<attempt>`."""
LOG = "log"
"""Artifact kind: output of a check, named `<run>.<attempt>/<check>`."""

MERGED = "Merge the base branch"
"""What our commit says where nothing conflicts."""


def turn_mark(task: Task, attempt: int) -> str:
    """Name of the mark that says: this attempt's agent has begun."""
    return f"turn:{task.id}:{task.run}.{attempt}"


@dataclass(frozen=True, slots=True)
class Bench:
    """The doors and the settings of the operator."""

    store: Store
    github: GitHub
    workspaces: Workspaces
    agents: Agents
    checks: Checks
    clock: Clock
    pace: Pace
    sandbox: SandboxLevel
    may_run_checks: bool
    """False on a machine without a sandbox: checks are the repository's own code."""
    author: str
    """`name <mail>` of the bot's commits."""
    rulebook: Rulebook = field(default=Rulebook())
    routes: Mapping[str, Route] = field(default_factory=dict)
    """The models of agents, by the agent's name."""
    isolation: Isolation | None = None
    """None: what a repository asks for is not looked at."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """What repositories may ask for, by name."""
    redactor: Redactor = field(default=Redactor())
    """Takes known secrets out of what is kept."""
    turns: Turns = field(default_factory=Turns)
    """Who makes which baseline right now, in this process."""
    onboarding: bool = True
    """Offer the repository's file in a pull request when a first task begins without one."""

    def rules(self, task: Task) -> Rules:
        """What the operator decided for the task's repository."""
        return self.rulebook.of(task.issue.repo.full_name)

    async def place(self, task: Task) -> Repository | None:
        """The task's repository as it is now; what it is called and through whom it is reached is kept."""
        seen = await self.github.repository(task.issue.repo)
        if seen is not None:
            await self.store.relocate(seen.ref)
        return seen

    async def terms(self, task: Task) -> Terms:
        """What the run works under; it was agreed on when the run was prepared, from the same commit."""
        config = await self.config(task, task.base) if task.base else RepoConfig()
        terms = config if isinstance(config, BadConfig) else agree(self.rules(task), config)
        return Terms(self.rules(task).limits) if isinstance(terms, BadConfig) else terms

    async def config(self, task: Task, base: CommitSha) -> RepoConfig | BadConfig:
        """The repository's settings as of the base commit."""
        return repo_config.parse(await self.workspaces.read(task.issue.repo, base, repo_config.PATH))

    async def commands(self, task: Task, base: CommitSha) -> tuple[tuple[Command, ...], ChecksOrigin]:
        """The checks of the repository, and where they come from."""
        return await commands(self.workspaces, task.issue.repo, base)

    async def stand_ready(self, task: Task) -> bool:
        """The worktree exists, at the commit that the work builds on. True: it was there already."""
        if task.base is None or task.parent is None:
            raise ValueError(f"task {task.id} has no base yet")
        await self.bring_back(task, task.commit)
        prepared = await self.set_up(task, task.parent)
        if isinstance(prepared, SetUpFailed):
            log.warning("the set-up of task %s failed: %s", task.id, self.redactor.text(prepared.told))
        merge = await self.merge(task)
        start = merge.commit if isinstance(merge, Merge) else task.parent
        kept = await self.workspaces.open(task.id, task.issue.repo, start)
        if not kept and task.session:
            state = await self.store.find_artifact(task.id, STATE)
            if state is not None:
                await self.workspaces.restore_state(task.id, state)
        return kept

    async def merge(self, task: Task) -> Merge | MergeRefused | None:
        """The base merged into the branch, where the run is for that and it is not done yet; the same every time."""
        if task.base is None or task.parent is None or not conflicts_of(task.current):
            return None
        message = CommitMessage(MERGED, self.author, task.labelled_at)
        return await self.workspaces.merge(task.id, task.issue.repo, task.parent, task.base, message)

    async def set_up(self, task: Task, commit: CommitSha) -> Prepared | None:
        """What the set-up makes lies under the worktrees of the task; None: the repository has no set-up to share.

        One that gets secrets or a database is not shared: what it makes may hold them.
        """
        config = await self.config(task, task.base) if task.base else RepoConfig()
        if isinstance(config, BadConfig) or not config.setup or not self.may_run_checks:
            return None
        if config.secrets or config.isolation.database != "none":
            return None
        limits = (await self.terms(task)).limits
        setup = SetUp(config.setup, boxed(limits, limits.check_minutes.value))
        return await self.workspaces.set_up(task.id, task.issue.repo, commit, setup)

    async def bring_back(self, task: Task, commit: CommitSha | None) -> None:
        """A saved commit is in the quarantine again, whichever machine saved it."""
        if commit is None:
            return
        bundle = await self.store.find_artifact(task.id, WORK, commit)
        if bundle is not None:
            await self.workspaces.restore(task.id, task.issue.repo, bundle)

    async def keep_work(self, task: TaskId, base: CommitSha, commit: CommitSha) -> None:
        """Save a commit before anything else may happen to it."""
        await self.store.keep(task, WORK, commit, await self.workspaces.save(task, base, commit))

    async def keep_state(self, task: TaskId, agent: str) -> None:
        """Save the agent's HOME, so that its session can be resumed."""
        state = await self.workspaces.save_state(task, self.agents.caches(agent))
        if state is not None:
            await self.store.keep(task, STATE, "home", state)


async def commands(workspaces: Workspaces, repo: RepoRef, base: CommitSha) -> tuple[tuple[Command, ...], ChecksOrigin]:
    """The checks that a repository names at this commit, or that its files let guess."""
    config = repo_config.parse(await workspaces.read(repo, base, repo_config.PATH))
    if isinstance(config, RepoConfig) and config.checks:
        named = tuple(Command(name, check.run, check.required) for name, check in config.checks.items())
        return named, ChecksOrigin.CONFIGURED
    paths = await workspaces.paths(repo, base)
    files = {path: await workspaces.read(repo, base, path) for path in paths if path in TELLING}
    guessed = guess(paths, files.get)
    return guessed, ChecksOrigin.GUESSED if guessed else ChecksOrigin.NONE
