"""How the limits of one process tree are kept: what the kernel does, and who watches the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import cgroup, view
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import Groups, SandboxFailed
from bot.sandbox.contained import Bounds
from bot.sandbox.memory import MemoryWatch
from bot.sandbox.quota import DiskWatch
from bot.sandbox.running import Tree, Watch


@dataclass(frozen=True, slots=True)
class Guard:
    """Of one tree. `group` None: no control group could be made on this machine."""

    limits: Limits
    group: cgroup.Group | None
    bounds: Bounds

    @classmethod
    def of(cls, groups: Groups, limits: Limits) -> "Guard":
        """Where no group limits memory, each single process is limited. Raises SandboxFailed."""
        if not groups.controllers:
            return cls(limits, None, Bounds(limits.file_bytes, limits.memory_bytes))
        try:
            group = cgroup.make(groups, limits)
        except OSError as error:
            raise SandboxFailed(f"no control group could be made: {error}") from error
        data = 0 if "memory" in groups.controllers else limits.memory_bytes
        return cls(limits, group, Bounds(limits.file_bytes, data, group.entrances))

    def watches(self, tree: Tree, written: Sequence[Path], in_memory: Callable[[], Sequence[str]]) -> list[Watch]:
        """`written`: folders of the disk; `in_memory`: file systems in memory, by a path outside."""
        watches: list[Watch] = []
        if written and self.limits.disk_bytes is not None:
            watches.append(DiskWatch(written, tree.pids, self.limits.disk_bytes))
        if self.group:
            watches.append(self.group)
        if self.group is None or "memory" not in self.group.groups.controllers:
            watches.append(MemoryWatch(tree.pids, in_memory, self.limits.memory_bytes))
        return watches

    def drop(self) -> None:
        """Nothing was started."""
        if self.group:
            self.group.remove()


def written(box: Box) -> list[Path]:
    """Folders of the disk that a process in this box may write."""
    folders = [bind.source for bind in box.binds if bind.writable]
    if box.overlay is not None and box.overlay.writable:
        folders.append(box.overlay.upper)
    return folders


def in_memory(box: Box) -> list[str]:
    """Its folders in memory, by their path inside."""
    at_home = any(bind.target == view.HOME for bind in box.binds)
    return [*view.MEMORY, *([] if at_home else [view.HOME])]
