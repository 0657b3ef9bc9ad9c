"""Worktrees as overlays: templates are shared and sealed, and made whole or not at all."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import bot
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability, SandboxFailed
from bot.sandbox.process import Sandbox
from bot.sandbox.room import alone
from bot.task.ids import TaskId
from bot.task.results import Harvested, NothingChanged, SandboxLevel
from bot.workspace.folders import take
from bot.workspace.sealed import Key
from bot.workspace.workspaces import GitWorkspaces
from tests.workspace.conftest import BRANCH, MAIN, MESSAGE, Desk
from tests.workspace.origin import Origin, git
from tests.worlds.leftovers import nothing_left

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def overlays(capability: Capability) -> None:
    if capability.level is not SandboxLevel.OVERLAY:
        pytest.skip(capability.reason)


@pytest.fixture
def plain_desk(origin: Origin, capability: Capability, tmp_path: Path) -> Desk:
    """On a machine without overlays."""
    sandbox = Sandbox(replace(capability, level=SandboxLevel.CHECKOUT))
    return Desk(origin, sandbox, GitWorkspaces(tmp_path / "plain", sandbox), tmp_path / "plain")


def template(desk: Desk, commit: str) -> Path:
    return desk.root / "sealed/templates/99" / commit


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below a folder with mode, size and time of change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        found[str(path)] = (seen.st_mode, seen.st_size, seen.st_ctime_ns)
    return found


def mounts() -> str:
    """Of this process, and so of the host."""
    return Path("/proc/self/mountinfo").read_text()


async def said(desk: Desk, box: Box, script: str) -> str:
    return (await desk.sandbox.run(box, ["bash", "-c", script], Limits(seconds=60))).output.decode(errors="replace")


# ── what a worktree is ──


async def test_a_worktree_is_an_overlay_of_a_template(desk: Desk) -> None:
    assert desk.door.box(desk.task).overlay is not None
    before = listing(template(desk, desk.base))
    assert before
    script = "echo x >> a.txt; rm -r src; chmod 700 kept.log; git commit -qam mine; git log --format=%s"
    told = await desk.agent(script)
    assert told == "mine\nFirst\n"
    assert listing(template(desk, desk.base)) == before
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert [file.path for file in result.files] == ["a.txt", "kept.log", "src/x.py"]


async def test_the_index_is_fresh(desk: Desk) -> None:
    """`diff-files` compares no contents unless what the index knows of a file is not so any more."""
    assert await desk.agent("git diff-files --name-only") == ""
    assert await desk.agent("touch -d 2001-01-01 a.txt; git diff-files --name-only") == "a.txt\n"
    box = await desk.door.check_out(desk.task, desk.base)
    assert await said(desk, box, "git diff-files --name-only") == ""


async def test_sealed_folders_are_readable_by_every_task_and_writable_by_none(desk: Desk) -> None:
    tree = template(desk, desk.base) / "tree"
    foreign = {path.lstat().st_uid for path in [tree, *tree.rglob("*")]} - {os.getuid()}
    assert foreign == set()
    if os.getuid() == 0:
        leak = Box((Bind(tree, "/leak", writable=True),), "/", tenant=desk.task)
        assert "Permission denied" in await said(
            desk, leak, "echo evil >> /leak/a.txt; touch /leak/new; rm /leak/a.txt"
        )


async def test_work_on_a_branch_stands_on_the_base(empty_desk: Desk) -> None:
    desk = empty_desk
    desk.origin.write("b.txt", "by a person\n")
    desk.origin.write("a.txt", "changed\n")
    theirs = desk.origin.commit("By a person", BRANCH)
    await desk.fetch()
    await desk.door.open(desk.task, desk.repo, theirs)
    assert await desk.agent("cat a.txt b.txt; git status --short; git log --format=%s") == (
        "changed\nby a person\nBy a person\nFirst\n"
    )
    assert os.listdir(desk.root / "sealed/templates/99") != []
    assert not template(desk, theirs).exists(), "only commits of the base branch have a template"
    assert template(desk, desk.base).exists()
    assert await desk.door.harvest(desk.task, desk.base, theirs, MESSAGE) == NothingChanged()


async def test_a_file_that_looks_untouched_is_harvested_all_the_same(desk: Desk) -> None:
    """Same size, same time of modification: the time of change tells."""
    await desk.agent("touch -r a.txt /tmp/t; printf 'HELLO\\n' > a.txt; touch -r /tmp/t a.txt; stat -c %y a.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert [file.path for file in result.files] == ["a.txt"]


async def test_without_overlays_the_verbs_are_the_same(plain_desk: Desk) -> None:
    desk = plain_desk
    await desk.fetch()
    assert await desk.door.open(desk.task, desk.repo, desk.base) is False
    assert await desk.door.open(desk.task, desk.repo, desk.base) is True
    assert desk.door.box(desk.task).overlay is None
    await desk.agent("echo new > new.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    box = await desk.door.check_out(desk.task, result.commit)
    assert await said(desk, box, "cat new.txt; git status --short") == "new\n"
    assert not (desk.root / "sealed").exists()
    await desk.door.close(desk.task)
    assert await desk.door.leftovers() == []


async def test_a_machine_that_loses_overlays_starts_over(desk: Desk, capability: Capability) -> None:
    sandbox = Sandbox(replace(capability, level=SandboxLevel.CHECKOUT))
    other = Desk(desk.origin, sandbox, GitWorkspaces(desk.root, sandbox), desk.root)
    assert await other.door.open(desk.task, desk.repo, desk.base) is False
    assert await other.agent("cat a.txt") == "hello\n"
    assert await desk.door.open(desk.task, desk.repo, desk.base) is False


# ── one at a time ──


async def test_a_harvest_waits_until_the_agents_sandbox_is_gone(desk: Desk) -> None:
    agent = asyncio.create_task(desk.agent("echo early > early.txt; sleep 1; echo late > late.txt"))
    await asyncio.sleep(0.3)
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert [file.path for file in result.files] == ["early.txt", "late.txt"]
    await agent


async def test_a_sandbox_that_stays_is_told_of(desk: Desk) -> None:
    overlay = desk.door.box(desk.task).overlay
    assert overlay is not None
    async with await desk.sandbox.start(desk.door.box(desk.task), ["sleep", "60"], Limits()):
        with pytest.raises(SandboxFailed, match="another sandbox still works"):
            await alone(overlay, patience=0.1)


async def test_sixteen_worktrees_at_once(desk: Desk) -> None:
    tasks = [TaskId(number) for number in range(100, 116)]

    async def work(task: TaskId) -> set[str]:
        await desk.door.fetch(task, desk.repo, desk.remote, MAIN, BRANCH)
        await desk.door.open(task, desk.repo, desk.base)
        box = desk.door.box(task)
        told = await said(desk, box, f"ls; cat a.txt; echo {task} > a.txt; git commit -qam {task}; cat a.txt")
        assert told == f"a.txt\nkept.log\nsrc\nhello\n{task}\n"
        result = await desk.door.harvest(task, desk.base, desk.base, MESSAGE)
        assert isinstance(result, Harvested)
        await desk.door.check_out(task, result.commit)
        await desk.door.close(task)
        return {git(desk.root / "mirrors/99.git", "cat-file", "-t", result.commit, check=False)}

    assert await asyncio.gather(*map(work, tasks)) == [{""}] * 16, "the mirror holds no object of an agent"
    assert await desk.door.leftovers() == [desk.task]
    assert (
        os.listdir(desk.root / "sealed/templates/99") == [desk.base, f"{desk.base}.lock"]
        or len(os.listdir(desk.root / "sealed/templates/99")) == 2
    )


# ── kills ──

KILLED = """
import asyncio, sys
from pathlib import Path
from bot.sandbox.box import Limits
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.task.ids import BranchName, InstallationId, RepoRef, TaskId
from bot.workspace.values import Remote
from bot.workspace.workspaces import GitWorkspaces

