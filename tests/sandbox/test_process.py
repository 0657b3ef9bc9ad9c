"""What a sandboxed process sees, how much it may use, and that nothing of it stays."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bot
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.capability import Capability, SandboxFailed, SandboxRefused
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending
from bot.sandbox.view import Uids
from bot.task.results import SandboxLevel
from tests.sandbox.hiding import hiding

pytestmark = pytest.mark.anyio
Alive = Callable[[], list[str]]
UNCONTAINED = Capability(SandboxLevel.NONE, "No namespaces here.", "Use a VM.")


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


async def said(sandbox: Sandbox, box: Box, script: str) -> str:
    finished = await sandbox.run(box, sh(script), Limits(seconds=20))
    return finished.output.decode()


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that tells nobody, for five seconds at most."""
    deadline = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


# ── what it sees ──


async def test_exit_code_and_output_come_back(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, sh("echo out; echo err >&2; exit 3"), Limits())
    assert (finished.exit_code, finished.ending, finished.output) == (3, Ending.EXITED, b"out\nerr\n")


async def test_a_signal_inside_is_an_exit_code(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, sh("kill -SEGV $$"), Limits())
    assert (finished.exit_code, finished.ending) == (128 + signal.SIGSEGV, Ending.EXITED)


async def test_a_missing_program_is_an_exit_code(sandbox: Sandbox, box: Box) -> None:
    assert (await sandbox.run(box, ["no-such-program"], Limits())).exit_code == 127


async def test_stdin_arrives_whole(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, ["wc", "-c"], Limits(), stdin=b"x" * 300_000)
    assert finished.output.strip() == b"300000"


async def test_nobody_reading_stdin_is_no_error(sandbox: Sandbox, box: Box) -> None:
    assert (await sandbox.run(box, ["true"], Limits(), stdin=b"x" * 3_000_000)).exit_code == 0


async def test_it_is_nobody_special(sandbox: Sandbox, box: Box) -> None:
    assert (await said(sandbox, box, "id -un; grep CapEff /proc/self/status")).split() == [
        "agent",
        "CapEff:",
        "0000000000000000",
    ]


