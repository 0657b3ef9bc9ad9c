"""The App's credentials in one file of the data folder, for its owner alone: written whole or not at all."""

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

NAME = "github-app.json"
_UNFINISHED = f".{NAME}."
"""What a crash may leave behind begins like this."""
_MOST_BYTES = 64 * 1024
_OTHERS = 0o077
_OTHERS_WRITE = 0o022


class Credentials(BaseModel):
    """What GitHub hands out once, when an App is registered, and where that GitHub is. Secrets are never shown."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    version: Literal[1] = 1
    app_id: str = Field(pattern=r"^[1-9]\d{0,18}$")
    slug: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    api_url: str = Field(pattern=r"^https?://")
    html_url: str = Field(pattern=r"^https?://")
    private_key: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr = Field(min_length=1)

    @property
    def installing(self) -> str:
        """The page on which people choose repositories for the App."""
        return f"{self.html_url}/apps/{self.slug}/installations/new"


class Unusable(Exception):
    """The file is there and must not be used; the message is one sentence, then the mend."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend


def path_in(folder: Path) -> Path:
    """Where the file is, if it is."""
    return folder / NAME


def read(folder: Path) -> Credentials | None:
    """None: there is no file. Raises Unusable for one that somebody else may have put or changed there."""
    path = path_in(folder)
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if path.is_symlink():
            raise _not_ours(path, "is a symbolic link") from None
        raise Unusable(f"{path} cannot be read: {error.strerror}.", f"Give it to uid {os.geteuid()}.") from None
    try:
        _check(path, os.fstat(file))
        content = os.read(file, _MOST_BYTES)
    finally:
        os.close(file)
    try:
        return Credentials.model_validate_json(content)
    except ValidationError:
        mend = "Restore it from a backup, or remove it to register the App again."
        raise Unusable(f"{path} does not hold the credentials of an App.", mend) from None


def _check(path: Path, state: os.stat_result) -> None:
    """Only what we wrote ourselves, or root, and nobody else can have changed."""
    if not stat.S_ISREG(state.st_mode):
        raise _not_ours(path, "is no plain file")
    if state.st_uid not in (0, os.geteuid()):
        raise _not_ours(path, f"belongs to uid {state.st_uid}")
    if state.st_mode & _OTHERS_WRITE:
        raise _not_ours(path, f"can be changed by others (mode {stat.S_IMODE(state.st_mode):o})")


def exposed(folder: Path) -> bool:
    """May others read the file?"""
    try:
        state = path_in(folder).lstat()
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and bool(state.st_mode & _OTHERS)


def rehearse(folder: Path) -> None:
    """Can the file be written? Also removes what a crash left of it. Raises OSError."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in os.listdir(place):
            if name.startswith(_UNFINISHED):
                os.unlink(name, dir_fd=place)
        os.unlink(_written(place, b"{}"), dir_fd=place)
    finally:
        os.close(place)


def write(folder: Path, credentials: Credentials) -> None:
    """Readable by the owner alone from its first moment on. Raises FileExistsError for a second App, and OSError."""
    path = path_in(folder)
    if os.path.lexists(path):
        raise FileExistsError(f"{path} is there already")
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        unfinished = _written(place, _as_json(credentials))
        os.replace(unfinished, NAME, src_dir_fd=place, dst_dir_fd=place)  # takes the place of a link, never follows it
        os.fsync(place)
    finally:
        os.close(place)


def _written(place: int, content: bytes) -> str:
    """A new file in the folder `place`, on disk; its name."""
    name = f"{_UNFINISHED}{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(name, flags, 0o600, dir_fd=place)
    try:
        with os.fdopen(file, "wb") as out:
            os.fchmod(out.fileno(), 0o600)  # whatever the umask took away
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        os.unlink(name, dir_fd=place)
        raise
    return name


def _as_json(credentials: Credentials) -> bytes:
    plain = credentials.model_dump()
    for name, value in plain.items():
        if isinstance(value, SecretStr):
            plain[name] = value.get_secret_value()
    return json.dumps(plain, indent=1).encode()


def _not_ours(path: Path, why: str) -> Unusable:
    mend = (
        f"Look who did that; then put a plain file of mode 600 there that belongs to uid {os.geteuid()}, or remove it."
    )
    return Unusable(f"{path} {why}, so its credentials are not used.", mend)
