"""Attacks on a worktree and on a process: each is shown to work on a naive, shared checkout, and is refused here.

The naive half is no straw man: one clone with a worktree per task, git run in it from outside, a process group to kill.
In both halves the agent runs the same script; the marker is a file of the host that only code outside a sandbox can
write, or that must not be read.
"""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sandbox.box import Limits
from bot.task.results import FileChange, Harvested, HarvestRefused
from bot.workspace.values import Pushed
from tests.sandbox.hiding import commands, end, hiding
from tests.workspace.conftest import BRANCH, Desk
from tests.workspace.origin import Origin, git

pytestmark = pytest.mark.anyio

COMMON = "c=$(git rev-parse --git-common-dir); mkdir -p $c/hooks $c/info; "


@dataclass(frozen=True)
class Attack:
    """`script` is the agent's; then the naive bot runs git with `then` in the agent's folder."""

    script: str
    then: tuple[str, ...]


RUNS_CODE = {
    "filter driver": Attack(
        COMMON + "git config filter.x.clean 'echo ran > {marker}; cat'; echo '*.txt filter=x' > $c/info/attributes",
        ("add", "-A"),
    ),
    "filter driver by .gitattributes": Attack(
        "git config filter.x.clean 'echo ran > {marker}; cat'; echo '*.txt filter=x' > .gitattributes",
        ("add", "-A"),
    ),
    "hook": Attack(
        COMMON + "printf '#!/bin/sh\\necho ran > {marker}\\n' > $c/hooks/pre-commit; chmod +x $c/hooks/pre-commit",
        ("commit", "-qam", "x"),
    ),
    "hooks path": Attack(
        "mkdir ../h; printf '#!/bin/sh\\necho ran > {marker}\\n' > ../h/pre-commit; chmod +x ../h/pre-commit;"
        " git config core.hooksPath $PWD/../h",
        ("commit", "-qam", "x"),
    ),
    "fsmonitor": Attack("git config core.fsmonitor 'echo ran > {marker}; false'", ("status", "--short")),
    "swapped .git": Attack(
        "rm -rf .git; git init -q --separate-git-dir=evil .; git config core.fsmonitor 'echo ran > {marker}; false'",
        ("-c", "core.hooksPath=/dev/null", "status", "--short"),
    ),
    "diff driver": Attack(
        "git config diff.external 'sh -c \"echo ran > {marker}\"'",
        ("diff",),
    ),
}


@dataclass
class Naive:
    """One clone for all tasks, a shared worktree for this one; the agent works outside any sandbox."""

    origin: Origin
    root: Path

    @classmethod
    def new(cls, origin: Origin, root: Path) -> "Naive":
        root.mkdir()
        git(root, "clone", "-q", str(origin.remote), "shared")
        git(root / "shared", "worktree", "add", "-q", "-b", "task", str(root / "tree"))
        return cls(origin, root)

    @property
    def tree(self) -> Path:
        return self.root / "tree"

    def agent(self, script: str) -> None:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        subprocess.run(["bash", "-c", script], cwd=self.tree, env=env, capture_output=True)


@pytest.fixture
def naive(origin: Origin, tmp_path: Path) -> Naive:
    return Naive.new(origin, tmp_path / "naive")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


def ran(marker: Path) -> bool:
    return marker.exists()


# ── code that git would run for the agent ──


@pytest.mark.parametrize("name", RUNS_CODE)
def test_git_runs_code_naive(naive: Naive, marker: Path, name: str) -> None:
    attack = RUNS_CODE[name]
    naive.agent("echo x >> a.txt; " + attack.script.replace("{marker}", str(marker)))
    assert not marker.exists()
    git(naive.tree, *attack.then, check=False)
    assert marker.read_text() == "ran\n"


@pytest.mark.parametrize("name", RUNS_CODE)
async def test_git_runs_code_here(desk: Desk, marker: Path, name: str) -> None:
    await desk.agent("echo x >> a.txt; " + RUNS_CODE[name].script.replace("{marker}", str(marker)))
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert FileChange("a.txt", "M", 1, 0) in result.files
    commit = git(desk.root / "tasks/7/quarantine.git", "show", f"{result.commit}:a.txt")
    assert commit == "hello\nx"
    await desk.door.check_out(desk.task, result.commit)
    assert await desk.door.push(desk.task, desk.remote, result.commit, BRANCH, None) == Pushed()
    assert not ran(marker)


NESTED = (
    "git init -q sub; cd sub; echo 1 > f; git add f; git -c user.name=a -c user.email=b commit -q -m x; cd ..;"
    " git add sub; cd sub; echo 2 > f; git config filter.x.clean 'echo ran > {marker}; cat';"
    " echo '* filter=x' > .git/info/attributes"
)


def test_nested_repository_naive(naive: Naive, marker: Path) -> None:
    naive.agent(NESTED.replace("{marker}", str(marker)))
    assert not marker.exists()
    git(naive.tree, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "status", "--short")
    assert marker.read_text() == "ran\n"


async def test_nested_repository_here(desk: Desk, marker: Path) -> None:
    await desk.agent(NESTED.replace("{marker}", str(marker)))
    sentence = "`sub` is a repository of its own (submodule or nested `.git`)."
    assert await desk.harvest() == HarvestRefused((sentence,))
    assert not ran(marker)


