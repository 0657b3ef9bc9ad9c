"""Copy-on-write over sealed folders, one sandbox at a time, and a uid of its own for each tenant."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.sandbox.box import Bind, Box, Limits, Overlay
from bot.sandbox.capability import Capability, SandboxFailed
from bot.sandbox.process import Sandbox
from bot.sandbox.room import alone
from bot.sandbox.view import Uids
from bot.task.results import SandboxLevel

pytestmark = pytest.mark.anyio
superuser = pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user is one uid for all")


@pytest.fixture
def overlaid(sandbox: Sandbox, tmp_path: Path) -> Box:
    """Two sealed folders under a room, at /task, for tenant 7."""
    if sandbox.level is not SandboxLevel.OVERLAY:
        pytest.skip(sandbox.capability.reason)
    sealed = tmp_path / "lower", tmp_path / "layer"
    for folder in sealed:
        (folder / "in").mkdir(parents=True)
        (folder / "in" / folder.name).write_text(f"{folder.name}\n")
        (folder / "both").write_text(f"{folder.name}\n")
        (folder / "both").chmod(0o600)
    overlay = Overlay(sealed, sandbox.make_room(tmp_path / "room", 7), "/task")
    return Box((), "/task", tenant=7, overlay=overlay)


async def said(sandbox: Sandbox, box: Box, script: str) -> str:
    finished = await sandbox.run(box, ["sh", "-c", script], Limits(seconds=60))
    return finished.output.decode()


async def test_what_is_written_stays_in_the_room(sandbox: Sandbox, overlaid: Box, tmp_path: Path) -> None:
    assert await said(sandbox, overlaid, "ls in; cat both; stat -c %u:%a both") == "layer\nlower\nlayer\n4242:600\n"
    assert await said(sandbox, overlaid, "echo mine >> both; mv in away; rm away/lower; echo new > new") == ""
    assert (
        await said(sandbox, overlaid, "cat both new; ls . away")
        == "layer\nmine\nnew\n.:\naway\nboth\nnew\n\naway:\nlayer\n"
    )
    assert (tmp_path / "layer" / "both").read_text() == "layer\n"
    assert sorted(os.listdir(tmp_path / "lower" / "in")) == ["lower"]


async def test_a_box_may_be_for_reading_only(sandbox: Sandbox, overlaid: Box) -> None:
    await said(sandbox, overlaid, "echo mine >> both; rm -r in")
    assert overlaid.overlay is not None
    overlay = Overlay(overlaid.overlay.sealed, overlaid.overlay.room, "/task", writable=False)
    told = await said(sandbox, Box((), "/task", tenant=7, overlay=overlay), "ls; cat both; touch new 2>&1")
    assert told == "both\nlayer\nmine\ntouch: cannot touch 'new': Read-only file system\n"


async def test_two_sandboxes_in_one_room_naive(sandbox: Sandbox, overlaid: Box, tmp_path: Path) -> None:
    """Without the lock both would run: the kernel only warns, and what it then does is not defined."""
    async with await sandbox.start(overlaid, ["sh", "-c", "echo up; exec sleep 60"], Limits()) as running:
        assert await running.stdout.readline() == b"up\n"  # two that mount at the same time fail in a way of their own
        os.rename(tmp_path / "room" / "lock", tmp_path / "held")
        (tmp_path / "room" / "lock").touch()
        assert await said(sandbox, overlaid, "echo here") == "here\n"


async def test_two_sandboxes_in_one_room_here(sandbox: Sandbox, overlaid: Box) -> None:
    assert overlaid.overlay is not None
    async with await sandbox.start(overlaid, ["sleep", "60"], Limits()):
        with pytest.raises(SandboxFailed, match="another sandbox still works in"):
            await alone(overlaid.overlay, patience=0.1)
    assert await said(sandbox, overlaid, "echo here") == "here\n"


async def test_the_next_sandbox_waits_for_the_one_before(sandbox: Sandbox, overlaid: Box) -> None:
    first = asyncio.create_task(said(sandbox, overlaid, "sleep 0.5; echo first > who"))
    await asyncio.sleep(0.1)
    assert await said(sandbox, overlaid, "cat who") == "first\n"
    await first


async def test_the_lock_outlives_whoever_took_it(sandbox: Sandbox, overlaid: Box) -> None:
    """A bot that is killed lets go of its descriptors before its sandboxes are dead."""
    assert overlaid.overlay is not None
    async with await sandbox.start(overlaid, ["sh", "-c", "echo up; exec sleep 60"], Limits()) as running:
        assert await running.stdout.readline() == b"up\n"
        held = [fd for fd in os.listdir("/proc/self/fd") if _leads_to(fd, overlaid.overlay.lock)]
        assert held == [], "our own copy is closed: what holds it is the sandbox"
        with pytest.raises(SandboxFailed):
            await alone(overlaid.overlay, patience=0.0)
        os.kill(running.pid, signal.SIGKILL)
        os.close(await alone(overlaid.overlay))


def _leads_to(fd: str, path: Path) -> bool:
    try:
        return os.path.samefile(f"/proc/self/fd/{fd}", path)
    except OSError:
        return False


async def test_the_lock_is_no_way_out(sandbox: Sandbox, overlaid: Box) -> None:
    """bubblewrap's first process inside holds the lock; through a folder there one could walk about on the host."""
    told = await said(sandbox, overlaid, "for fd in /proc/1/fd/*; do test -d $fd && echo folder $fd; done; echo end")
    assert told == "end\n"
    if os.getuid() == 0:
        told = await said(
            sandbox, overlaid, "for fd in /proc/1/fd/*; do case $(readlink $fd) in */lock) cat $fd; esac; done"
        )
        assert "Permission denied" in told