async def main():
    sandbox = Sandbox(probe("auto"))
    door, repo, task = GitWorkspaces(Path(sys.argv[1]), sandbox), RepoRef(99, "ann/app", InstallationId(1)), TaskId(7)
    fetched = await door.fetch(task, repo, Remote(sys.argv[2], ""), BranchName("main"), BranchName("b"))
    print("begin", flush=True)
    await door.open(task, repo, fetched.base)
    print("open", flush=True)
    await sandbox.run(door.box(task), ["sh", "-c", "echo kept > kept.txt; sleep 60"], Limits())

asyncio.run(main())
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.15, 0.3, 1.0])
async def test_kill_9_leaves_no_half_template_and_no_mount(empty_desk: Desk, seconds: float) -> None:
    desk = empty_desk
    argv = [sys.executable, "-c", KILLED, str(desk.root), str(desk.origin.remote)]
    root = Path(bot.__file__).parents[1]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - it says one line
        assert process.stdout is not None
        assert process.stdout.readline() == b"begin\n"
        time.sleep(seconds)  # noqa: ASYNC251 - to the millisecond
        process.kill()
    await nothing_left(desk.root, 20)
    assert str(desk.root) not in mounts()
    await desk.fetch()
    await desk.door.open(desk.task, desk.repo, desk.base)
    assert await desk.agent("cat a.txt; git status --short a.txt src; git diff-files --name-only") == "hello\n"
    assert sorted(os.listdir(template(desk, desk.base).parent)) == sorted([desk.base, f"{desk.base}.lock"])
    await desk.door.close(desk.task)
    assert os.listdir(desk.root / "tasks") == []


def leave(half: Path) -> None:
    """What a builder has when it is killed."""
    (half / "tree").mkdir(parents=True)
    (half / "tree" / "evil.txt").write_text("half\n")


async def test_what_a_killed_builder_left_is_in_nobodys_way(empty_desk: Desk) -> None:
    desk = empty_desk
    await desk.fetch()
    half = template(desk, desk.base).with_name(f"{desk.base}.new")
    leave(half)
    await desk.door.open(desk.task, desk.repo, desk.base)
    assert await desk.agent("ls") == "a.txt\nkept.log\nsrc\n"
    assert not half.exists()


