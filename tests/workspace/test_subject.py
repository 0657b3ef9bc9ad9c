"""Two commits side by side: what changed with its contents, and commits that take files of both."""

import pytest

from bot.sandbox.box import Limits
from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha
from bot.workspace.subject import LARGEST, UNREAD
from tests.workspace.conftest import Desk
from tests.workspace.origin import git

pytestmark = pytest.mark.anyio


async def begun(desk: Desk) -> tuple[CommitSha, CommitSha]:
    """A base and a head that differ in every way a file can."""
    origin = desk.origin
    origin.write("conftest.py", "base = 1\n")
    origin.write("gone.py", "x\n")
    origin.write("tests/kept.py", "k\n")
    base = origin.commit("Base")
    origin.write("conftest.py", "head = 1\n")
    (origin.clone / "gone.py").unlink()
    origin.write("pytest.ini", "[pytest]\n")
    origin.write("large.bin", "x" * (LARGEST + 1))
    (origin.clone / "link").symlink_to("a.txt")
    (origin.clone / "link.d").mkdir()
    origin.write("link.d/ä b.py", "name\n")
    head = origin.commit("Head")
    await desk.fetch()
    return base, head


async def test_what_changed_has_its_content_on_both_sides(empty_desk: Desk) -> None:
    base, head = await begun(empty_desk)
    assert await empty_desk.door.contents(empty_desk.task, base, head) == (
        ChangedFile("conftest.py", b"base = 1\n", b"head = 1\n"),
        ChangedFile("gone.py", b"x\n", None),
        ChangedFile("large.bin", None, UNREAD),
        ChangedFile("link", None, b"a.txt"),
        ChangedFile("link.d/ä b.py", None, b"name\n"),
        ChangedFile("pytest.ini", None, b"[pytest]\n"),
    )
    assert await empty_desk.door.contents(empty_desk.task, head, head) == ()


async def test_a_composed_commit_takes_paths_from_elsewhere(empty_desk: Desk) -> None:
    desk = empty_desk
    base, head = await begun(desk)
    laid: dict[str, bytes | CommitSha] = dict.fromkeys(("conftest.py", "gone.py", "pytest.ini", "not/there"), base)
    laid["link.d/ä b.py"] = b"laid\n"
    made = await desk.door.compose(desk.task, head, laid)
    assert await desk.door.compose(desk.task, head, laid) == made, "the same parts, the same commit"
    changed = await desk.door.contents(desk.task, head, made)
    assert {file.path: (file.old, file.new) for file in changed} == {
        "conftest.py": (b"head = 1\n", b"base = 1\n"),
        "gone.py": (None, b"x\n"),
        "pytest.ini": (b"[pytest]\n", None),
        "link.d/ä b.py": (b"name\n", b"laid\n"),
    }
    assert await desk.door.compose(desk.task, head, {}) == head
    assert await desk.door.compose(desk.task, head, {"conftest.py": head, "a.txt": base}) == head


async def test_a_file_takes_the_place_of_a_folder(empty_desk: Desk) -> None:
    desk = empty_desk
    base, _ = await begun(desk)
    (desk.origin.clone / "conftest.py").unlink()
    desk.origin.write("conftest.py/__init__.py", "trick\n")
    head = desk.origin.commit("A folder instead")
    await desk.fetch()
    made = await desk.door.compose(desk.task, head, {"conftest.py": base})
    assert await desk.door.contents(desk.task, base, made) == await desk.door.contents(
        desk.task,
        base,
        await desk.door.compose(desk.task, head, {"conftest.py": base, "conftest.py/__init__.py": base}),
    )


async def test_a_composed_commit_can_be_checked_out(empty_desk: Desk) -> None:
    desk = empty_desk
    base, head = await begun(desk)
    made = await desk.door.compose(desk.task, head, {"conftest.py": base})
    box = await desk.door.check_out(desk.task, made)
    script = ["/bin/sh", "-c", "cat conftest.py pytest.ini; git status --short; git log -1 --format=%H"]
    finished = await desk.sandbox.run(box, script, Limits(seconds=60))
    assert finished.output.decode() == f"base = 1\n[pytest]\n{made}\n"
    assert await desk.door.fork(desk.task, head, made) == head
    assert git(desk.origin.clone, "rev-parse", f"{head}^{{tree}}") == await desk.door.tree(desk.task, head)
