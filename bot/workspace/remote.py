"""What a remote has, and bringing it here: the only reads that use the network."""

from pathlib import Path

from bot.task.ids import CommitSha
from bot.workspace.errors import RemoteUnavailable
from bot.workspace.git import Done, attempt
from bot.workspace.values import Remote


def one_line(complaint: str) -> str:
    """The line of git's stderr that says most, without its prefix."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    for prefix in ("remote: error: ", "remote: ", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(prefix) and line != prefix.strip():
                return line.removeprefix(prefix)
    return lines[-1] if lines else "git gave no reason"


async def heads(repository: Path, remote: Remote, *names: str) -> dict[str, CommitSha]:
    """These branches of the remote by their full names, or all of them. Raises RemoteUnavailable."""
    done = await attempt(repository, "ls-remote", "--heads", "--", remote.url, *names, remote=remote)
    _reached(done)
    pairs = (line.split("\t") for line in done.out.decode(errors="replace").splitlines())
    return {name: CommitSha(commit) for commit, name in pairs}


async def bring(repository: Path, remote: Remote, refspec: str) -> None:
    """Fetch one refspec. Raises RemoteUnavailable."""
    flags = ("--quiet", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", "--no-recurse-submodules")
    _reached(await attempt(repository, "fetch", *flags, "--", remote.url, refspec, remote=remote))


def _reached(done: Done) -> None:
    if done.code != 0:
        raise RemoteUnavailable(one_line(done.complaint))
