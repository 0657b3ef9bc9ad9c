"""One process per SQLite file: an flock on a file beside it, which the kernel lets go of when the process dies."""

import fcntl
import os
from pathlib import Path

from bot.store.errors import StoreLocked, StoreUnwritable


class FileLock:
    """Held from creation to `release`."""

    def __init__(self, database: Path) -> None:
        """Raises StoreLocked, naming the process that holds it, or StoreUnwritable."""
        path = database.with_name(database.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnwritable(f"Cannot write in {path.parent}: {error.strerror}.") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreLocked(f"{database} is in use by another process (pid {holder}).") from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes hold locks on different files."""
        os.close(self._fd)