async def test_two_processes_build_one_template(empty_desk: Desk) -> None:
    """Both want it at the same moment; nobody sees a part of it."""
    desk = empty_desk
    await desk.fetch()
    other = GitWorkspaces(desk.root, Sandbox(desk.sandbox.capability))
    tasks = [TaskId(number) for number in range(8)]
    for task in tasks:
        await desk.door.fetch(task, desk.repo, desk.remote, MAIN, BRANCH)
    doors = [desk.door, other] * 4
    await asyncio.gather(*(door.open(task, desk.repo, desk.base) for door, task in zip(doors, tasks, strict=True)))
    for task in tasks:
        assert await said(desk, desk.door.box(task), "ls") == "a.txt\nkept.log\nsrc\n"


# ── a shared folder, poisoned ──


async def test_poisoning_what_the_next_task_stands_on_naive(desk: Desk, tmp_path: Path) -> None:
    """One checkout that is copied, or bound, for each task, and that a task can write."""
    shared = desk.sandbox.make_folder(tmp_path / "shared", 7)
    first = Box((Bind(shared, "/task", writable=True),), "/task", tenant=7)
    script = "echo 'evil()' > conftest.py; mkdir node_modules; echo evil > node_modules/left-pad.js"
    await said(desk, first, script)
    second = Box((Bind(shared, "/task"),), "/task", tenant=7)
    assert await said(desk, second, "cat conftest.py node_modules/left-pad.js") == "evil()\nevil\n"


async def test_poisoning_what_the_next_task_stands_on_here(desk: Desk) -> None:
    before = listing(template(desk, desk.base))
    told = await desk.agent(
        "echo 'evil()' > conftest.py; echo evil > a.txt; rm -rf .git/objects/info; git config core.fsmonitor evil;"
        " for place in /proc/*/root /proc/1/fd/* /oldroot /newroot /tmp/1 /tmp/2; do"
        " find $place/ -maxdepth 3 -path '*sealed*' 2>/dev/null; done;"
        " mount -o remount,rw /task 2>&1; umount /task 2>&1; grep -o 'lowerdir=[^,]*' /proc/self/mountinfo"
    )
    assert str(desk.root) not in told
    assert listing(template(desk, desk.base)) == before
    await desk.door.fetch(TaskId(8), desk.repo, desk.remote, MAIN, BRANCH)
    await desk.door.open(TaskId(8), desk.repo, desk.base)
    told = await said(desk, desk.door.box(TaskId(8)), "ls; cat a.txt; git status --short; git config core.fsmonitor")
    assert told == "a.txt\nkept.log\nsrc\nhello\n"


async def test_repositories_share_nothing(desk: Desk) -> None:
    other = replace(desk.repo, id=100)
    await desk.door.fetch(TaskId(8), other, desk.remote, MAIN, BRANCH)
    await desk.door.open(TaskId(8), other, desk.base)
    ours, theirs = (desk.door.box(task).overlay for task in (desk.task, TaskId(8)))
    assert ours is not None
    assert theirs is not None
    assert not set(ours.sealed) & set(theirs.sealed)


# ── going away ──


async def test_a_template_in_use_stays(desk: Desk) -> None:
    sealed, key = desk.door.sealed, Key("templates", "99", desk.base)
    assert await sealed.drop(key) is False
    await desk.agent("echo mine > mine.txt")
    await desk.door.check_out(desk.task, desk.base)
    await desk.door.drop_checkout(desk.task)
    assert await sealed.drop(key) is False, "the agent's worktree still stands on it"
    await desk.door.close(desk.task)
    held = take(template(desk, desk.base).with_name(f"{desk.base}.lock"), shared=True)
    assert held is not None
    assert await sealed.drop(key) is False, "another process is about to use it"
    os.close(held)
    assert await sealed.drop(key) is True
    assert os.listdir(desk.root / "sealed/templates/99") == []
    await desk.fetch()
    assert await desk.door.open(desk.task, desk.repo, desk.base) is False
    assert await desk.agent("cat a.txt") == "hello\n"


async def test_a_template_cannot_go_between_the_look_and_the_use(desk: Desk) -> None:
    """Many tasks come and go while somebody removes what nobody uses."""
    sealed, key = desk.door.sealed, Key("templates", "99", desk.base)
    await desk.door.close(desk.task)
    stop = asyncio.Event()

    async def clean() -> int:
        dropped = 0
        while not stop.is_set():
            dropped += await sealed.drop(key)
            await asyncio.sleep(0.005)
        return dropped

    cleaning = asyncio.create_task(clean())
    for number in range(6):
        task = TaskId(20 + number)
        await desk.door.fetch(task, desk.repo, desk.remote, MAIN, BRANCH)
        await desk.door.open(task, desk.repo, desk.base)
        assert await said(desk, desk.door.box(task), "cat a.txt") == "hello\n"
        await desk.door.close(task)
    stop.set()
    assert await cleaning > 0


async def test_a_forgotten_repository_leaves_nothing(desk: Desk) -> None:
    await desk.door.close(desk.task)
    await desk.door.forget(desk.repo)
    left = [path for path in desk.root.rglob("*") if "99" in path.name]
    assert left == []
