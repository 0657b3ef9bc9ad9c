"""The machine: Python, git, the data folder."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.doctor.finding import Finding, bad, ok, warn

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 32)
"""The first that takes configuration from the environment and can be told to read no other (GIT_CONFIG_GLOBAL)."""
LITTLE_BYTES = 2 << 30
"""Less free space than this is worth a word: a mirror and a few worktrees may need it."""


def python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """The Python that runs us."""
    if version < OLDEST_PYTHON:
        return bad(f"Python {version[0]}.{version[1]} is too old.", "Install Python 3.11 or later.")
    return ok(f"Python {platform.python_version()}")


def git() -> Iterator[Finding]:
    """The git that fetches and pushes, outside any sandbox."""
    mend = f"Install git {'.'.join(map(str, OLDEST_GIT))} or later."
    try:
        told = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        yield bad("There is no git on the PATH.", mend)
        return
    found = re.search(r"(\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
        yield bad(f"`git --version` says {told.strip()!r}: too old.", mend)
    else:
        yield ok(told.strip())


def data_folder(folder: Path) -> Iterator[Finding]:
    """Database, mirrors and worktrees lie there: nobody else may enter."""
    name = "ISSUEWRIGHT_DATA_DIR"
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        yield bad(f"{name}: {nearest} is no folder.", f"Set {name} to a folder.")
        return
    if nearest != folder:
        if os.access(nearest, os.W_OK | os.X_OK):
            yield ok(f"The data folder {folder} is made at the first start.")
        else:
            yield bad(f"{name}: {folder} cannot be made in {nearest}.", f"Make it, and give it to uid {os.geteuid()}.")
        return
    yield _ownership(folder)
    free = shutil.disk_usage(folder).free
    if free < LITTLE_BYTES:
        yield warn(f"{free >> 20} MiB are free in {folder}.", "Make room, or move the data folder to a larger disk.")


def _ownership(folder: Path) -> Finding:
    state, me = folder.stat(), os.geteuid()
    if state.st_uid != me:
        return bad(f"The data folder {folder} belongs to uid {state.st_uid}, not {me}.", f"chown -R {me} {folder}")
    if state.st_mode & 0o077:
        mode = f"{state.st_mode & 0o777:o}"
        return warn(f"Others may enter the data folder {folder} (mode {mode}).", f"chmod 700 {folder}")
    return ok(f"Data folder {folder}")