@superuser
async def test_another_tenant_cannot_write_even_what_it_sees(sandbox: Sandbox, tmp_path: Path) -> None:
    """A leaked mount, played by a bind: the folder of tenant 7 in the box of tenant 8."""
    folder = sandbox.make_folder(tmp_path / "seven", 7)
    bind = Bind(folder, "/task", writable=True)
    mine = Box((bind,), "/task", tenant=7)
    assert await said(sandbox, mine, "echo 7 > file; cat file") == "7\n"
    assert (folder / "file").stat().st_uid == Uids().of(7)
    told = await said(
        sandbox,
        Box((Bind(tmp_path, "/in"), Bind(folder, "/seven", writable=True)), "/", tenant=8),
        "ls /seven; echo 8 > /seven/file",
    )
    assert told.count("Permission denied") == 2
    same = Box((Bind(folder, "/seven", writable=True),), "/", tenant=7)
    assert await said(sandbox, same, "echo 8 > /seven/file; cat /seven/file") == "8\n", "naive: one uid for all"


@superuser
async def test_sealed_folders_belong_to_the_bot(sandbox: Sandbox, overlaid: Box, tmp_path: Path) -> None:
    """A leaked mount of a sealed folder: whatever tenant, it cannot be written."""
    for tenant in (0, 7):
        box = Box((Bind(tmp_path / "layer", "/leak", writable=True),), "/", tenant=tenant)
        assert "Permission denied" in await said(sandbox, box, "echo x >> /leak/both; touch /leak/new")


async def test_an_overlay_needs_bubblewrap(tmp_path: Path) -> None:
    sandbox = Sandbox(Capability(SandboxLevel.EXTERNAL, "", insisted=True))
    box = Box((), "/", overlay=Overlay((tmp_path,), tmp_path, "/task"))
    with pytest.raises(SandboxFailed):
        await sandbox.run(box, ["true"], Limits())


@superuser
def test_uids_are_shared_where_the_range_is_missing() -> None:
    assert Uids.here() == Uids()
    assert len({Uids().of(tenant) for tenant in range(1000)}) == 1000
    assert Uids(4242, 1).of(5) == 4242
