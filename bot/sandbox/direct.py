"""Start a command without bubblewrap: the paths of a box become paths of the host, and its tree is found by a mark.

Only for programs that we wrote, or where the operator insists. Killing is best effort: a process that leaves the
session *and* rewrites its environment is not found; that takes a process namespace.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.box import Box
from bot.sandbox.child import Child
from bot.sandbox.view import HOME, Furniture, environment

_MARK = "SANDBOX_RUN"


def host_path(box: Box, inside: str) -> str:
    """The path on the host of a path inside; unchanged when no bind of the box covers it."""
    covering = [bind for bind in box.binds if inside == bind.target or inside.startswith(bind.target.rstrip("/") + "/")]
    if not covering:
        return inside
    nearest = max(covering, key=lambda bind: len(bind.target))
    return str(nearest.source) + inside[len(nearest.target) :]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a direct process gets in place of a world of its own; the scratch folder goes with it."""

    mark: str
    scratch: Path
    cwd: str
    env: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, box: Box, furniture: Furniture) -> "Surroundings":
        mark, scratch = secrets.token_hex(16), Path(tempfile.mkdtemp(prefix="sandbox-"))
        (scratch / "home").mkdir()
        env = {name: host_path(box, value) for name, value in {**environment(furniture), **box.env}.items()}
        if env["HOME"] == HOME:
            env["HOME"] = str(scratch / "home")
        return cls(mark, scratch, host_path(box, box.cwd), {**env, "TMPDIR": str(scratch), _MARK: mark})

    def drop(self) -> None:
        """Remove the scratch folder."""
        shutil.rmtree(self.scratch, ignore_errors=True)


_LOOKS = 3
"""Clean ones in a row: in the middle of an exec a process has no environment to be seen, and no mark."""


class Marked:
    """A process, its session, and everything that carries its mark in the environment."""

    def __init__(self, child: Child, surroundings: Surroundings) -> None:
        self._child = child
        self._surroundings = surroundings
        self._killed = False

    def kill(self) -> None:
        self._killed = True
        self._sweep()

    def pids(self) -> list[int]:
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    async def gone(self) -> int | None:
        code = await self._child.exited()
        clean = 0
        while clean < _LOOKS:  # the kernel tells nobody when the last of them is gone
            clean = 0 if self._sweep() else clean + 1
            await asyncio.sleep(0.01)
        await asyncio.to_thread(self._surroundings.drop)
        return None if self._killed else (128 - code if code < 0 else code)

    def _sweep(self) -> bool:
        """Kill what is left; True if there was something."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.process.pid, signal.SIGKILL)
        left = self.pids()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(left)

    def _is_ours(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"{_MARK}={self._surroundings.mark}".encode() in environ.split(b"\0")
