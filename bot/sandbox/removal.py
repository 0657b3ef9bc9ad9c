"""Remove what processes of a sandbox have written."""

import asyncio
import contextlib
import shutil
from pathlib import Path

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox

_REMOVE = 'chmod -R u+rwX "$1" 2>/dev/null; find "$1" -mindepth 1 -delete'


async def remove(sandbox: Sandbox, folder: Path, tenant: int = 0) -> None:
    """Remove a folder that processes of the sandbox could write, whatever they did to it. No link is followed.

    The quick way fails on folders without permissions and on ones too deep for Python; then the sandbox's own user
    clears it from the inside. `tenant`: whose it is.
    """
    if await asyncio.to_thread(_removed, folder):
        return
    box = Box((Bind(folder, "/doomed", writable=True),), "/", tenant=tenant)
    argv = ["/bin/sh", "-c", _REMOVE, "remove", sandbox.path(box, "/doomed")]
    await sandbox.run(box, argv, Limits(seconds=300, disk_bytes=None), trusted=True)
    await asyncio.to_thread(shutil.rmtree, folder)


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    return not folder.exists()
