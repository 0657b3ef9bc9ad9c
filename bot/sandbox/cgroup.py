"""Control groups: where the kernel itself keeps a process tree to its memory, processes and processors.

A group is made for each sandbox, below the one that the bot is in, and the launcher enters it before anything of a
stranger runs. Version 1 takes the superuser; version 2 takes a group that was delegated to us (systemd: `Delegate=yes`)
or the superuser. What cannot be had is not held by anything here: `Groups.controllers` says what is.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.box import Limits
from bot.sandbox.capability import CONTROLLERS, Groups
from bot.sandbox.running import LOOK_SECONDS, Ending, Excess
from bot.words.excess import too_much_memory

_PREFIX = "issuewright-"
_OWN = "issuewright"
"""Version 2: the group that the bot itself moves to, because one that has children may hold no processes."""
_OUR_PROCESSES = 8
"""The launcher and bubblewrap count, too."""
_PERIOD = 100_000
_NEVER_ENDING_S = 2.0


def make(groups: Groups, limits: Limits) -> "Group":
    """A new group that keeps to these limits. Raises OSError."""
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
    group = Group(groups, tuple(dict.fromkeys(folder / name for folder in groups.folders.values())), limits)
    try:
        for folder in group.folders:
            folder.mkdir()
        for controller in groups.controllers:
            for file, value in _values(groups.version, controller, limits):
                _write(groups.folders[controller] / name / file, value)
    except OSError:
        group.remove()
        raise
    return group


def sweep(groups: Groups) -> None:
    """Remove the empty groups of bots that are gone."""
    for folder in set(groups.folders.values()):
        for left in folder.glob(f"{_PREFIX}*-*"):
            pid = left.name.removeprefix(_PREFIX).partition("-")[0]
            if pid.isdigit() and not Path("/proc", pid).exists():
                with contextlib.suppress(OSError):
                    left.rmdir()


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one sandbox. Implements `Watch`: the kernel kills a single process, we the rest of the tree."""

    groups: Groups
    folders: tuple[Path, ...]
    limits: Limits

    @property
    def entrances(self) -> tuple[Path, ...]:
        """A process that writes `0` to each of them is in the group."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)

    async def exceeded(self) -> Excess:
        """Until the kernel killed a process of it for want of memory."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if excess := self.killed():
                return excess

    async def last_look(self) -> Excess | None:
        """When its tree is dead; the group goes."""
        excess = self.killed()
        await asyncio.to_thread(self.remove)
        return excess

    def killed(self) -> Excess | None:
        """Did the kernel kill a process of it?"""
        place = self.groups.folders.get("memory")
        if place is None:
            return None
        memory = place / self.folders[0].name
        old = self.groups.version == 1
        told = _read(memory / ("memory.oom_control" if old else "memory.events"))
        if int(dict(_pairs(told)).get("oom_kill", 0)) == 0:
            return None
        most = _read(memory / ("memory.max_usage_in_bytes" if old else "memory.peak")).strip()
        seen = int(most) if most.isdigit() else self.limits.memory_bytes
        return Excess(Ending.MEMORY_LIMIT, too_much_memory(seen, self.limits.memory_bytes))

    def remove(self) -> None:
        """The kernel lets go of the last process a moment after we are told of its end."""
        give_up_at = time.monotonic() + _NEVER_ENDING_S
        for folder in self.folders:
            while _is_busy(folder) and time.monotonic() < give_up_at:
                time.sleep(0.01)


def find(proc: Path = Path("/proc/self")) -> Groups:
    """What this process may make of groups, found out by making one."""
    mounts, own = list(_mounts(_read(proc / "mountinfo"))), dict(_memberships(_read(proc / "cgroup")))
    old = {name: folder for name in CONTROLLERS if (folder := _place(mounts, own, name)) and _works(1, name, folder)}
    new = _unified(mounts, own)
    found = Groups(2, dict.fromkeys(new[1], new[0])) if new and "memory" in new[1] else Groups(1 if old else 0, old)
    sweep(found)
    return found


def _values(version: int, controller: str, limits: Limits) -> Iterator[tuple[str, str]]:
    """Files of the kernel and what to write there."""
    match controller:
        case "memory" if version == 1:
            yield "memory.limit_in_bytes", str(limits.memory_bytes)
            yield "?memory.memsw.limit_in_bytes", str(limits.memory_bytes)
        case "memory":
            yield "memory.max", str(limits.memory_bytes)
            yield "?memory.swap.max", "0"
            yield "memory.oom.group", "1"
        case "pids":
            yield "pids.max", str(limits.processes + _OUR_PROCESSES)
        case "cpu" if limits.cpus is not None:
            quota = max(int(limits.cpus * _PERIOD), 1000)
            yield ("cpu.cfs_quota_us", str(quota)) if version == 1 else ("cpu.max", f"{quota} {_PERIOD}")
        case _:
            pass


def _write(file: Path, value: str) -> None:
    """A file whose name begins with `?` need not be there."""
    optional = file.name.startswith("?")
    file = file.with_name(file.name.removeprefix("?"))
    if optional and not file.exists():
        return
    file.write_text(value)


def _works(version: int, controller: str, folder: Path) -> bool:
    try:
        make(Groups(version, {controller: folder}), Limits(cpus=1)).remove()
    except OSError:
        return False
    return True


def _unified(mounts: Iterable["_Mount"], own: Mapping[str, str]) -> tuple[Path, list[str]] | None:
    """The folder of version 2 below which groups are made, and its controllers."""
    mount = next((mount for mount in mounts if mount.kind == "cgroup2"), None)
    if mount is None or "" not in own:
        return None
    base = mount.folder_of(own[""])
    if base.name == _OWN:
        base = base.parent
    wanted = [name for name in CONTROLLERS if name in _read(base / "cgroup.controllers").split()]
    with contextlib.suppress(OSError):
        if wanted and not set(wanted) <= set(_read(base / "cgroup.subtree_control").split()):
            (base / _OWN).mkdir(exist_ok=True)
            (base / _OWN / "cgroup.procs").write_text("0")
            (base / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    return base, [name for name in wanted if _works(2, name, base)]


@dataclass(frozen=True, slots=True)
class _Mount:
    root: str
    target: Path
    kind: str
    options: tuple[str, ...]

    def folder_of(self, group: str) -> Path:
        """Where a group is seen; a container may see a part of the tree only."""
        inner = group.removeprefix(self.root) if group.startswith(self.root) else "/"
        return self.target / inner.strip("/")


def _mounts(text: str) -> Iterator[_Mount]:
    """proc(5): fields, a dash, then the type and what is its own."""
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, own = left.split(), right.split()
        if own and own[0] in ("cgroup", "cgroup2"):
            yield _Mount(fields[3], Path(fields[4]), own[0], tuple(own[-1].split(",")))


def _memberships(text: str) -> Iterator[tuple[str, str]]:
    """Controller and our group; version 2 has no controller's name."""
    for line in text.splitlines():
        _, names, group = line.split(":", 2)
        yield from ((name, group) for name in names.split(","))


def _place(mounts: Iterable[_Mount], own: Mapping[str, str], controller: str) -> Path | None:
    mount = next((mount for mount in mounts if mount.kind == "cgroup" and controller in mount.options), None)
    return mount.folder_of(own[controller]) if mount and controller in own else None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        yield name, value


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _is_busy(folder: Path) -> bool:
    """Try to remove it; True if there are processes in it."""
    try:
        folder.rmdir()
    except OSError as error:
        return error.errno == errno.EBUSY
    return False