# ── files of the host ──


def test_symlink_to_a_host_file_naive(naive: Naive, marker: Path) -> None:
    marker.write_text("host secret")
    naive.agent(f"ln -sf {marker} a.txt")
    assert (naive.tree / "a.txt").read_text() == "host secret"  # a bot that reads a changed file to show it


async def test_symlink_to_a_host_file_here(desk: Desk) -> None:
    secret = desk.origin.clone / "a.txt"
    assert "No such file" in await desk.agent(f"ln -sf {secret} a.txt; cat a.txt")
    assert await desk.harvest() == HarvestRefused(("`a.txt` is a symbolic link that leads out of the tree.",))


def test_rewriting_a_shared_object_naive(naive: Naive) -> None:
    naive.agent("find $(git rev-parse --git-common-dir)/objects -type f -exec sh -c 'chmod u+w {}; echo evil > {}' \\;")
    assert "fatal" in subprocess.run(["git", "log"], cwd=naive.root / "shared", capture_output=True, text=True).stderr


async def test_rewriting_a_shared_object_here(desk: Desk) -> None:
    said = await desk.agent(
        "for s in $(cat .git/objects/info/alternates); do for f in $(find $s -type f); do chmod u+w $f; rm -f $f;"
        " echo evil > $f; done; touch $s/new; done"
    )
    assert said.count("Read-only file system") > 3
    assert git(desk.root / "mirrors/99.git", "fsck", "--no-dangling") == ""


def test_branch_of_another_task_naive(naive: Naive) -> None:
    git(naive.root / "shared", "branch", "other")
    naive.agent("git update-ref -d refs/heads/other")
    assert git(naive.root / "shared", "branch", "--list", "other") == ""


async def test_branch_of_another_task_here(desk: Desk) -> None:
    await desk.agent("git update-ref refs/heads/main HEAD; git update-ref -d refs/heads/main; rm -rf .git/refs")
    assert git(desk.root / "mirrors/99.git", "rev-parse", "main") == desk.base


# ── where the push goes ──


def test_redirected_push_naive(naive: Naive, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "thief.git")
    naive.agent(f"git config url.{tmp_path}/thief.git.insteadOf {naive.origin.remote}")
    git(naive.tree, "push", "-q", str(naive.origin.remote), "HEAD:refs/heads/x")
    assert git(tmp_path / "thief.git", "branch", "--list", "x") == "x"


async def test_redirected_push_here(desk: Desk, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "thief.git")
    evil = f"url.{tmp_path}/thief.git.insteadOf {desk.origin.remote}"
    await desk.agent(f"git config {evil}; git config --global {evil}; echo x >> a.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    assert await desk.door.push(desk.task, desk.remote, result.commit, BRANCH, None) == Pushed()
    assert desk.origin.tip(BRANCH) == result.commit
    assert git(tmp_path / "thief.git", "branch", "--list") == ""


# ── processes ──


def test_hiding_child_naive(tmp_path: Path) -> None:
    token = f"token-{tmp_path.name}"
    agent = subprocess.Popen(["bash", "-c", f"{hiding(token)} sleep 60"], start_new_session=True)
    try:
        while not commands(token):
            time.sleep(0.01)
        os.killpg(agent.pid, signal.SIGTERM)
        os.killpg(agent.pid, signal.SIGKILL)
        agent.wait()
        time.sleep(0.2)
        assert commands(token)
    finally:
        end(token)


async def test_hiding_child_here(desk: Desk, tmp_path: Path) -> None:
    token = f"token-{tmp_path.name}"
    box, argv = desk.door.box(desk.task), ["bash", "-c", f"{hiding(token)} sleep 60"]
    await desk.sandbox.run(box, argv, Limits(seconds=0.5))
    assert commands(token) == []


@contextmanager
def listening() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A server of the host on loopback, and whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def visited() -> bool:
            try:
                server.accept()[0].close()
            except TimeoutError:
                return False
            return True

        yield server.getsockname()[1], visited


def test_loopback_naive(naive: Naive) -> None:
    with listening() as (port, visited):
        naive.agent(f"echo hello > /dev/tcp/127.0.0.1/{port}")
        assert visited()


async def test_loopback_here(desk: Desk) -> None:
    with listening() as (port, visited):
        said = await desk.agent(f"echo hello > /dev/tcp/127.0.0.1/{port}; echo > /dev/udp/192.0.2.1/53")
        assert "Connection refused" in said
        assert "Network is unreachable" in said
        assert not await asyncio.to_thread(visited)


def test_environment_of_the_bot_naive(naive: Naive, marker: Path) -> None:
    bot = subprocess.Popen(["sleep", "20"], env={"TOKEN": "t0ken"})
    try:
        naive.agent(f"cat /proc/{bot.pid}/environ > {marker}")
    finally:
        bot.kill()
        bot.wait()
    assert "t0ken" in marker.read_text()


async def test_environment_of_the_bot_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    said = await desk.agent(f"env; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/{os.getpid()}/environ")
    assert "t0ken" not in said
    assert "No such file" in said
