"""The layer of a set-up: what its command made above a template, once for all tasks of the repository.

Only commits of people are set up here. What a changed manifest brings is made in the worktree that changed it, and goes
with it: no task can put anything into the layer of another.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.process import Sandbox
from bot.task.ids import CommitSha
from bot.task.results import SandboxLevel
from bot.workspace.folders import Place, TaskFolders
from bot.workspace.git import git
from bot.workspace.ground import ground, stand_on_template, stores
from bot.workspace.manifests import fingerprint, telling, touched
from bot.workspace.quarantine import Quarantine
from bot.workspace.sealed import Key, Sealed, used_by
from bot.workspace.setup import Facts, Failure, Workshop
from bot.workspace.values import Access, InPlace, Layered, Prepared, SetUp, SetUpFailed, offline

FAILURE_KEPT = 300.0
"""Seconds in which other tasks are told of a failure instead of trying again."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of this machine. `access` is what a set-up may reach beside its files."""

    sandbox: Sandbox
    sealed: Sealed
    access: Access = offline
    failures: dict[Key, tuple[float, SetUpFailed]] = field(default_factory=dict)
    """The last one of each layer, and when it was."""

    async def prepare(self, task: TaskFolders, commit: CommitSha, setup: SetUp) -> Prepared:
        """The layer for this commit is there, and the task holds it."""
        task.setup.write_text(setup.command)
        if self.sandbox.level is not SandboxLevel.OVERLAY:
            return InPlace()
        quarantine = Quarantine(task.quarantine)
        base = await ground(self.sealed, quarantine, commit)
        before, after = [await _files(quarantine, one) for one in (base, commit)]
        if changed := touched(telling(setup.command, before), telling(setup.command, after)):
            more = f" and {len(changed) - 3} more files" if len(changed) > 3 else ""
            return InPlace(f"the change touches {', '.join(changed[:3])}{more}")
        return await self._hold(task, base, before, after, setup)

    async def stand_on(self, task: TaskFolders, place: Place, base: CommitSha, commit: CommitSha) -> Key | None:
        """The layer that the task holds for this commit, under a worktree that stands on the template of `base`."""
        held = [key for key in used_by(_holder(task)) if key.kind == "layers"]
        if not held or not task.setup.exists():
            return None
        quarantine, command = Quarantine(task.quarantine), task.setup.read_text()
        before, after = [await _files(quarantine, one) for one in (base, commit)]
        if touched(telling(command, before), telling(command, after)):
            return None
        for key in self._keys(quarantine, command, base, before):
            if key in held and self._facts(key).fits(base, after) and await self.sealed.stand_on(place.user, key, _no):
                return key
        return None

    async def _hold(
        self, task: TaskFolders, base: CommitSha, files: Mapping[str, str], after: Mapping[str, str], setup: SetUp
    ) -> Prepared:
        quarantine, holder = Quarantine(task.quarantine), _holder(task)
        for key in self._keys(quarantine, setup.command, base, files):
            if (known := self._failed(key)) is not None:
                return known
            workshop = Workshop(self.sandbox, self.access, task.number, setup, base)
            await stand_on_template(self.sealed, self.sandbox, holder, quarantine, base)
            lower = self.sealed.tree(next(one for one in used_by(holder) if one.name == base))

            async def build(entry: Path, workshop: Workshop = workshop, lower: Path = lower) -> bool:
                return await workshop.build(entry, lower, stores(quarantine))

            if not await self.sealed.stand_on(holder, key, build):
                return self._remember(key, workshop.failure)
            facts = self._facts(key)
            if facts.in_home:
                return InPlace("the set-up writes to HOME")
            if facts.fits(base, {**files, **after}):
                return Layered(workshop.seconds, workshop.output)
        return InPlace("the set-up makes files that the commit has, too")

    def _keys(self, quarantine: Quarantine, command: str, base: CommitSha, files: Mapping[str, str]) -> list[Key]:
        """The layer of these manifests; if that fits its own commit alone, the one of this commit."""
        repository = quarantine.mirror.stem
        whole = (command, self.sandbox.identity, sorted(telling(command, files).items()))
        names = (fingerprint(*whole), fingerprint(*whole, base))
        return [Key("layers", repository, name) for name in names]

    def _facts(self, key: Key) -> Facts:
        return Facts.read(self.sealed.path(key))

    def _failed(self, key: Key) -> SetUpFailed | None:
        at, failed = self.failures.get(key, (0.0, None))
        return failed if time.monotonic() - at < FAILURE_KEPT else None

    def _remember(self, key: Key, failure: Failure) -> SetUpFailed:
        failed = SetUpFailed(failure.exit_code, failure.note, failure.output, failure.seconds)
        self.failures[key] = (time.monotonic(), failed)
        return failed


def _holder(task: TaskFolders) -> Path:
    """What the task keeps from being removed, whether or not a worktree stands on it now."""
    return task.root / "uses.setup"


async def _no(entry: Path) -> bool:
    return False


async def _files(quarantine: Quarantine, commit: CommitSha) -> dict[str, str]:
    """Path to object name of everything in a commit."""
    listing = await git(quarantine.path, "ls-tree", "-rz", "--full-tree", commit)
    rows = (row.partition(b"\t") for row in listing.split(b"\0") if row)
    return {name.decode(errors="replace"): facts.split()[2].decode() for facts, _, name in rows}
