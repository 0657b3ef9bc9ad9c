"""The layer of a set-up: built once, shared by tasks of the repository, out of reach of every other."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.task.ids import TaskId
from bot.task.results import Harvested, NothingChanged, SandboxLevel
from bot.workspace.manifests import telling, touched
from bot.workspace.values import InPlace, Layered, SetUp, SetUpFailed
from bot.workspace.workspaces import GitWorkspaces
from tests.workspace.conftest import BRANCH, MAIN, Desk

pytestmark = pytest.mark.anyio

INSTALL = SetUp("mkdir -p build/deps; cp requirements.txt build/deps/; date +%N > build/deps/stamp", Limits(seconds=60))
NEXT = TaskId(8)


@pytest.fixture
async def desk(empty_desk: Desk, capability: Capability) -> Desk:
    """Fetched; nothing is open yet."""
    if capability.level is not SandboxLevel.OVERLAY:
        pytest.skip(capability.reason)
    empty_desk.origin.write("requirements.txt", "one\n")
    empty_desk.origin.commit("Need one")
    await empty_desk.fetch()
    return empty_desk


async def begun(desk: Desk, task: TaskId, setup: SetUp = INSTALL) -> object:
    """Set up and open, as a run does."""
    await desk.door.fetch(task, desk.repo, desk.remote, MAIN, BRANCH)
    prepared = await desk.door.set_up(task, desk.repo, desk.base, setup)
    await desk.door.open(task, desk.repo, desk.base)
    return prepared


async def said(desk: Desk, box: Box, script: str) -> str:
    return (await desk.sandbox.run(box, ["bash", "-c", script], Limits(seconds=60))).output.decode(errors="replace")


async def test_a_set_up_runs_once_for_all_tasks(desk: Desk) -> None:
    first = await begun(desk, desk.task)
    assert isinstance(first, Layered)
    assert first.seconds > 0
    assert await begun(desk, NEXT) == Layered(0.0)
    stamps = {await said(desk, desk.door.box(task), "cat build/deps/*") for task in (desk.task, NEXT)}
    box = await desk.door.check_out(desk.task, desk.base)
    stamps.add(await said(desk, box, "cat build/deps/*"))
    assert len(stamps) == 1
    assert stamps.pop().startswith("one\n")


async def test_two_tasks_at_once_build_one_layer(desk: Desk) -> None:
    built = await asyncio.gather(*(begun(desk, TaskId(number)) for number in range(20, 24)))
    assert sum(isinstance(one, Layered) and one.seconds > 0 for one in built) == 1


async def test_what_a_set_up_leaves_is_not_the_agents_change(desk: Desk) -> None:
    """`left.txt` is not ignored by git, and `a.txt` is changed by the set-up."""
    messy = SetUp("echo left > left.txt; echo more >> a.txt; git config x.y z; rm -r src", Limits(seconds=60))
    assert isinstance(await begun(desk, desk.task, messy), Layered)
    assert await desk.agent("cat left.txt a.txt; git config x.y; git status --short") == (
        "left\nhello\nmore\n M a.txt\n D src/x.py\n?? left.txt\n"
    ), "its .git is not kept"
    assert await desk.harvest() == NothingChanged()
    await desk.agent("echo mine >> left.txt; echo new > new.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert [file.path for file in result.files] == ["left.txt", "new.txt"]


async def test_a_layer_that_changes_files_is_good_for_its_commit_alone(desk: Desk) -> None:
    messy = SetUp("echo more >> a.txt", Limits(seconds=60))
    await begun(desk, desk.task, messy)
    desk.origin.write("a.txt", "newer\n")
    desk.origin.commit("Newer")
    await desk.fetch()
    await begun(desk, NEXT, messy)
    assert await said(desk, desk.door.box(NEXT), "cat a.txt") == "newer\nmore\n"


async def test_a_layer_never_hides_a_file_of_the_commit(desk: Desk) -> None:
    await begun(desk, desk.task)
    desk.origin.write("other.txt", "o")
    desk.origin.write("build/deps/mine.txt", "tracked\n")
    desk.origin.commit("Track it", "main")
    (desk.origin.clone / ".gitignore").write_text("*.log\n")
    desk.origin.commit("Do not ignore it")
    await desk.fetch()
    await begun(desk, NEXT)
    assert "tracked" in await said(desk, desk.door.box(NEXT), "cat build/deps/mine.txt")


async def test_a_change_of_a_manifest_is_set_up_in_its_own_checkout(desk: Desk) -> None:
    await begun(desk, desk.task)
    await desk.agent("echo two >> requirements.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    prepared = await desk.door.set_up(desk.task, desk.repo, result.commit, INSTALL)
    assert prepared == InPlace("the change touches requirements.txt")
    box = await desk.door.check_out(desk.task, result.commit)
    assert await said(desk, box, "ls; cat requirements.txt") == "a.txt\nkept.log\nrequirements.txt\nsrc\none\ntwo\n"


async def test_a_failure_is_told_and_kept_for_minutes_only(desk: Desk) -> None:
    broken = SetUp("echo because; exit 3", Limits(seconds=60))
    failed = await begun(desk, desk.task, broken)
    assert isinstance(failed, SetUpFailed)
    assert (failed.exit_code, failed.output) == (3, b"because\n")
    assert await begun(desk, NEXT, broken) is failed
    other = GitWorkspaces(desk.root, desk.sandbox)
    again = await other.set_up(desk.task, desk.repo, desk.base, broken)
    assert again == failed or isinstance(again, SetUpFailed)
    slow = await desk.door.set_up(desk.task, desk.repo, desk.base, SetUp("sleep 60", Limits(seconds=1)))
    assert isinstance(slow, SetUpFailed)
    assert slow.note == "timed out after 1 s"
    assert not list((desk.root / "sealed/layers/99").glob("*/"))


async def test_a_set_up_that_writes_to_home_is_run_in_place(desk: Desk) -> None:
    for _ in range(2):
        prepared = await desk.door.set_up(
            desk.task, desk.repo, desk.base, SetUp("echo x > ~/.tool", Limits(seconds=60))
        )
        assert prepared == InPlace("the set-up writes to HOME")


async def test_without_overlays_it_runs_in_each_worktree(desk: Desk, capability: Capability) -> None:
    sandbox = Sandbox(replace(capability, level=SandboxLevel.CHECKOUT))
    door = GitWorkspaces(desk.root, sandbox)
    assert await door.set_up(desk.task, desk.repo, desk.base, INSTALL) == InPlace()


async def test_poisoning_dependencies_naive(desk: Desk, tmp_path: Path) -> None:
    """One folder of packages for all tasks, writable because installing has to work."""
    shared = Bind(desk.sandbox.make_folder(tmp_path / "packages", 7), "/packages", writable=True)
    await said(desk, Box((shared,), "/", tenant=7), "echo 'import evil' > /packages/left_pad.py")
    assert await said(desk, Box((shared,), "/", tenant=7), "cat /packages/left_pad.py") == "import evil\n"


async def test_poisoning_dependencies_here(desk: Desk) -> None:
    """By writing what is there, by a script that the set-up calls, and by a manifest of another repository."""
    scripted = replace(INSTALL, command=f"{INSTALL.command}; if [ -e hook.sh ]; then sh hook.sh; fi")
    await begun(desk, desk.task, scripted)
    before = await desk.agent("cat build/deps/stamp")
    await desk.agent("echo evil > build/deps/stamp; echo 'echo evil > build/deps/stamp' > hook.sh; rm -r build")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert isinstance(await desk.door.set_up(desk.task, desk.repo, result.commit, scripted), InPlace | Layered)
    box = await desk.door.check_out(desk.task, result.commit)
    assert await said(desk, box, "cat build/deps/stamp 2>&1") != "evil\n"
    assert await begun(desk, NEXT, scripted) == Layered(0.0)
    assert await said(desk, desk.door.box(NEXT), "cat build/deps/stamp") == before
    other = replace(desk.repo, id=100)
    await desk.door.fetch(TaskId(9), other, desk.remote, MAIN, BRANCH)
    prepared = await desk.door.set_up(TaskId(9), other, desk.base, scripted)
    assert isinstance(prepared, Layered)
    assert prepared.seconds > 0, "another repository builds its own"


async def test_access_is_lent_to_the_set_up_alone(desk: Desk) -> None:
    door = GitWorkspaces(desk.root, desk.sandbox, access=lambda: nullcontext(lambda box: box.with_env(LENT="yes")))
    prepared = await door.set_up(desk.task, desk.repo, desk.base, SetUp("echo lent=$LENT", Limits(seconds=60)))
    assert isinstance(prepared, Layered)
    assert prepared.output == b"lent=yes\n"
    await door.open(desk.task, desk.repo, desk.base)
    assert await said(desk, door.box(desk.task), "echo lent=$LENT") == "lent=\n"


def test_what_decides_what_a_set_up_makes() -> None:
    blobs = {
        name: name for name in ("a.py", "web/package.json", "Makefile", "tools/install.sh", "requirements-dev.txt")
    }
    assert list(telling("npm ci", blobs)) == ["web/package.json", "requirements-dev.txt"]
    assert "Makefile" in telling("make deps", blobs)
    assert "tools/install.sh" in telling("bash ./tools/install.sh && true", blobs)
    assert touched({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ["b", "c"]
