"""Fillers of memory, disk and process tables: each does its damage without the guard, and is stopped with it."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox import cgroup
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability, Groups, limits_told
from bot.sandbox.process import Sandbox
from bot.sandbox.quota import DEEPEST, DiskWatch, Tally, TooDeep
from bot.sandbox.running import Ending
from bot.task.results import SandboxLevel
from tests.sandbox.hiding import hiding

pytestmark = pytest.mark.anyio
Alive = Callable[[], list[str]]
MB = 10**6
FILL = {
    "one process": "x = bytearray(400_000_000); import time; time.sleep(60)",
    "many processes": (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        x = bytearray(50_000_000); time.sleep(60)\n"
        "time.sleep(60)"
    ),
    "/dev/shm": (
        "import time; f = open('/dev/shm/x', 'wb')\nfor _ in range(400): f.write(bytes(1_000_000))\ntime.sleep(60)"
    ),
    "unnamed": (
        "import os, time; fd = os.memfd_create('x'); part = bytes(1_000_000)\n"
        "for _ in range(400): os.write(fd, part)\n"
        "time.sleep(60)"
    ),
}
TIGHT = Limits(seconds=60, memory_bytes=200 * MB)
ROOMY = Limits(seconds=2, memory_bytes=2000 * MB)


def kernel(found: Capability) -> Sandbox:
    if "memory" not in found.groups.controllers:
        pytest.skip("no memory control group can be made here")
    return Sandbox(found)


def watched(found: Capability) -> Sandbox:
    """As on a machine without control groups."""
    return Sandbox(replace(found, groups=Groups()))


def python(script: str) -> list[str]:
    return ["python3", "-c", script]


def groups(found: Capability) -> list[Path]:
    folders = set(found.groups.folders.values())
    return [left for folder in folders for left in folder.glob(f"issuewright-{os.getpid()}-*")]


# ── memory ──


@pytest.mark.parametrize("how", [kernel, watched])
@pytest.mark.parametrize("filler", list(FILL))
async def test_memory_is_limited(
    capability: Capability, box: Box, how: Callable[[Capability], Sandbox], filler: str, token: str, alive: Alive
) -> None:
    """Whoever fills it in the way of one process is refused by the kernel where nothing else is to be had."""
    sandbox = how(capability)
    argv = ["sh", "-c", f'{hiding(token)} exec python3 -c "$0"', FILL[filler]]
    finished = await sandbox.run(box, argv, TIGHT)
    assert alive() == []
    if (how, filler) == (watched, "one process"):
        assert (finished.exit_code, b"MemoryError" in finished.output) == (1, True)
    else:
        assert (finished.exit_code, finished.ending) == (None, Ending.MEMORY_LIMIT)
        assert finished.detail.startswith("it used ")
        assert finished.detail.endswith("of memory; at most 200 MB may be used")
    assert groups(capability) == []


@pytest.mark.parametrize("filler", list(FILL))
async def test_with_room_the_same_program_goes_on(capability: Capability, box: Box, filler: str) -> None:
    finished = await watched(capability).run(box, python(FILL[filler]), ROOMY)
    assert (finished.ending, finished.detail) == (Ending.TIMED_OUT, "")


async def test_a_program_that_is_killed_for_memory_and_ends_at_once(capability: Capability, box: Box) -> None:
    """The kernel kills a child; its parent tells of it and ends before anybody looks."""
    script = 'python3 -c "x = bytearray(400_000_000)"; echo "ended with $?"'
    finished = await kernel(capability).run(box, ["sh", "-c", script], TIGHT)
    assert finished.ending is Ending.MEMORY_LIMIT


@pytest.mark.parametrize("how", [kernel, watched])
async def test_neighbours_do_not_notice(
    capability: Capability, sandbox: Sandbox, tmp_path: Path, how: Callable[[Capability], Sandbox]
) -> None:
    def place(name: str) -> Box:
        return Box((Bind(sandbox.make_folder(tmp_path / name), "/task", writable=True),), "/task")

    work = "x = bytearray(50_000_000); import time; time.sleep(1.5); print(sum(x))"
    results = await asyncio.gather(
        how(capability).run(place("filler"), python(FILL["many processes"]), TIGHT),
        *(how(capability).run(place(name), python(work), TIGHT) for name in ("one", "two")),
    )
    endings = [finished.ending for finished in results]
    assert endings == [Ending.MEMORY_LIMIT, Ending.EXITED, Ending.EXITED]
    assert results[1].output == results[2].output == b"0\n"


async def test_shared_memory_counts_once(capability: Capability, box: Box) -> None:
    """Eight processes that share 100 MB use 100 MB, not 800."""
    script = (
        "import os, time\nx = bytearray(100_000_000)\n"
        "for _ in range(7):\n    if os.fork() == 0:\n        time.sleep(2); os._exit(0)\n"
        "time.sleep(2); print('fine')"
    )
    finished = await watched(capability).run(box, python(script), TIGHT)
    assert (finished.ending, finished.output) == (Ending.EXITED, b"fine\n")


async def test_address_space_is_free(capability: Capability, box: Box) -> None:
    """Node reserves gigabytes at its start and uses few of them."""
    reserve = "import mmap; x = mmap.mmap(-1, 8_000_000_000, prot=0); print('fine')"
    finished = await watched(capability).run(box, python(reserve), TIGHT)
    assert (finished.exit_code, finished.output) == (0, b"fine\n")


# ── disk ──

DISK = {
    "one file": "dd if=/dev/zero of=/task/x bs=1M count=300 status=none",
    "many files": "for i in $(seq 60); do head -c 5000000 /dev/zero > /task/$i; done",
    "sudden": "fallocate -l 300M /task/x",
    "closed folder": "mkdir /task/d; head -c 300000000 /dev/zero > /task/d/x; chmod 0 /task/d",
    "deleted file": "exec 7> /task/x; rm /task/x; head -c 300000000 /dev/zero >&7",
}


@pytest.mark.parametrize("filler", list(DISK))
async def test_disk_space_is_limited(sandbox: Sandbox, box: Box, filler: str, token: str, alive: Alive) -> None:
    if filler == "closed folder" and os.getuid() != 0:
        pytest.skip("only the superuser sees what lies in a closed folder")
    limits = Limits(seconds=30, disk_bytes=100 * MB)
    finished = await sandbox.run(box, ["sh", "-c", f"{hiding(token)} {DISK[filler]}; sleep 60"], limits)
    assert (finished.exit_code, finished.ending, alive()) == (None, Ending.DISK_LIMIT, [])
    assert finished.detail.startswith("it filled ")
    assert finished.detail.endswith("of disk space; at most 100 MB may be used")


@pytest.mark.parametrize("filler", ["one file", "deleted file"])
async def test_with_room_the_same_files_stay(sandbox: Sandbox, box: Box, filler: str) -> None:
    finished = await sandbox.run(box, ["sh", "-c", f"{DISK[filler]}; sleep 1; echo done"], Limits(seconds=30))
    assert finished.output == b"done\n"


async def test_empty_files_count(sandbox: Sandbox, box: Box) -> None:
    """They use up what a file system has of them."""
    script = (
        "import os\nfor i in range(100_000): os.close(os.open(f'/task/{i}', os.O_CREAT))\nimport time; time.sleep(60)"
    )
    finished = await sandbox.run(box, python(script), Limits(seconds=60, disk_bytes=20 * MB))
    assert finished.ending is Ending.DISK_LIMIT


async def test_folders_too_deep_to_look_into(sandbox: Sandbox, box: Box) -> None:
    script = (
        f"import os\nfor _ in range({DEEPEST + 20}):\n    os.mkdir('d'); os.chdir('d')\nimport time; time.sleep(60)"
    )
    finished = await sandbox.run(box, python(script), Limits(seconds=60))
    assert finished.ending is Ending.DISK_LIMIT
    assert "nested folders more than 100 deep" in finished.detail


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    """Naive: a walk by names counts what a link points to."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "large").write_bytes(bytes(10 * MB))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
    walk = os.walk(tmp_path / "tree", followlinks=True)
    naive = sum(os.stat(Path(at, name)).st_size for at, _, names in walk for name in names)
    assert naive > 9 * MB
    assert measured(tmp_path / "tree") < MB
    assert measured(tmp_path / "tree" / "link" / "..") < 20 * MB
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        measured(tmp_path / "tree" / "link")


