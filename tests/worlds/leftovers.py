"""Who is still alive: looks through /proc for processes that belong to a folder."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

_TELLING = ("cmdline", "environ", "mountinfo")


def processes_of(folder: Path) -> dict[int, str]:
    """Pid and command line of every process whose arguments, environment, place or mounts name this folder.

    A sandboxed process has the folder among its mounts, whoever its parent has become. Not this process itself.
    """
    mark = _in_its_file_system(folder)
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _names(entry, mark):
            found[int(entry.name)] = _read(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def sandboxed_of(folder: Path) -> dict[int, str]:
    """Those of them that live in a mount namespace of their own."""
    own = os.readlink("/proc/self/ns/mnt")
    return {pid: line for pid, line in processes_of(folder).items() if _namespace(pid) not in ("", own)}


async def gone(pids: set[int], folder: Path, seconds: float) -> float:
    """Wait until none of these processes lives; returns how long it took. Fails after `seconds`."""
    began = time.monotonic()
    while left := {pid: line for pid, line in processes_of(folder).items() if pid in pids}:
        assert time.monotonic() - began < seconds, f"still alive after {seconds} s: {left}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def nothing_left(folder: Path, seconds: float) -> None:
    """Wait until no process belongs to this folder. Fails after `seconds`."""
    began = time.monotonic()
    while left := processes_of(folder):
        assert time.monotonic() - began < seconds, f"left over: {left}"
        await asyncio.sleep(0.01)


def _in_its_file_system(folder: Path) -> str:
    """How a mount of the folder is told: from the root of its file system."""
    mount = next(parent for parent in folder.parents if parent.is_mount())
    return f"/{folder.relative_to(mount)}"


def _names(entry: Path, mark: str) -> bool:
    if any(mark.encode() in _read(entry / told) for told in _TELLING):
        return True
    with suppress(OSError):
        return mark in os.readlink(entry / "cwd")
    return False


def _namespace(pid: int) -> str:
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/mnt")
    return ""


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
