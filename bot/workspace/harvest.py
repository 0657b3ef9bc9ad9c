"""Take over what an agent left in its worktree: commit and pack inside the sandbox, judge and commit anew outside."""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO

from bot.sandbox.box import Bind, Limits
from bot.sandbox.running import Ending, Finished, Running
from bot.task.ids import CommitSha
from bot.task.results import Harvest, Harvested, HarvestRefused, NothingChanged
from bot.workspace.folders import TaskFolders, remove
from bot.workspace.ground import stores
from bot.workspace.inside import GIT_INSIDE, PACK, TASK
from bot.workspace.merge import resolved
from bot.workspace.policy import PROTECTED, Caps, clashes, violations
from bot.workspace.quarantine import Quarantine, entries_of
from bot.workspace.sealed import used_by
from bot.workspace.values import CommitMessage, Merge
from bot.workspace.worktree import Worktrees

_NAMES = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64})\n")


@dataclass(frozen=True, slots=True)
class _Packed:
    """A commit that crossed; only its tree is of interest."""

    commit: CommitSha


class Harvester:
    """Harvests worktrees within these caps."""

    def __init__(self, trees: Worktrees, caps: Caps | None = None, protected: Sequence[str] = PROTECTED) -> None:
        self._trees = trees
        self._sandbox = trees.sandbox
        self._caps = caps or Caps()
        self._protected = tuple(protected)

    async def harvest(
        self, task: TaskFolders, base: CommitSha, parent: CommitSha | Merge, message: CommitMessage
    ) -> Harvest:
        """One commit of ours on `parent` from the tree as it is now; it takes the place of a merge.

        Files that git ignores stay behind, and so does what a set-up had left there before the agent came.
        """
        if isinstance(parent, Merge):
            found = await self._harvest(task, base, parent.commit, message)
            return await resolved(Quarantine(task.quarantine), parent, base, found, message)
        return await self._harvest(task, base, parent, message)

    async def _harvest(self, task: TaskFolders, base: CommitSha, parent: CommitSha, message: CommitMessage) -> Harvest:
        quarantine = Quarantine(task.quarantine)
        await quarantine.ensure(quarantine.mirror)
        with tempfile.TemporaryFile() as pack:
            packed = await self._pack(task, quarantine, parent, pack)
            if not isinstance(packed, _Packed):
                return packed
            pack.seek(0)
            if complaint := await quarantine.admit(pack, self._caps):
                return HarvestRefused((f"git does not accept the changed files: {complaint}.",))
        traces = task.traces.read_bytes() if task.traces.exists() else b""
        return await self._judge(quarantine, packed.commit, traces, base, parent, message)

    async def _judge(  # two commits to compare with, and what is left out
        self,
        quarantine: Quarantine,
        packed: CommitSha,
        traces: bytes,
        base: CommitSha,
        parent: CommitSha,
        message: CommitMessage,
    ) -> Harvest:
        if await quarantine.commit_of(packed) is None:
            return HarvestRefused(("The sandbox did not hand over the commit that it named.",))
        tree = await quarantine.tree_of(packed)
        entries = await quarantine.entries(parent, tree)
        left = {(entry.path, entry.mode, entry.blob) for entry in entries_of(traces)}
        if undone := [entry for entry in entries if (entry.path, entry.mode, entry.blob) in left]:
            tree = await quarantine.undo(tree, undone)
            entries = await quarantine.entries(parent, tree)
        if not entries:
            return NothingChanged()
        sizes = await quarantine.sizes(entries)
        links = await quarantine.links(entries, sizes)
        found = violations(entries, sizes, links, self._caps, self._protected)
        found += clashes(entries, await quarantine.names(tree))
        if found:
            return HarvestRefused(found)
        files = await quarantine.changes(base, parent, tree)
        return Harvested(await quarantine.commit(tree, parent, message), files)

    async def _pack(
        self, task: TaskFolders, quarantine: Quarantine, parent: CommitSha, pack: IO[bytes]
    ) -> _Packed | NothingChanged | HarvestRefused:
        """Run the script in a sandbox of its own; the pack, up to the cap, goes to the file."""
        await remove(self._sandbox, task.harvest, task.number)
        self._sandbox.make_folder(task.harvest, task.number)
        before = await quarantine.tree_of(parent)
        borrowed = stores(quarantine)
        index = [Bind(self._trees.sealed.tree(key) / ".git" / "index", "/index") for key in used_by(task.work.user)[:1]]
        tree = self._trees.show(task, task.work, writable=False)
        box = tree.with_binds(Bind(task.harvest, "/harvest", writable=True), *index, *borrowed)
        box = replace(box, cwd="/harvest", env=GIT_INSIDE)
        places = [self._sandbox.path(box, inside) for inside in (TASK, "/harvest")]
        words = [*places, parent, "/index" if index else "", *(bind.target for bind in borrowed)]
        argv = ["/bin/sh", "-c", PACK, "harvest", *words]
        try:
            async with await self._sandbox.start(
                box, argv, Limits(seconds=self._caps.seconds), trusted=True
            ) as running:
                return await self._receive(running, before, parent, pack)
        finally:
            await remove(self._sandbox, task.harvest, task.number)

    async def _receive(
        self, running: Running, before: str, parent: CommitSha, pack: IO[bytes]
    ) -> _Packed | NothingChanged | HarvestRefused:
        named = _NAMES.fullmatch(await running.stdout.readline())
        if named is None:
            return _refusal(await running.wait(), self._caps)
        tree, commit = named[1].decode(), CommitSha(named[2].decode())
        if tree == before:
            return NothingChanged()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            running.stdin.write(_request(commit, parent))
            running.stdin.close()
        try:
            complaint = await self._copy(running.stdout, pack)
        except (asyncio.IncompleteReadError, ValueError):
            complaint = ""
        else:
            if complaint:
                return HarvestRefused((complaint,))
        finished = await running.wait()
        if finished.exit_code != 0 or pack.tell() == 0:
            return _refusal(finished, self._caps)
        return _Packed(commit)

    async def _copy(self, stream: asyncio.StreamReader, pack: IO[bytes]) -> str:
        """The answer of upload-pack: one line, then the pack. Why it is not taken, or nothing."""
        await stream.readexactly(int(await stream.readexactly(4), 16) - 4)
        header = await stream.readexactly(12)
        count = int.from_bytes(header[8:12], "big")
        if count > self._caps.objects:
            return f"The change has {count} objects; at most {self._caps.objects} are taken over."
        pack.write(header)
        while data := await stream.read(1 << 16):
            if pack.tell() + len(data) > self._caps.pack_bytes:
                return f"The change is larger than {self._caps.pack_bytes >> 20} MiB."
            pack.write(data)
        return ""


def _request(commit: CommitSha, parent: CommitSha) -> bytes:
    """What a fetch asks of upload-pack (gitprotocol-pack): this commit, for someone who has its parent."""
    lines = (f"want {commit} thin-pack ofs-delta\n", "", f"have {parent}\n", "done\n")
    return b"".join(f"{len(line) + 4:04x}{line}".encode() if line else b"0000" for line in lines)


def _refusal(finished: Finished, caps: Caps) -> HarvestRefused:
    """Why the script did not get to its end, in one sentence."""
    if finished.ending is Ending.TIMED_OUT:
        return HarvestRefused((f"Committing the worktree took longer than {caps.seconds:.0f} s.",))
    lines = [
        line for line in finished.output.decode(errors="replace").splitlines() if line.startswith(("error:", "fatal:"))
    ]
    said = lines[0].partition(": ")[2] if lines else f"git ended with {finished.exit_code}"
    return HarvestRefused((f"The worktree cannot be committed: {said}.",))