async def test_the_environment_is_an_allowlist(sandbox: Sandbox, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET", "s3cret")
    env = await said(sandbox, box.with_env(REPORTS="/task"), "env")
    assert sorted(line.partition("=")[0] for line in env.splitlines()) == sorted(
        ["PATH", "HOME", "TMPDIR", "LANG", "USER", "TERM", "REPORTS", "PWD"]
    )


async def test_no_descriptor_of_the_bot_goes_in(sandbox: Sandbox, box: Box) -> None:
    assert (await said(sandbox, box, "ls /proc/$$/fd")).split() == ["0", "1", "2"]


async def test_python_is_the_bots_own(sandbox: Sandbox, box: Box) -> None:
    assert (await said(sandbox, box, "python3 -V")).split()[1] == sys.version.split()[0]


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/dev", sys.base_prefix])
async def test_only_its_own_folders_can_be_written(sandbox: Sandbox, box: Box, place: str) -> None:
    assert "Read-only file system" in await said(sandbox, box, f"touch {place}/x")


@pytest.mark.parametrize("place", ["/task", "/tmp", "/home/agent", "/dev/shm", "/run"])
async def test_its_own_folders_can_be_written(sandbox: Sandbox, box: Box, place: str) -> None:
    assert await said(sandbox, box, f"touch {place}/x && echo fine") == "fine\n"


async def test_user_namespaces_are_closed(sandbox: Sandbox, box: Box) -> None:
    assert (await sandbox.run(box, ["unshare", "-Ur", "true"], Limits())).exit_code == 1


async def test_a_source_may_lie_where_only_the_superuser_goes(sandbox: Sandbox, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    (locked / "inner").mkdir(parents=True)
    (locked / "inner" / "file").write_text("seen")
    locked.chmod(0o700)
    box = Box((Bind(locked / "inner", "/data"), Bind(locked / "inner" / "file", "/one")), "/")
    assert await said(sandbox, box, "cat /data/file /one; touch /data/x 2>&1 | grep -c Read-only") == "seenseen1\n"


async def test_a_bind_that_is_not_there_is_our_fault(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="nowhere"):
        await sandbox.run(Box((Bind(Path("/nowhere"), "/x"),), "/"), ["true"], Limits())


# ── how much it may use ──


async def test_time_is_limited(sandbox: Sandbox, box: Box, token: str, alive: Alive) -> None:
    finished = await sandbox.run(box, sh(hiding(token) + "sleep 60"), Limits(seconds=0.5))
    assert (finished.exit_code, finished.ending, alive()) == (None, Ending.TIMED_OUT, [])
    assert finished.seconds < 5


async def test_output_is_limited(sandbox: Sandbox, box: Box) -> None:
    seen = bytearray()
    finished = await sandbox.run(box, ["yes"], Limits(output_bytes=100_000), on_output=seen.extend)
    assert (finished.exit_code, finished.ending, len(seen)) == (None, Ending.OUTPUT_LIMIT, 100_000)


async def test_long_output_keeps_beginning_and_end(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, sh("echo first; head -c 1000000 /dev/zero; echo last"), Limits())
    assert finished.output.startswith(b"first")
    assert finished.output.endswith(b"last\n")
    assert b"bytes left out" in finished.output


async def test_files_are_limited(sandbox: Sandbox, box: Box) -> None:
    finished = await sandbox.run(box, sh("head -c 2000000 /dev/zero > big"), Limits(file_bytes=1_000_000))
    assert finished.exit_code != 0
    assert (box.binds[0].source / "big").stat().st_size == 1_000_000


async def test_processes_are_limited_per_sandbox(sandbox: Sandbox, box: Box) -> None:
    many = "for i in $(seq 40); do sleep 1 & done; wait"
    results = await asyncio.gather(
        sandbox.run(box, sh(many), Limits(processes=20, seconds=20)),
        sandbox.run(box, sh(many), Limits(processes=100, seconds=20)),
    )
    assert b"fork" in results[0].output
    assert results[1].output == b""


# ── that nothing stays ──


async def test_an_orderly_end_leaves_nothing(sandbox: Sandbox, box: Box, token: str, alive: Alive) -> None:
    finished = await sandbox.run(box, sh(hiding(token) + "sleep 0.1; echo done"), Limits())
    assert (finished.exit_code, finished.output, alive()) == (0, b"done\n", [])


async def test_cancelling_kills_before_it_is_raised(sandbox: Sandbox, box: Box, token: str, alive: Alive) -> None:
    running = asyncio.create_task(sandbox.run(box, sh(hiding(token) + "touch up; sleep 60"), Limits()))
    await until(lambda: bool(alive()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert alive() == []


@pytest.mark.parametrize("after", [0.0, 0.002, 0.01, 0.02, 0.03, 0.05])
async def test_cancelling_at_any_moment_of_the_start(
    sandbox: Sandbox, box: Box, token: str, alive: Alive, after: float
) -> None:
    running = asyncio.create_task(sandbox.run(box, ["sh", "-c", "sleep 60", token], Limits()))
    await asyncio.sleep(after)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert alive() == []


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox

async def main():
    box = Box((Bind(Path(sys.argv[1]), "/task", writable=True),), "/task")
    running = await Sandbox(probe("auto")).start(box, ["sh", "-c", *sys.argv[2:]], Limits())
    print("started", flush=True)
    await running.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.5])
async def test_kill_9_of_the_bot_takes_the_tree_along(box: Box, token: str, alive: Alive, seconds: float) -> None:
    """At any moment of the start: before bubblewrap, while it sets up, and when the command runs."""
    argv = [sys.executable, "-c", SUPERVISOR, str(box.binds[0].source), f"{hiding(token)} sleep 60; :", token]
    root = Path(bot.__file__).parents[1]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE) as supervisor:  # noqa: ASYNC220 - it says one line
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"started\n"
        time.sleep(seconds)  # noqa: ASYNC251 - to the millisecond
        assert alive()
        supervisor.kill()
    await asyncio.sleep(0.2)
    await until(lambda: not alive())


async def test_other_threads_may_not_start_anything(sandbox: Sandbox, box: Box) -> None:
    caught: list[Exception] = []

    def elsewhere() -> None:
        try:
            asyncio.run(sandbox.run(box, ["true"], Limits()))
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


# ── interactive ──


async def test_a_started_process_talks(sandbox: Sandbox, box: Box) -> None:
    async with await sandbox.start(box, sh("echo ready >&2; while read l; do echo got $l; done"), Limits()) as running:
        running.stdin.write(b"one\n")
        assert await running.stdout.readline() == b"got one\n"
        running.stdin.write(b"two\n")
        running.stdin.close()
        assert await running.stdout.read() == b"got two\n"
        finished = await running.wait()
    assert (finished.exit_code, finished.output, running.stderr_tail) == (0, b"ready\n", b"ready\n")


async def test_a_line_may_be_long(sandbox: Sandbox, box: Box) -> None:
    async with await sandbox.start(box, sh("head -c 20000000 /dev/zero | tr '\\0' x; echo"), Limits()) as running:
        assert len(await running.stdout.readline()) == 20_000_001


async def test_leaving_the_block_kills(sandbox: Sandbox, box: Box, token: str, alive: Alive) -> None:
    async with await sandbox.start(box, sh(hiding(token) + "echo up; cat"), Limits()) as running:
        await running.stdout.readline()
        await until(lambda: bool(alive()))
    assert alive() == []
    assert (await running.wait()).ending is Ending.KILLED


async def test_unread_output_does_not_hold_up_the_end(sandbox: Sandbox, box: Box, token: str, alive: Alive) -> None:
    async with await sandbox.start(box, ["sh", "-c", "yes; : " + token, token], Limits(seconds=1)) as running:
        assert (await running.wait()).ending is Ending.TIMED_OUT
    assert alive() == []


async def test_stderr_is_limited_too(sandbox: Sandbox, box: Box) -> None:
    async with await sandbox.start(box, sh("yes >&2"), Limits(output_bytes=100_000)) as running:
        assert (await running.wait()).ending is Ending.OUTPUT_LIMIT


# ── where nothing contains it ──


async def test_without_namespaces_strangers_are_refused(box: Box) -> None:
    with pytest.raises(SandboxRefused, match=r"No namespaces here\. Use a VM\."):
        await Sandbox(UNCONTAINED).run(box, ["true"], Limits())
    with pytest.raises(SandboxRefused):
        await Sandbox(UNCONTAINED).start(box, ["true"], Limits())


async def test_without_namespaces_our_own_may_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET", "s3cret")
    sandbox = Sandbox(UNCONTAINED)
    box = Box((Bind(sandbox.make_folder(tmp_path / "t"), "/task", writable=True),), "/task", {"REPORTS": "/task/r"})
    script = f"pwd; echo $REPORTS; echo x > {sandbox.path(box, '/task/f')}; env | grep -c SECRET; test -d $HOME$TMPDIR"
    finished = await sandbox.run(box, sh(script), Limits(), trusted=True)
    assert finished.output.decode().split() == [str(tmp_path / "t"), str(tmp_path / "t/r"), "0"]
    assert (tmp_path / "t/f").exists()


@pytest.mark.parametrize("level", [SandboxLevel.EXTERNAL, SandboxLevel.NONE])
async def test_the_operator_may_insist(level: SandboxLevel, token: str, alive: Alive) -> None:
    sandbox = Sandbox(Capability(level, "He says so.", insisted=True))
    finished = await sandbox.run(Box((), "/"), sh(hiding(token) + "sleep 60"), Limits(seconds=0.5))
    assert (finished.ending, alive()) == (Ending.TIMED_OUT, [])
    finished = await sandbox.run(Box((), "/"), sh(hiding(token) + "echo done"), Limits(seconds=20))
    assert (finished.exit_code, finished.output, alive()) == (0, b"done\n", [])


async def test_a_direct_process_can_be_cancelled_and_talked_to(token: str, alive: Alive) -> None:
    sandbox = Sandbox(UNCONTAINED)
    async with await sandbox.start(
        Box((), "/"), sh(f"read l; echo $l; {hiding(token)} cat"), Limits(), trusted=True
    ) as r:
        r.stdin.write(b"hello\n")
        assert await r.stdout.readline() == b"hello\n"
    assert alive() == []


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser has a uid to give up")
async def test_the_superuser_is_left_behind(sandbox: Sandbox, box: Box) -> None:
    async with await sandbox.start(box, ["sleep", "20"], Limits()) as running:
        await asyncio.sleep(0.3)
        assert os.stat(f"/proc/{running.pid}").st_uid == Uids().of(box.tenant)
