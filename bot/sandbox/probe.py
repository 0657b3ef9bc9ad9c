"""Find out what this machine can do, by really starting bubblewrap with the flags that are used later."""

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from bot.sandbox import cgroup, contained, view
from bot.sandbox.box import Bind, Box, Limits, Overlay
from bot.sandbox.capability import Capability, Mode
from bot.task.results import SandboxLevel

_SECONDS = 20
_INSIDE = (
    'test "$(id -u)" -ne 0 && test ! -e /sys && test "$(ls /proc | grep -c "^[0-9]")" -lt 10'
    ' && { test ! -e /probe || { echo more >> /probe/file && test "$(cat /probe/file)" = more; }; }'
    " && touch /task/written"
)
_MENDS = (
    (
        "Can't mount proc",
        "This container masks /proc: start it with --security-opt systempaths=unconfined, or use a VM.",
    ),
    (
        "new mount namespace",
        "The superuser of this container may not mount: run the bot as an ordinary user, or use a VM.",
    ),
    (
        "amespace",
        "Allow unprivileged user namespaces: Docker needs --security-opt seccomp=unconfined, Ubuntu 24.04 needs"
        " kernel.apparmor_restrict_unprivileged_userns=0 or a profile.",
    ),
)


def probe(mode: Mode, place: Path | None = None) -> Capability:
    """What contains and limits a process here. Blocks for a tenth of a second; call it once, on the main thread.

    `place` is where worktrees will lie: not every file system can be overlaid.
    """
    return replace(_contained(mode, place), groups=cgroup.find())


def _contained(mode: Mode, place: Path | None) -> Capability:
    if mode == "external":
        return Capability(
            SandboxLevel.EXTERNAL, "The operator says that this container is the boundary.", insisted=True
        )
    if mode == "none":
        return Capability(SandboxLevel.NONE, "The operator runs agents without a boundary.", insisted=True)
    with tempfile.TemporaryDirectory(prefix="probe-", dir=place) as folder:
        if (why := _try(Path(folder, "overlay"), overlay=True)) == "":
            return Capability(SandboxLevel.OVERLAY, "bubblewrap with all namespaces; overlays work.")
        complaint = _try(Path(folder, "plain"), overlay=False)
    if complaint == "":
        return Capability(SandboxLevel.CHECKOUT, f"bubblewrap with all namespaces; no overlays ({why}).")
    mend = next((mend for words, mend in _MENDS if words in complaint), "See the message of bubblewrap.")
    return Capability(SandboxLevel.NONE, f"Processes cannot be contained here: {complaint}.", mend)


def _try(folder: Path, *, overlay: bool) -> str:
    """Start one command in a box; the complaint, or an empty string."""
    uids = view.Uids.here()
    try:
        for name in ("", "low", "room", "room/up", "room/work"):
            (folder / name).mkdir()
            if uids is not None and name != "low":
                os.chown(folder / name, uids.of(0), uids.of(0))
        (folder / "low" / "file").touch(mode=0o600)
        shown = Overlay((folder / "low",), folder / "room", "/probe") if overlay else None
        return _start(Box((Bind(folder, "/task", writable=True),), "/task", overlay=shown), uids)
    except (ImportError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:  # no wheel, no binary in it
        return str(error)


def _start(box: Box, uids: view.Uids | None) -> str:
    place = contained.Place(view.Furniture((), ("/usr/bin", "/bin")), uids)
    plan = contained.plan(place, box, ["/bin/sh", "-c", _INSIDE], Limits())
    plan.wires.question.send(b"\n")  # yes, go on
    try:
        ended = subprocess.run(
            plan.argv, env={}, pass_fds=plan.descriptors, capture_output=True, timeout=_SECONDS, start_new_session=True
        )
    finally:
        plan.close()
        plan.wires.close_ours()
    if ended.returncode == 0 and (box.binds[0].source / "written").exists():
        return ""
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"the probe ended with {ended.returncode}"
