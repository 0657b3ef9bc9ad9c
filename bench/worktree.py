"""How fast a task gets its worktree: ours beside what git offers, in one run, one and many at once.

    python -m bench.worktree [--rounds 5] [--files 700,5000] [--tasks 1,16]

Each round takes the contenders in turns, so that whatever else the machine does hits all alike. Compare the ratios,
not the figures. Ours is the whole verb, database apart: prepare opens the worktree of a fetched task (quarantine,
reference, overlay); harvest commits one changed file inside the sandbox, checks what came out and makes the bot's
commit; remove takes everything away. git's harvest is `add -A` and `commit` in the worktree itself, without any
boundary. The template was made before; what it costs once per base commit is shown on a line of its own. Several
`git worktree add` at once fail now and then for reading what another one is writing: they are repeated.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.box import Limits
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.ids import BranchName, CommitSha, InstallationId, RepoRef, TaskId
from bot.task.results import Harvested
from bot.workspace.values import CommitMessage, Remote
from bot.workspace.workspaces import GitWorkspaces

MAIN, BRANCH = BranchName("main"), BranchName("agent/1-bench")
REPO = RepoRef(1, "bench/repository", InstallationId(1))
MESSAGE = CommitMessage("Bench", "bench <bench@example.org>", datetime(2026, 1, 1, tzinfo=UTC))
WHO = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")

Verb = Callable[[int], Awaitable[None]]


async def git(folder: Path, *words: str, tries: int = 1) -> None:
    """git as a program, without anything in between."""
    complaint = b""
    for _ in range(tries):
        process = await asyncio.create_subprocess_exec(
            "git", *WHO, *words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _, complaint = await process.communicate()
        if process.returncode == 0:
            return
    raise RuntimeError(f"git {' '.join(words)}: {complaint.decode()}")


async def synthetic(folder: Path, files: int) -> str:
    """A repository with this many small files in folders of forty, and ten commits."""
    await git(folder.parent, "init", "-q", "-b", "main", str(folder))
    for number in range(files):
        path = folder / f"part{number // 40:04}" / f"module{number:05}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"value_{number}_{line} = {line}\n" for line in range(30 + number % 50)))
    for commit in range(10):
        (folder / "changing.txt").write_text(f"{commit}\n")
        await git(folder, "add", "-A")
        await git(folder, "commit", "-q", "-m", f"Commit {commit}")
    await git(folder, "repack", "-adq")
    return (folder / ".git" / "refs" / "heads" / "main").read_text().strip()


@dataclass
class Contender:
    """What is done with the worktree of this number."""

    name: str
    prepare: Verb
    change: Verb
    """What an agent would do; not measured."""
    harvest: Verb
    remove: Verb
    seconds: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    async def round(self, tasks: int) -> None:
        """Each verb for all tasks at once, one verb after the other."""
        for name, verb in (("prepare", self.prepare), ("harvest", self.harvest), ("remove", self.remove)):
            if name == "harvest":
                await asyncio.gather(*(self.change(number) for number in range(1, tasks + 1)))
            began = time.perf_counter()
            await asyncio.gather(*(verb(number) for number in range(1, tasks + 1)))
            self.seconds.setdefault((name, tasks), []).append(time.perf_counter() - began)


def plain(name: str, source: Path, folder: Path, *make: str) -> Contender:
    """A contender of git's own: `make` ends with the place."""

    async def prepare(number: int) -> None:
        if make[0] == "worktree":
            await git(source, "branch", "-q", f"task{number}", "main")
            await git(source, *make, str(folder / str(number)), f"task{number}", tries=20)
        else:
            await git(folder, *make, str(source), str(folder / str(number)))

    async def change(number: int) -> None:
        await asyncio.to_thread((folder / str(number) / "changing.txt").write_text, "changed\n")

    async def harvest(number: int) -> None:
        await git(folder / str(number), "add", "-A")
        await git(folder / str(number), "commit", "-q", "-m", "Bench")

    async def remove(number: int) -> None:
        if make[0] == "worktree":
            await git(source, "worktree", "remove", "--force", str(folder / str(number)), tries=20)
            await git(source, "branch", "-q", "-D", f"task{number}", tries=20)
        else:
            await asyncio.to_thread(shutil.rmtree, folder / str(number))

    folder.mkdir()
    return Contender(name, prepare, change, harvest, remove)


def ours(door: GitWorkspaces, sandbox: Sandbox, base: CommitSha) -> Contender:
    """The workspace door."""

    async def prepare(number: int) -> None:
        await door.open(TaskId(number), REPO, base)

    async def change(number: int) -> None:
        script = "echo changed > changing.txt"
        await sandbox.run(door.box(TaskId(number)), ["sh", "-c", script], Limits())

    async def harvest(number: int) -> None:
        result = await door.harvest(TaskId(number), base, base, MESSAGE)
        if not isinstance(result, Harvested):
            raise SystemExit(f"nothing was harvested: {result}")

    async def remove(number: int) -> None:
        await door.close(TaskId(number))

    return Contender("issuewright", prepare, change, harvest, remove)


async def measure(files: int, counts: Sequence[int], rounds: int, root: Path) -> None:
    """All contenders on one repository."""
    source = root / "source"
    base = CommitSha(await synthetic(source, files))
    sandbox = Sandbox(probe("auto", root))
    door = GitWorkspaces(root / "work", sandbox)
    await door.fetch(TaskId(999), REPO, Remote(str(source), ""), MAIN, BRANCH)
    began = time.perf_counter()
    await door.open(TaskId(999), REPO, base)
    once = time.perf_counter() - began
    here = ours(door, sandbox, base)
    others = [
        plain("worktree add", source, root / "worktrees", "worktree", "add", "-q"),
        plain("clone --shared", source, root / "shared", "clone", "-q", "--shared"),
        plain("clone file://", source, root / "clones", "clone", "-q", "--no-local"),
    ]
    for _ in range(rounds):
        for tasks in counts:
            for contender in (here, *others):
                await contender.round(tasks)
    await door.close(TaskId(999))
    print(f"\n{files} files, {sandbox.level}; the template, once: {once:.2f} s")
    _table([here, *others], counts)


def _table(contenders: Sequence[Contender], counts: Sequence[int]) -> None:
    """Median and spread in seconds, and how many times as long as ours it took."""
    for tasks in counts:
        for verb in ("prepare", "harvest", "remove"):
            print(f"  {verb}, {tasks} at once")
            mine = contenders[0].seconds[verb, tasks]
            for contender in contenders:
                took = contender.seconds[verb, tasks]
                ratio = statistics.median(one / own for one, own in zip(took, mine, strict=True))
                spread = f"{min(took):.3f} to {max(took):.3f}"
                print(f"    {contender.name:16} {statistics.median(took):8.3f} s ({spread})  {ratio:6.1f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", default="700,5000")
    parser.add_argument("--tasks", default="1,16")
    given = parser.parse_args()
    counts = [int(word) for word in given.tasks.split(",")]
    for files in map(int, given.files.split(",")):
        with tempfile.TemporaryDirectory(prefix="bench-worktree-") as folder:
            asyncio.run(measure(files, counts, given.rounds, Path(folder)))


if __name__ == "__main__":
    main()
