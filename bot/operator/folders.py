"""Which folders of this machine a sandbox may show: existing, readable inside, and without anything of the bot's."""

import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.settings import PREFIX, Settings, SettingsError

_WHOLE = ("/", "/boot", "/home", "/mnt", "/root", "/run", "/srv", "/tmp", "/var")  # noqa: S108 - refused
"""Too much to be shown; folders in them may be."""
_NEVER = ("/dev", "/etc", "/proc", "/sys")
"""Not to be shown, nor anything in them: the sandbox has its own."""


@dataclass(frozen=True, slots=True)
class Private:
    """What no sandbox may see."""

    places: tuple[tuple[str, Path], ...]
    """What it is, and where."""

    @classmethod
    def of(cls, settings: Settings, file: Path, more: Sequence[tuple[str, Path]] = ()) -> "Private":
        """Of these settings; `file` is the operator's, `more` are further files with keys."""
        places = [(f"{PREFIX}DATA_DIR", settings.data_dir), ("the operator's file", file), *more]
        if settings.github_private_key_file is not None:
            places.append((f"{PREFIX}GITHUB_PRIVATE_KEY_FILE", settings.github_private_key_file))
        return cls(tuple((what, place.resolve()) for what, place in places))

    def folders(self, setting: str, names: Sequence[str]) -> tuple[Path, ...]:
        """These folders, if all of them may be shown. Raises SettingsError, which names setting and folder."""
        for name in names:
            if why := self._complaint(Path(name)):
                raise SettingsError(f"`{setting}`: {name} {why}.")
        return tuple(Path(os.path.normpath(name)) for name in names)

    def _complaint(self, folder: Path) -> str:
        if not folder.is_absolute():
            return "is not absolute"
        if not folder.is_dir():
            return "is no folder" if folder.exists() else "is not there"
        for shown in {Path(os.path.normpath(folder)), folder.resolve()}:
            if why := self._too_much(shown):
                return why
        if _readable(folder):
            return ""
        return "cannot be read inside the sandbox: let others read and enter it (chmod o+rx)"

    def _too_much(self, folder: Path) -> str:
        if str(folder) in _WHOLE or folder in _homes():
            return "is too much to be shown to agents: name the folders in it that they need"
        if any(folder.is_relative_to(never) for never in _NEVER):
            return "may not be shown: the sandbox has its own"
        for what, place in self.places:
            if place.is_relative_to(folder) or (place.is_dir() and folder.is_relative_to(place)):
                return f"may not be shown: it holds {what} or lies in it"
        return ""


def path_entries(setting: str, names: Sequence[str], folders: Iterable[Path]) -> tuple[str, ...]:
    """Entries for the PATH inside: folders that are shown there. Raises SettingsError."""
    shown = (*folders, Path("/usr"))
    for name in names:
        entry = Path(os.path.normpath(name))
        if not entry.is_absolute() or not entry.is_dir():
            raise SettingsError(f"`{setting}`: {name} is no folder with an absolute path.")
        if not any(entry.is_relative_to(folder) for folder in shown):
            raise SettingsError(f"`{setting}`: {name} lies in none of `toolchains.folders`, so no sandbox shows it.")
    return tuple(os.path.normpath(name) for name in names)


def _homes() -> set[Path]:
    """Homes hold keys and tokens."""
    return {Path(user.pw_dir) for user in pwd.getpwall() if user.pw_dir.startswith(("/home/", "/root", "/Users/"))}


def _readable(folder: Path) -> bool:
    """By whoever runs inside: another user when the bot is the superuser."""
    if os.geteuid() == 0:
        return stat.S_IMODE(folder.stat().st_mode) & 0o005 == 0o005
    return os.access(folder, os.R_OK | os.X_OK)
