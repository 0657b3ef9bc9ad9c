"""git on repositories that only the bot can write (mirrors, quarantines), in a hardened environment.

Nothing else of the bot starts git outside a sandbox; no repository, work tree or folder given here may be writable for
an agent (measured: a deny-list of configuration keys cannot make that safe).
"""

import asyncio
import base64
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from bot.workspace.errors import GitFailed
from bot.workspace.values import Remote

SECONDS = 900.0
"""One git command; a clone of a very large repository over a slow line takes minutes."""

_KEPT = {"PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}
_KEPT |= {name for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (proxy, proxy.upper())}
_ENVIRONMENT = {
    "HOME": "/nonexistent",  # no ~/.netrc, no credential store
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}
_OLD_MISTAKES = ("badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode")
"""Found in the history of many respectable repositories, and harmless."""
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.sharedRepository": "0644",  # readable in the sandbox, whatever our umask says
    "core.bigFileThreshold": "16m",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "protocol.allow": "never",
    "transfer.fsckObjects": "true",
    "http.followRedirects": "false",  # a redirect must not carry the token elsewhere
    "http.lowSpeedLimit": "500",
    "http.lowSpeedTime": "60",
    **{f"{verb}.fsck.{mistake}": "ignore" for verb in ("fetch", "receive") for mistake in _OLD_MISTAKES},
}


@dataclass(frozen=True, slots=True)
class Done:
    """A git command that ended."""

    code: int
    out: bytes
    complaint: str
    """stderr, as text."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a git command may use that reads what came out of a sandbox."""

    memory: int
    """Bytes of address space."""
    seconds: int
    """Of processor time."""

    @property
    def words(self) -> tuple[str, ...]:
        """Words before the command."""
        script = f'ulimit -v {self.memory >> 10} && ulimit -t {self.seconds} && exec "$@"'
        return ("sh", "-c", script, "bounded")


async def git(
    repository: Path, *words: str, stdin: IO[bytes] | bytes = b"", env: Mapping[str, str] | None = None
) -> bytes:
    """Run git on a bare repository of ours; its stdout. Raises GitFailed."""
    done = await attempt(repository, *words, stdin=stdin, env=env)
    if done.code != 0:
        raise GitFailed(" ".join(words[:2]), done.code, done.complaint.strip())
    return done.out


async def attempt(
    repository: Path,
    *words: str,
    stdin: IO[bytes] | bytes = b"",
    env: Mapping[str, str] | None = None,
    remote: Remote | None = None,
    bounds: Bounds | None = None,
) -> Done:
    """Run git and take its failure as a value. Only with `remote` it may use the network, and only that scheme.

    Raises GitFailed when the command has to be killed for its time. A cancelled call kills the command.
    """
    settings = {**_CONFIG, **(_access(remote) if remote else {})}
    whole = {**_ENVIRONMENT, **_numbered(settings), **(env or {})}
    limited = bounds.words if bounds else ()
    argv = ["env", *_forgotten(whole), *limited, "git", "--git-dir", str(repository), *words]
    with _readable(stdin) as stream:
        process = await asyncio.to_thread(_start, argv, str(repository), whole, stream)
        talking = asyncio.ensure_future(asyncio.to_thread(process.communicate, timeout=SECONDS))
        try:
            out, complaint = await asyncio.shield(talking)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise GitFailed(words[0], None, f"took longer than {SECONDS:.0f} s") from error
        except asyncio.CancelledError:
            process.kill()
            with contextlib.suppress(Exception):
                await talking
            raise
    return Done(process.returncode, out, complaint.decode(errors="replace"))


def _start(argv: Sequence[str], cwd: str, env: Mapping[str, str], stdin: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    import git as gitpython  # looks for git when it is imported, half a second: not before it is needed

    held = gitpython.Git(cwd).execute(list(argv), istream=stdin, as_process=True, env=dict(env))  # type: ignore[arg-type]
    if not isinstance(held, gitpython.Git.AutoInterrupt) or held.proc is None:
        raise TypeError("GitPython did not hand out the process")
    process: subprocess.Popen[bytes] = held.proc
    held.proc = None  # the holder would terminate it when it is collected
    return process


def _forgotten(env: Mapping[str, str]) -> list[str]:
    """GitPython hands on the bot's whole environment, its secrets included; `env -u` leaves the rest behind."""
    return [word for name in os.environ if name not in _KEPT and name not in env for word in ("-u", name)]


def _numbered(settings: Mapping[str, str]) -> dict[str, str]:
    """Configuration by environment: stronger than any file, and not to be seen in a list of processes."""
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered


def _access(remote: Remote) -> dict[str, str]:
    """The remote's own scheme is allowed; the token goes to this URL alone, as GitHub wants it from an App."""
    scheme = urlsplit(remote.url).scheme or "file"
    if scheme not in ("https", "http", "file"):
        raise GitFailed("remote", None, f"the scheme {scheme} is not supported")
    settings = {f"protocol.{scheme}.allow": "always"}
    if remote.token and scheme != "file":
        basic = base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()
        settings[f"http.{remote.url}.extraHeader"] = f"Authorization: Basic {basic}"
    return settings


@contextlib.contextmanager
def _readable(stdin: IO[bytes] | bytes) -> Iterator[IO[bytes] | None]:
    """A real file for the process to read, or none."""
    if not isinstance(stdin, bytes):
        yield stdin
    elif not stdin:
        yield None
    else:
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            yield file
