"""Push one commit by its id, from a quarantine, to one branch that must be where we think it is."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.task.ids import BranchName, CommitSha
from bot.workspace.errors import RemoteUnavailable
from bot.workspace.git import attempt
from bot.workspace.rejected import reason
from bot.workspace.remote import heads, one_line
from bot.workspace.values import BranchMoved, Pushed, PushRefused, Remote

_NOT_LET_IN = ("authentication failed", "error: 401", "could not read username", "invalid username or")
_NOT_ALLOWED = ("error: 403", "permission to")


async def push(
    quarantine: Path,
    remote: Remote,
    commit: CommitSha,
    branch: BranchName,
    expected: CommitSha | None,
    fence: Callable[[], Awaitable[None]],
) -> Pushed | BranchMoved | PushRefused:
    """The remote branch is at `commit`; it was at `expected` before. Raises RemoteUnavailable.

    `fence` is called last before something is sent, and raises when it may not be.
    """
    ref = f"refs/heads/{branch}"
    if (known := await _look(quarantine, remote, ref, commit, expected)) is not None:
        return known
    lease = f"--force-with-lease={ref}:{expected or ''}"
    flags = ("--porcelain", "--no-verify", "--no-recurse-submodules", "--no-signed", lease)
    await fence()
    done = await attempt(quarantine, "push", *flags, "--", remote.url, f"{commit}:{ref}", remote=remote)
    if done.code == 0:
        return Pushed()
    verdict = next((line for line in done.out.decode(errors="replace").splitlines() if line.startswith("!")), "")
    complaint = done.complaint.lower()
    if verdict:
        # Lost a race, or not wanted: the branch itself tells which.
        moved = await _look(quarantine, remote, ref, commit, expected)
        return moved or PushRefused(reason(verdict, done.complaint))
    if any(words in complaint for words in _NOT_ALLOWED) and not any(words in complaint for words in _NOT_LET_IN):
        return PushRefused(one_line(done.complaint))
    raise RemoteUnavailable(one_line(done.complaint))


async def _look(
    quarantine: Path, remote: Remote, ref: str, commit: CommitSha, expected: CommitSha | None
) -> Pushed | BranchMoved | None:
    """What the remote branch already says; None: it is where we expect it."""
    actual = (await heads(quarantine, remote, ref)).get(ref)
    if actual == commit:
        return Pushed()
    return None if actual == expected else BranchMoved(actual)
