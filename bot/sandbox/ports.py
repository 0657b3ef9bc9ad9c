"""Ports for programs that share the network of this machine: ranges of twenty, one for each run.

With network namespaces nobody needs this: every sandbox has all ports. Here a range is held by a lock on its file,
which the kernel lets go of when its holder dies. A range in which somebody listens (a child that outlived its run, a
stranger) is left out. Nothing is ever bound to find a free port and closed again: another would take it meanwhile.
"""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SIZE = 20
FIRST, LAST = 20_000, 32_000
"""Below the ports that Linux gives to connections."""


class NoPorts(Exception):
    """Every range is taken."""


@dataclass(frozen=True, slots=True)
class PortRanges:
    """`folder` holds the lock files, for all processes of this installation on this machine."""

    folder: Path
    first: int = FIRST
    last: int = LAST

    @contextlib.contextmanager
    def lease(self) -> Iterator[range]:
        """A range that is ours while the block runs. Raises NoPorts."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for start in range(self.first, self.last, SIZE):
            fd = os.open(self.folder / str(start), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                ports = range(start, start + SIZE)
                if _is_ours(fd) and not any(map(_is_used, ports)):
                    yield ports
                    return
            finally:
                os.close(fd)
        raise NoPorts(f"all ranges of {SIZE} ports from {self.first} to {self.last} are taken")


def environment(ports: Mapping[str, int]) -> dict[str, str]:
    """`PORT` is the first; each has a variable of its own."""
    named = {f"ISSUEWRIGHT_PORT_{name.upper()}": str(port) for name, port in ports.items()}
    return {"PORT": str(next(iter(ports.values()))), **named} if ports else {}


def _is_ours(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_used(port: int) -> bool:
    """Does anybody listen there? Asked under the lock; whoever asks does not keep the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
