"""Who has a database open, without asking for its lock: asking could keep a server from starting."""

from pathlib import Path


def holder(database: Path, table: Path = Path("/proc/locks")) -> int | None:
    """Pid of the process that holds the lock of `bot.store.lock`; None: nobody, or it cannot be told here.

    The kernel's table of locks names inodes (proc_locks(5)); the lock file names the process.
    """
    path = database.with_name(database.name + ".lock")
    try:
        inode = str(path.stat().st_ino)
        locks = [line.split() for line in table.read_text().splitlines()]
        pid = path.read_text().strip()
    except OSError:
        return None
    held = any(len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode for words in locks)
    return int(pid) if held and pid.isdecimal() else None
