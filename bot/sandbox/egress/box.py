"""Furnish a box with a way out: the folder of the socket, the relay, and the words before its commands."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.sandbox.box import Bind, Box

_RELAY = Path(__file__).with_name("relay.py")
_PROGRAM = "/opt/egress/{name}.py"
_FOLDER = "/run/egress/{name}"
SOCKET = "out.sock"


def furnished(box: Box, name: str, folder: Path, port: int, env: Mapping[str, str]) -> Box:
    """The box with the socket in `folder` behind 127.0.0.1:`port`, for every command that is started in it."""
    program, shown = _PROGRAM.format(name=name), _FOLDER.format(name=name)
    words = (str(Path(sys.executable).resolve()), "-IS", program, f"{port}={shown}/{SOCKET}", "--")
    return box.with_binds(Bind(folder, shown), Bind(_RELAY, program)).with_env(**env).with_first(*words)


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder to be shown inside, in one that only we may enter. Paths of sockets have about a hundred bytes at most,
    so it lies with the temporary files."""
    with tempfile.TemporaryDirectory(prefix="egress-") as outer:
        folder = Path(outer, "shown")
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        yield folder
