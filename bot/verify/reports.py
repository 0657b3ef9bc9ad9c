"""Take the test reports out of `$REPORTS`: regular files alone, read inside the sandbox, in bounded number and size."""

import io
import tarfile

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending

FILES = 500
BYTES = 64 << 20
"""All reports of one check."""

_TAKE = """cd "$1" || exit 9
chmod -R u+rwX . 2>/dev/null
find . -type f -size -65537k -print0 2>/dev/null | head -z -n "$2" |
  tar --null --no-recursion -T - -cf - 2>/dev/null
find . -mindepth 1 -delete 2>/dev/null
"""


async def take(sandbox: Sandbox, box: Box) -> dict[str, bytes] | None:
    """Every report by name; the folder is empty afterwards, for the next check. None: more than may be read.

    What a check left behind is hostile: no link is followed, nothing is opened outside the sandbox, and what comes
    out is a stream of bytes.
    """
    inside = box.env.get("REPORTS", "")
    folder = next((bind for bind in box.binds if bind.target == inside), None)
    if folder is None:
        return {}
    world = Box((Bind(folder.source, inside, writable=True),), "/", tenant=box.tenant)
    argv = ["/bin/sh", "-c", _TAKE, "reports", sandbox.path(world, inside), str(FILES)]
    stream = bytearray()
    limits = Limits(seconds=120, output_bytes=BYTES + (4 << 20))
    finished = await sandbox.run(world, argv, limits, on_output=stream.extend, trusted=True)
    if finished.ending is not Ending.EXITED:
        return None
    return unpacked(bytes(stream))


def unpacked(stream: bytes) -> dict[str, bytes] | None:
    """The regular files of a tar archive; None when it is none."""
    if not stream:
        return {}
    try:
        with tarfile.open(fileobj=io.BytesIO(stream), mode="r:") as archive:
            found = {}
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    found[member.name.removeprefix("./")] = content.read(BYTES)
            return found
    except (tarfile.TarError, ValueError, OSError):
        return None
