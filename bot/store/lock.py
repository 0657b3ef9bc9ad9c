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
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnwritable(f"Cannot write in {path.parent}: {error.strerror}.") from error
        self._file = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with self._file:
                holder = self._file.read(32).strip() or "unknown"
            raise StoreLocked(f"{database} is in use by another process (pid {holder}).") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let go; may be called again. The file stays: without it, two processes could hold two different locks."""
        self._file.close()