def measured(folder: Path) -> int:
    tally = Tally(10**15)
    tally.walk(folder)
    return tally.bytes


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(MB))
    os.link(tmp_path / "a", tmp_path / "b")
    assert MB <= measured(tmp_path) < 1.1 * MB


def test_a_walk_ends_when_it_has_seen_enough(tmp_path: Path) -> None:
    for name in range(50):
        (tmp_path / str(name)).write_bytes(b"x")
    tally = Tally(enough=10 * 4096)
    tally.walk(tmp_path)
    assert tally.bytes == 11 * 4096


def test_deep_folders_cost_few_descriptors(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(DEEPEST + 2):
        here /= "d"
        here.mkdir()
    with pytest.raises(TooDeep):
        measured(tmp_path)


async def test_a_wide_tree_is_looked_at_less_often(tmp_path: Path) -> None:
    """The pause grows with the cost of a walk."""
    cheap, costly = (DiskWatch([tmp_path], list, 10**12) for _ in range(2))
    costly._cost = 1.0
    watching = [asyncio.ensure_future(watch.exceeded()) for watch in (cheap, costly)]
    await asyncio.sleep(2.2)
    for one in watching:
        one.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    assert cheap.walks >= 2
    assert costly.walks == 0


# ── processes ──

BOMB = """
import os, time
n = 0
try:
    while n < 300:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        n += 1
except OSError:
    pass
print(n)
"""


async def test_a_fork_bomb_stays_in_its_box(sandbox: Sandbox, tmp_path: Path) -> None:
    def place(name: str) -> Box:
        return Box((Bind(sandbox.make_folder(tmp_path / name), "/task", writable=True),), "/task")

    roomy, tight, neighbour = await asyncio.gather(
        sandbox.run(place("naive"), python(BOMB), Limits(seconds=60)),
        sandbox.run(place("bomb"), python(BOMB), Limits(seconds=60, processes=50)),
        sandbox.run(
            place("neighbour"), ["sh", "-c", "for i in 1 2 3 4 5; do sleep 0.2 & done; wait; echo fine"], TIGHT
        ),
    )
    assert int(roomy.output) == 300
    assert int(tight.output) < 50
    assert neighbour.output == b"fine\n"


async def test_processes_are_limited_without_bubblewrap(capability: Capability) -> None:
    if "pids" not in capability.groups.controllers:
        pytest.skip("no group for processes can be made here")
    level = Capability(SandboxLevel.EXTERNAL, "He says so.", insisted=True, groups=capability.groups)
    finished = await Sandbox(level).run(Box((), "/"), python(BOMB), Limits(seconds=60, processes=50))
    assert int(finished.output) < 60


@pytest.mark.parametrize("groups_there", [True, False])
async def test_memory_is_limited_without_bubblewrap(capability: Capability, groups_there: bool) -> None:
    found = capability.groups if groups_there else Groups()
    sandbox = Sandbox(Capability(SandboxLevel.EXTERNAL, "He says so.", insisted=True, groups=found))
    finished = await sandbox.run(Box((), "/"), python(FILL["many processes"]), TIGHT)
    assert finished.ending is Ending.MEMORY_LIMIT


async def test_processors_are_limited(capability: Capability, box: Box) -> None:
    if "cpu" not in capability.groups.controllers:
        pytest.skip("no group for processors can be made here")
    spin = "import time; end = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    finished = await Sandbox(capability).run(box, python(spin), Limits(seconds=60, cpus=0.2))
    assert float(finished.output) < 0.6


# ── control groups ──


async def test_groups_that_a_killed_bot_left_are_removed(capability: Capability) -> None:
    if not capability.groups.controllers:
        pytest.skip("no control group can be made here")
    left = [folder / "issuewright-999999999-abc" for folder in set(capability.groups.folders.values())]
    for folder in left:
        folder.mkdir()
    cgroup.find()
    assert [folder.exists() for folder in left] == [False] * len(left)


def test_version_2_as_systemd_delegates_it(tmp_path: Path) -> None:
    """Plain files in place of the kernel's: where a group is made, and what is written there."""
    base = tmp_path / "fs" / "app.service"
    base.mkdir(parents=True)
    (base / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    (base / "cgroup.subtree_control").write_text("")
    (tmp_path / "mountinfo").write_text(f"30 20 0:26 / {tmp_path}/fs rw,nosuid - cgroup2 cgroup2 rw\n")
    (tmp_path / "cgroup").write_text("0::/app.service\n")
    found = cgroup.find(tmp_path)
    assert (found.version, found.controllers) == (2, ("memory", "pids", "cpu"))
    assert (base / "issuewright" / "cgroup.procs").read_text() == "0"
    assert (base / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    group = cgroup.make(found, Limits(memory_bytes=100 * MB, processes=50, cpus=1.5))
    written = {file.name: file.read_text() for file in group.folders[0].iterdir()}
    assert written == {
        "memory.max": "100000000",
        "memory.oom.group": "1",
        "pids.max": "58",
        "cpu.max": "150000 100000",
    }
    assert group.killed() is None
    (group.folders[0] / "memory.events").write_text("max 3\noom 1\noom_kill 1\n")
    (group.folders[0] / "memory.peak").write_text("100000000\n")
    excess = group.killed()
    assert excess is not None
    assert excess.detail == "it used 100 MB of memory; at most 100 MB may be used"


@pytest.mark.parametrize(
    ("controllers", "told"),
    [
        (("memory", "pids", "cpu"), "Limited: memory, processes and processors by the kernel; disk space by looking"),
        ((), "Limited: processes by the kernel; memory and disk space by looking every half second or less often;"),
    ],
)
def test_what_is_not_limited_is_said(controllers: tuple[str, ...], told: str) -> None:
    found = Groups(1, {name: Path("/x") for name in controllers})
    assert limits_told(Capability(SandboxLevel.OVERLAY, "Well.", groups=found)).startswith(told)
    assert (
        "processors by nothing" in limits_told(Capability(SandboxLevel.OVERLAY, "Well.", groups=found))
    ) is not bool(controllers)


def test_without_bubblewrap_and_groups_nothing_limits_processes() -> None:
    told = limits_told(Capability(SandboxLevel.EXTERNAL, "He says so.", insisted=True))
    assert told.endswith("processes and processors by nothing.")
