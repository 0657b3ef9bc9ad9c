"""How a command is started under bubblewrap: one command line, its descriptors, and the wires to its beginning."""

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import view
from bot.sandbox.box import Box, Limits

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_BEGIN = (
    'echo >&9; read -r go <&9 || exit 125; exec 7<&- 8<&- 9<&-; ulimit -p "$0" 2>/dev/null || ulimit -u "$0"; exec "$@"'
)
"""The first program inside: it asks whether to go on, then becomes the command.

The limit on processes is set here, because here it counts this sandbox only (Linux 5.14 and later). dash says -p, bash
says -u.
"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the launcher itself sets: `data_bytes` (0: none) of one process, and control groups to enter.

    Memory of one process is bounded by what it may write to and does not share. Address space would be the wrong
    measure: Node, Go and the JVM reserve much of it and use little.
    """

    file_bytes: int
    data_bytes: int = 0
    entrances: Sequence[Path] = ()

    @property
    def words(self) -> list[str]:
        """As the launcher reads them."""
        return [f"{self.file_bytes}:{self.data_bytes}", "\n".join(map(str, self.entrances))]


def launch(
    bounds: Bounds, command: Sequence[str], *, kept: str = "", uid: int | None = None, sources: Sequence[str] = ()
) -> list[str]:
    """The launcher's argv, see launcher.py. `uid` None: stay who we are, and stage nothing."""
    words = [str(os.getpid()), *bounds.words, kept, str(uid or 0), view.STAGE, str(len(sources))]
    return [sys.executable, "-IS", _LAUNCHER, *words, *sources, *command]


@dataclass(frozen=True, slots=True)
class Wires:
    """Wires to a beginning sandbox: what bubblewrap reports, the question of the first program inside, and our life.

    Death with the parent has a gap: bubblewrap passes it on only when the inside is set up, and whoever dies before
    leaves it running. So the first program asks on a socket before it becomes the command; if nobody answers, it ends.
    And the reading end of the report goes along (closed before the command starts), so that bubblewrap can finish the
    set-up and the question can be asked even when we are dead.

    Whoever dies between bubblewrap's fork and its word to the child (go on, your uid map may be written) would leave
    that child waiting for ever. So only we have `life`; a process beside bubblewrap kills them all when it closes too
    early (launcher.py). It ends when the first program inside closes its descriptors, and with it the other end.
    """

    report: int
    question: socket.socket
    life: socket.socket
    reporting: int
    asking: int
    living: int

    @classmethod
    def new(cls) -> "Wires":
        report, reporting = (view.high(fd) for fd in os.pipe())
        ours, theirs = socket.socketpair()
        life, living = socket.socketpair()
        return cls(report, ours, life, reporting, view.high(theirs.detach()), view.high(living.detach()))

    @property
    def kept(self) -> str:
        """For the launcher."""
        return f"{self.living}:7,{self.report}:8,{self.asking}:9"

    def close_theirs(self) -> None:
        for fd in (self.reporting, self.asking, self.living):
            os.close(fd)

    def close_ours(self) -> None:
        os.close(self.report)
        self.life.close()
        self.question.close()


@dataclass(frozen=True, slots=True)
class Plan:
    """An argv, and the open descriptors that it names; `close` after the start."""

    argv: list[str]
    wires: Wires
    files: tuple[int, ...]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the new process inherits."""
        return (*self.files, self.wires.report, self.wires.reporting, self.wires.asking, self.wires.living)

    def close(self) -> None:
        """Our copies of what only the process needs."""
        self.wires.close_theirs()
        for fd in self.files:
            os.close(fd)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sandbox is started from: its furniture, and who runs inside when the bot is the superuser."""

    furniture: view.Furniture
    uids: view.Uids | None
    bounds: Bounds | None = None
    """None: those of the limits alone."""

    def uid(self, tenant: int) -> int | None:
        """Of this tenant on the host; None: who we are."""
        return None if self.uids is None else self.uids.of(tenant)


@dataclass(frozen=True, slots=True)
class _Staging:
    """What the launcher is to show, and the paths under which bubblewrap then finds it all."""

    sources: tuple[str, ...]
    program: str
    shown: view.Shown


def plan(
    place: Place, box: Box, argv: Sequence[str], limits: Limits, *, lock: int | None = None, extra: Sequence[str] = ()
) -> Plan:
    """How `argv` is started in this box.

    `lock` is an open descriptor that lives as long as the sandbox; `extra` are further arguments for bubblewrap.
    """
    staging = _staged(box, place) if place.uids is not None else _in_place(box, place)
    wires, data = Wires.new(), view.etc_files()
    env = {**view.environment(place.furniture), **box.env}
    words = ["--json-status-fd", str(wires.reporting), *extra, *view.arguments(box, staging.shown, env, data)]
    held = () if lock is None else (lock,)
    for fd in held:
        words = ["--sync-fd", str(fd), *words]
    args = view.in_memory(b"\0".join(word.encode() for word in words))
    begin = ["/bin/sh", "-c", _BEGIN, str(limits.processes), *box.before, *argv]
    command = [staging.program, "--args", str(args), "--", *begin]
    bounds = place.bounds or Bounds(limits.file_bytes)
    launched = launch(bounds, command, kept=wires.kept, uid=place.uid(box.tenant), sources=staging.sources)
    return Plan(launched, wires, (*data.values(), args, *held))


def _in_place(box: Box, place: Place) -> _Staging:
    """Everything is where it is."""
    binds = tuple((bind, str(bind.source)) for bind in view.binds(box, place.furniture))
    sealed, room = (map(str, box.overlay.sealed), str(box.overlay.room)) if box.overlay else ((), "")
    site, bwrap = view.program()
    return _Staging((), str(site / bwrap), view.Shown(binds, tuple(sealed), room))


def _staged(box: Box, place: Place) -> _Staging:
    """Everything is shown by the launcher, by its position."""
    site, bwrap = view.program()
    sources = [str(site)]

    def stage(source: object, how: str = "") -> str:
        sources.append(f"{how}{source}")
        return view.staged(len(sources) - 1)

    binds = tuple((bind, stage(bind.source)) for bind in view.binds(box, place.furniture))
    overlay = box.overlay
    sealed = tuple(stage(layer, view.SEALED) for layer in overlay.sealed) if overlay else ()
    room = stage(overlay.room) if overlay else ""
    return _Staging(tuple(sources), f"{view.staged(0)}/{bwrap}", view.Shown(binds, sealed, room))
