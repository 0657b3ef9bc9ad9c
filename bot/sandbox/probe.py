"""Find out what this machine can do, by really starting bubblewrap with the flags that are used later."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.sandbox import contained, view
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability, Mode
from bot.sandbox.view import UID
from bot.task.results import SandboxLevel

_SECONDS = 20
_INSIDE = (
    'test "$(id -u)" -ne 0 && test ! -e /sys && test "$(ls /proc | grep -c "^[0-9]")" -lt 10 && touch /task/written'
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


def probe(mode: Mode, *, uid: int = UID) -> Capability:
    """What contains a process here. Blocks for a tenth of a second; call it once, at start, on the main thread."""
    if mode == "external":
        return Capability(
            SandboxLevel.EXTERNAL, "The operator says that this container is the boundary.", insisted=True
        )
    if mode == "none":
        return Capability(SandboxLevel.NONE, "The operator runs agents without a boundary.", insisted=True)
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        if _try(Path(folder, "overlay"), uid, overlay=True) == "":
            return Capability(SandboxLevel.OVERLAY, "bubblewrap with all namespaces; overlays work.")
        complaint = _try(Path(folder, "plain"), uid, overlay=False)
    if complaint == "":
        return Capability(SandboxLevel.CHECKOUT, "bubblewrap with all namespaces; no overlays.")
    mend = next((mend for words, mend in _MENDS if words in complaint), "See the message of bubblewrap.")
    return Capability(SandboxLevel.NONE, f"Processes cannot be contained here: {complaint}.", mend)


def _try(folder: Path, uid: int, *, overlay: bool) -> str:
    """Start one command in a box; the complaint, or an empty string."""
    superuser = os.getuid() == 0
    seen = view.staged(1) if superuser else str(folder)  # the first bind, after bubblewrap itself
    extra = ("--overlay-src", f"{seen}/low", "--overlay", f"{seen}/up", f"{seen}/work", "/probe") if overlay else ()
    try:
        for made in (folder, *(folder / name for name in ("low", "up", "work"))):
            made.mkdir()
            if superuser:
                os.chown(made, uid, uid)
        return _start(Box((Bind(folder, "/task", writable=True),), "/task"), uid if superuser else None, extra)
    except (ImportError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:  # no wheel, no binary in it
        return str(error)


def _start(box: Box, uid: int | None, extra: Sequence[str]) -> str:
    place = contained.Place(view.Furniture((), ("/usr/bin", "/bin")), uid)
    plan = contained.plan(place, box, ["/bin/sh", "-c", _INSIDE], Limits(), extra)
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
