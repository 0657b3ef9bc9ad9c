"""What a sandboxed process sees of the machine, and how much of it it may use: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of the host, shown at `target` inside."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """Sealed folders, shown as one at `target`; what is written goes to `room`. Needs SandboxLevel.OVERLAY.

    One sandbox at a time may show a room (the kernel does not define what happens with two): `Sandbox` waits for the
    one before, and refuses after a while.
    """

    sealed: tuple[Path, ...]
    """Bottom first. They belong to the bot, and nobody changes them while they are shown."""
    room: Path
    """The bot's folder for one overlay, made by `Sandbox.make_room`."""
    target: str
    writable: bool = True

    @property
    def upper(self) -> Path:
        """What was written. Nothing of ours reads it."""
        return self.room / "up"

    @property
    def work(self) -> Path:
        """The kernel's own."""
        return self.room / "work"

    @property
    def lock(self) -> Path:
        """Held by the sandbox that shows the room."""
        return self.room / "lock"


@dataclass(frozen=True, slots=True)
class Box:
    """The world of one process: nothing else of the host is there, and no network."""

    binds: tuple[Bind, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the allowlisted base environment (PATH, HOME, TMPDIR, LANG, USER)."""
    tenant: int = 0
    """Whose it is: the number of a task, 0 for the bot's own. Each tenant has a uid of its own on the host."""
    overlay: Overlay | None = None
    before: tuple[str, ...] = ()
    """Words before every command: programs inside that prepare something and then become the command."""

    def with_binds(self, *binds: Bind) -> "Box":
        return replace(self, binds=(*self.binds, *binds))

    def with_env(self, **env: str) -> "Box":
        return replace(self, env={**self.env, **env})

    def with_first(self, *words: str) -> "Box":
        """These words come first of all."""
        return replace(self, before=(*words, *self.before))


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one process tree."""

    seconds: float = 600.0
    output_bytes: int = 8 << 20
    """Output above this ends the process."""
    processes: int = 512
    file_bytes: int = 2 << 30
    """Largest single file it may write."""
    memory_bytes: int = 4 * 10**9
    """With what it keeps in /tmp, /dev/shm and other folders in memory."""
    disk_bytes: int | None = 10 * 10**9
    """In all folders that it may write, together. None: nobody looks, for what clears away."""
    cpus: float | None = None
    """How many processors' time it may use; None: as much as there is."""
