"""The worktree of a task and the clean checkout of a commit: overlays of a template, or plain checkouts."""

from dataclasses import dataclass, replace

from bot.sandbox.box import Bind, Box, Overlay
from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.task.results import SandboxLevel
from bot.workspace.folders import Place, TaskFolders, own, remove
from bot.workspace.ground import ground, stand_on_template, stores
from bot.workspace.inside import CHECK_OUT, GIT_INSIDE, HOME, REPORTS, SWITCH, TASK
from bot.workspace.layer import Layers
from bot.workspace.quarantine import Quarantine
from bot.workspace.sealed import Key, Sealed, used_by
from bot.workspace.setup import TRACES
from bot.workspace.template import run


@dataclass(frozen=True, slots=True)
class Worktrees:
    """Makes and shows the trees of tasks."""

    sandbox: Sandbox
    sealed: Sealed
    layers: Layers

    async def open(self, task: TaskFolders, start: CommitSha) -> bool:
        """The agent's worktree exists, made from `start`; True if a complete one was there already."""
        if task.opened.exists() and self._fits(task.work):
            return True
        task.opened.unlink(missing_ok=True)
        await self._clear(task, task.work)
        task.traces.unlink(missing_ok=True)
        self.sandbox.make_folder(task.home, task.number)
        layer = await self._make(task, task.work, start)
        if layer is not None:
            task.traces.write_bytes((self.sealed.path(layer) / TRACES).read_bytes())
        task.opened.write_text(f"{start}\n")
        return False

    def box(self, task: TaskFolders) -> Box:
        """What the agent sees: its worktree, its HOME, borrowed objects."""
        home = Bind(task.home, HOME, writable=True)
        return self.show(task, task.work).with_binds(home, *stores(Quarantine(task.quarantine)))

    async def check_out(self, task: TaskFolders, commit: CommitSha) -> Box:
        """A new checkout of exactly this commit, an empty HOME, and a folder for reports."""
        await self.drop_checkout(task)
        place = task.check
        own(place.root)
        home, reports = (self.sandbox.make_folder(place.root / name, task.number) for name in ("home", "reports"))
        await self._make(task, place, commit)
        binds = tuple(Bind(*pair, writable=True) for pair in ((home, HOME), (reports, REPORTS)))
        box = self.show(task, place).with_binds(*binds, *stores(Quarantine(task.quarantine)))
        return box.with_env(REPORTS=REPORTS)

    async def drop_checkout(self, task: TaskFolders) -> None:
        for name in ("tree", "room", "home", "reports"):
            await remove(self.sandbox, task.check.root / name, task.number)
        task.check.user.unlink(missing_ok=True)
        if task.check.root.exists():
            task.check.root.rmdir()

    async def close(self, task: TaskFolders) -> None:
        """Everything of the task is gone; what it stood on is free."""
        task.opened.unlink(missing_ok=True)
        await self.drop_checkout(task)
        for folder in (task.work.tree, task.work.room, task.harvest, task.home, task.root):
            await remove(self.sandbox, folder, task.number)

    def show(self, task: TaskFolders, place: Place, *, writable: bool = True) -> Box:
        """The tree alone, at /task."""
        keys = used_by(place.user)
        if not keys:
            return Box((Bind(place.tree, TASK, writable=writable),), TASK, tenant=task.number)
        sealed = tuple(self.sealed.tree(key) for key in keys)
        return Box((), TASK, tenant=task.number, overlay=Overlay(sealed, place.room, TASK, writable=writable))

    @property
    def overlays(self) -> bool:
        return self.sandbox.level is SandboxLevel.OVERLAY

    async def _make(self, task: TaskFolders, place: Place, commit: CommitSha) -> Key | None:
        """The tree, untouched; the layer that it has."""
        quarantine = Quarantine(task.quarantine)
        borrowed = stores(quarantine)
        targets = [store.target for store in borrowed]
        if not self.overlays:
            self.sandbox.make_folder(place.tree, task.number)
            box = self._ours(task, place, borrowed)
            await run(self.sandbox, box, CHECK_OUT, self.sandbox.path(box, TASK), commit, *targets)
            return None
        self.sandbox.make_room(place.room, task.number)
        base = await ground(self.sealed, quarantine, commit)
        await stand_on_template(self.sealed, self.sandbox, place.user, quarantine, base)
        layer = await self.layers.stand_on(task, place, base, commit)
        if base != commit:
            await run(self.sandbox, self._ours(task, place, borrowed), SWITCH, commit, *targets)
        return layer

    def _ours(self, task: TaskFolders, place: Place, borrowed: tuple[Bind, ...]) -> Box:
        """For our own git, before anybody else was there."""
        return replace(self.show(task, place).with_binds(*borrowed), env=GIT_INSIDE)

    def _fits(self, place: Place) -> bool:
        """Made as this machine can show it; the operator may have changed what it can do."""
        return place.room.exists() == self.overlays

    async def _clear(self, task: TaskFolders, place: Place) -> None:
        for folder in (place.tree, place.room):
            await remove(self.sandbox, folder, task.number)
        place.user.unlink(missing_ok=True)
