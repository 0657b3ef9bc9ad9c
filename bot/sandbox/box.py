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
class Box:
    """The world of one process: nothing else of the host is there, and no network."""

    binds: tuple[Bind, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the allowlisted base environment (PATH, HOME, TMPDIR, LANG, USER)."""

    def with_binds(self, *binds: Bind) -> "Box":
        return replace(self, binds=(*self.binds, *binds))

    def with_env(self, **env: str) -> "Box":
        return replace(self, env={**self.env, **env})


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one process tree."""

    seconds: float = 600.0
    output_bytes: int = 8 << 20
    """Output above this ends the process."""
    processes: int = 512
    file_bytes: int = 2 << 30
    """Largest single file it may write."""
