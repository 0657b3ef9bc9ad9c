"""The workspace door: all git of a task, behind verbs that can be repeated after a crash."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bot.sandbox.box import Box
from bot.sandbox.process import Sandbox
from bot.task.evidence import ChangedFile
from bot.task.ids import BranchName, CommitSha, RepoRef, TaskId
from bot.task.results import FileChange, Harvest
from bot.workspace import merge, publish, saved, subject
from bot.workspace.budget import DiskBudget, Trimmed
from bot.workspace.folders import Folders, TaskFolders, own
from bot.workspace.harvest import Harvester
from bot.workspace.layer import Layers
from bot.workspace.mirror import Mirrors
from bot.workspace.policy import PROTECTED, Caps
from bot.workspace.quarantine import Quarantine
from bot.workspace.remote import bring, heads
from bot.workspace.sealed import Sealed
from bot.workspace.values import (
    Access,
    BranchMoved,
    CommitMessage,
    Fetched,
    FetchRefused,
    Merge,
    MergeRefused,
    Prepared,
    Pushed,
    PushRefused,
    Remote,
    SetUp,
    offline,
)
from bot.workspace.worktree import Worktrees

CACHE_BYTES = 20 * 10**9
"""For mirrors, templates and layers, unless the operator says otherwise."""


async def always() -> None:
    """The fence of whoever has no rival."""


class GitWorkspaces:
    """Worktrees under one folder that is the bot's alone. Implements `bot.flow.doors.Workspaces`.

    `caps` and `protected` (globs) bound what a harvest may bring; `fence` is called right before a push, and raises
    when nothing may be pushed any more; `access` is what a set-up may reach; `cache_bytes` is
    the disk space for what is kept for later tasks.
    """

    def __init__(
        self,
        root: Path,
        sandbox: Sandbox,
        *,
        caps: Caps | None = None,
        protected: Sequence[str] = PROTECTED,
        fence: Callable[[], Awaitable[None]] = always,
        access: Access = offline,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._folders = Folders(root.resolve())
        self._sandbox = sandbox
        self._mirrors = Mirrors(self._folders)
        sealed = Sealed(self._folders, sandbox)
        self._layers = Layers(sandbox, sealed, access)
        self._trees = Worktrees(sandbox, sealed, self._layers)
        self._budget = DiskBudget(self._folders, sealed, cache_bytes)
        self._harvester = Harvester(self._trees, caps, protected)
        self._fence = fence

    async def fetch(
        self, task: TaskId, repo: RepoRef, remote: Remote, base: BranchName, branch: BranchName
    ) -> Fetched | FetchRefused:
        """Bring the base branch into the mirror and the task's branch, if any, into the task's quarantine.

        Raises RemoteUnavailable.
        """
        quarantine = await self._quarantine(task, repo)
        base_ref, ref = f"refs/heads/{base}", f"refs/heads/{branch}"
        there = await heads(quarantine.path, remote, base_ref, ref)
        if base_ref not in there:
            everything = await heads(quarantine.path, remote)
            return FetchRefused(f"There is no branch {base}." if everything else "The repository is empty.")
        tip = await self._mirrors.fetch(repo, remote, base, there[base_ref])
        head = there.get(ref)
        if head is not None and await quarantine.commit_of(head) is None:
            await bring(quarantine.path, remote, f"+{ref}:refs/incoming/head")
            head = await quarantine.commit_of("refs/incoming/head")
        return Fetched(tip, head)

    async def newest(self, repo: RepoRef) -> CommitSha | None:
        """The newest commit of a base branch in the mirror; None: this machine has fetched nothing of it."""
        return await self._mirrors.newest(repo)

    async def read(self, repo: RepoRef, commit: CommitSha, path: str) -> bytes | None:
        """A file of a base commit in the mirror; None if absent, not a regular file, or above 1 MiB."""
        return await self._mirrors.read(repo, commit, path)

    async def paths(self, repo: RepoRef, commit: CommitSha) -> Sequence[str]:
        """Every path of a base commit in the mirror."""
        return await self._mirrors.paths(repo, commit)

    async def open(self, task: TaskId, repo: RepoRef, start: CommitSha) -> bool:
        """The worktree exists, made from `start`; True if a complete one was there already and was kept."""
        await self._quarantine(task, repo)
        return await self._trees.open(self._of(task), start)

    async def set_up(self, task: TaskId, repo: RepoRef, commit: CommitSha, setup: SetUp) -> Prepared:
        """Worktrees of this task stand on what the set-up makes, wherever they have the manifests of this commit."""
        await self._quarantine(task, repo)
        return await self._layers.prepare(self._of(task), commit, setup)

    async def merge(  # whose, where, and the three things that make the commit
        self, task: TaskId, repo: RepoRef, onto: CommitSha, base: CommitSha, message: CommitMessage
    ) -> Merge | MergeRefused | None:
        """A commit of both, with conflicts as they are; None: `onto` has the base already."""
        return await merge.merge(await self._quarantine(task, repo), onto, base, message)

    def box(self, task: TaskId) -> Box:
        """What a process in the opened worktree sees."""
        return self._trees.box(self._of(task))

    async def harvest(
        self, task: TaskId, base: CommitSha, parent: CommitSha | Merge, message: CommitMessage
    ) -> Harvest:
        """One commit of ours on `parent`, or in place of a merge, from the worktree as it is; it stays as it is."""
        return await self._harvester.harvest(self._of(task), base, parent, message)

    async def changes(self, task: TaskId, base: CommitSha, commit: CommitSha) -> tuple[FileChange, ...]:
        """What a pull request of this commit shows: the files since it left the base branch."""
        quarantine = Quarantine(self._of(task).quarantine)
        return await quarantine.changes(base, commit, await quarantine.tree_of(commit))

    async def fork(self, task: TaskId, base: CommitSha, head: CommitSha) -> CommitSha:
        """Where `head` left the base branch: what it is compared with."""
        return await Quarantine(self._of(task).quarantine).fork(base, head)

    async def contents(self, task: TaskId, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]:
        """Every path that differs between two commits, with its content on both sides."""
        return await subject.changed(Quarantine(self._of(task).quarantine), base, head)

    async def compose(self, task: TaskId, onto: CommitSha, laid: subject.Laid) -> CommitSha:
        """A commit of `onto` with these paths laid over it; the same parts make the same commit."""
        return await subject.compose(Quarantine(self._of(task).quarantine), onto, laid)

    async def tree(self, task: TaskId, commit: CommitSha) -> str:
        """Object name of a commit's tree."""
        return await Quarantine(self._of(task).quarantine).tree_of(commit)

    async def check_out(self, task: TaskId, commit: CommitSha) -> Box:
        """A clean checkout of exactly this commit, with an empty HOME and `$REPORTS`."""
        return await self._trees.check_out(self._of(task), commit)

    async def drop_checkout(self, task: TaskId) -> None:
        await self._trees.drop_checkout(self._of(task))

    async def save(self, task: TaskId, base: CommitSha, commit: CommitSha) -> bytes:
        """`base..commit` as a git bundle; empty when they are the same."""
        return await saved.save_work(Quarantine(self._of(task).quarantine), base, commit)

    async def restore(self, task: TaskId, repo: RepoRef, bundle: bytes) -> None:
        """Put a saved bundle back into the quarantine; the mirror must have its base."""
        await saved.restore_work(await self._quarantine(task, repo), bundle)

    async def save_state(self, task: TaskId, caches: Sequence[str] = ()) -> bytes | None:
        """The agent's HOME as a compressed tar, without `caches`; None when there is none, or more than is kept."""
        return await saved.save_state(self._sandbox, self._of(task), caches)

    async def restore_state(self, task: TaskId, state: bytes) -> None:
        own(self._of(task).root)
        await saved.restore_state(self._sandbox, self._of(task), state)

    async def push(
        self, task: TaskId, remote: Remote, commit: CommitSha, branch: BranchName, expected: CommitSha | None
    ) -> Pushed | BranchMoved | PushRefused:
        """Push by commit id; the remote branch must be at `expected`, or at `commit` already.

        Raises RemoteUnavailable.
        """
        return await publish.push(self._of(task).quarantine, remote, commit, branch, expected, self._fence)

    async def propose(
        self, task: TaskId, base: CommitSha, path: str, content: bytes, message: CommitMessage
    ) -> CommitSha:
        """Our commit on `base` that adds this file, or replaces it. The same values make the same id."""
        quarantine = Quarantine(self._of(task).quarantine)
        return await quarantine.commit(await quarantine.with_file(base, path, content), base, message)

    async def close(self, task: TaskId) -> None:
        """Remove worktree, checkout, state and quarantine."""
        await self._trees.close(self._of(task))

    async def forget(self, repo: RepoRef) -> None:
        """Remove the mirror, and what was built from it. The worktrees that borrow from it have to be closed before."""
        await self._trees.sealed.forget(str(repo.id))
        await self._mirrors.drop(repo)

    async def leftovers(self) -> Sequence[TaskId]:
        """Tasks that have a folder on this machine."""
        return self._folders.tasks()

    async def trim(self) -> Trimmed:
        """Mirrors, templates and layers that were not used for long go, when all of them are too much."""
        return await self._budget.trim()

    @property
    def sealed(self) -> Sealed:
        """What worktrees stand on."""
        return self._trees.sealed

    def _of(self, task: TaskId) -> TaskFolders:
        return self._folders.task(task)

    async def _quarantine(self, task: TaskId, repo: RepoRef) -> Quarantine:
        own(self._folders.root)
        quarantine = Quarantine(own(self._of(task).root) / "quarantine.git")
        await quarantine.ensure(self._mirrors.path(repo))
        return quarantine
