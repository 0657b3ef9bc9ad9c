"""This machine as the others know it: a data folder with an id of its own, which one process at a time uses."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.store.errors import StoreLocked, StoreUnwritable
from bot.store.lock import FileLock

NAME = "machine"


@dataclass(frozen=True, slots=True)
class Machine:
    """Held until `release`; the kernel lets go of it when the process dies."""

    id: str
    _lock: FileLock

    @classmethod
    def of(cls, folder: Path) -> "Machine":
        """Raises StoreLocked when another process works in this folder, or StoreUnwritable."""
        file = folder / NAME
        try:
            lock = FileLock(file)
        except StoreLocked as error:
            raise StoreLocked(
                f"Another process works in {folder} already: give each its own ISSUEWRIGHT_DATA_DIR ({error})"
            ) from None
        try:
            if not file.exists():
                partial = file.with_name(f"{NAME}.partial")
                partial.write_text(secrets.token_hex(8))
                partial.replace(file)
            return cls(file.read_text(), lock)
        except OSError as error:
            lock.release()
            raise StoreUnwritable(f"Cannot write in {folder}: {error.strerror}.") from error

    def release(self) -> None:
        """Another process may use the folder."""
        self._lock.release()
