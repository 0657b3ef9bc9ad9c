"""What can be seen of running processes from outside, by the kernel's own books: nothing of theirs is opened."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SECTOR = 512
"""The unit of `st_blocks`."""


def descendants(first: int) -> list[int]:
    """A process and all below it. In a process namespace that is everybody: orphans go to its first process."""
    found = [first]
    for pid in found:
        found += _children(pid)
    return found


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory, an upper bound that is cheap: what processes share counts for each."""
    return sum(_resident(pid) for pid in pids)


def private(pids: Iterable[int]) -> int:
    """Bytes of memory without files: what processes share counts once. It costs the kernel a walk over all pages."""
    return sum(_private(pid) for pid in pids)


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Bytes in open files that no folder names any more."""

    memory: int = 0
    disk: int = 0


def unnamed(pids: Iterable[int], devices: Iterable[int] = ()) -> Unnamed:
    """Of these processes: files in memory that never had a name, and deleted ones on these devices."""
    memory: dict[tuple[int, int], int] = {}
    disk: dict[tuple[int, int], int] = {}
    for link in _descriptors(pids):
        with contextlib.suppress(OSError):
            seen = os.stat(link)
            if seen.st_nlink or not stat.S_ISREG(seen.st_mode):
                continue
            key, size = (seen.st_dev, seen.st_ino), seen.st_blocks * _SECTOR
            if seen.st_dev in devices:
                disk[key] = size
            elif os.readlink(link).startswith("/memfd:"):
                memory[key] = size
    return Unnamed(sum(memory.values()), sum(disk.values()))


def _children(pid: int) -> Iterator[int]:
    """Of all its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        yield from map(int, _read(f"/proc/{pid}/task/{thread}/children").split())


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def _private(pid: int) -> int:
    """Anonymous pages; in kB. Without the right to look, all that is resident."""
    told = _read(f"/proc/{pid}/smaps_rollup")
    for line in told.splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _descriptors(pids: Iterable[int]) -> Iterator[str]:
    for pid in pids:
        with contextlib.suppress(OSError):
            yield from (f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))


def _read(path: str) -> str:
    """Empty when the process is gone, or is none of ours to look at."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
