"""The gap that death with the parent leaves while a sandbox is set up, held open on purpose."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bot
from bot.sandbox import contained
from bot.sandbox.box import Box, Limits
from bot.sandbox.view import Furniture, Uids
from tests.sandbox.hiding import end

PLACE = contained.Place(Furniture.of((), ()), Uids.here())


@pytest.mark.usefixtures("capability")
@pytest.mark.parametrize("answered", [True, False])
def test_a_command_starts_only_while_somebody_answers(
    box: Box, token: str, alive: Callable[[], list[str]], answered: bool
) -> None:
    """bubblewrap is killed while its inside waits, too early for its death to be passed on."""
    held, go_on = os.pipe()
    argv = ["sh", "-c", "touch up; sleep 60", token]
    plan = contained.plan(PLACE, box, argv, Limits(), extra=("--block-fd", str(held)))
    with subprocess.Popen(plan.argv, env={}, pass_fds=(*plan.descriptors, held), start_new_session=True) as bubblewrap:
        plan.close()
        os.read(plan.wires.report, 4096)  # its child exists
        time.sleep(0.1)
        bubblewrap.kill()
    if answered:
        plan.wires.question.send(b"\n")
    else:
        plan.wires.question.close()
    os.close(held)
    os.write(go_on, b"x")
    os.close(go_on)
    time.sleep(0.3)
    assert (box.binds[0].source / "up").exists() is answered
    if answered:  # shown: by itself it runs on
        end(token)
        time.sleep(0.1)
    assert alive() == []
    plan.wires.close_ours()


DYING = """
import os, subprocess, sys, time
from pathlib import Path
from bot.sandbox import contained
from bot.sandbox.box import Box, Limits
from bot.sandbox.view import Furniture, Uids

plan = contained.plan(contained.Place(Furniture.of((), ()), Uids.here()), Box((), "/"), ["true", sys.argv[1]], Limits())
if sys.argv[2] == "naive":
    plan = contained.Plan(plan.argv, plan.wires, (*plan.files, plan.wires.life.fileno()))
os.set_blocking(plan.wires.reporting, False)
try:
    while True:
        os.write(plan.wires.reporting, bytes(4096))
except BlockingIOError:
    os.set_blocking(plan.wires.reporting, True)
subprocess.Popen(plan.argv, env={}, pass_fds=plan.descriptors, start_new_session=True)
plan.close()
time.sleep(60)
"""
"""A bot whose bubblewrap cannot report, and so never lets its child go on. The naive one gives its life away."""


def waiting(token: str) -> list[int]:
    """Pids of children of bubblewrap that have no uid map yet."""
    return [pid for pid in pids(token) if (uid_map := read(pid, "uid_map")) is not None and not uid_map]


def pids(token: str) -> list[int]:
    found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in found if f"\0{token}".encode() in (read(pid, "cmdline") or b"") and pid != os.getpid()]


def read(pid: int, name: str) -> bytes | None:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return None


@pytest.mark.usefixtures("capability")
@pytest.mark.parametrize("how", ["naive", "here"])
def test_death_between_bubblewraps_fork_and_its_word_to_the_child(token: str, how: str) -> None:
    """bubblewrap dies with its parent, as it should, and does not take the child along that waits for its uid map."""
    root = Path(bot.__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", DYING, token, how], cwd=root) as dying:
        until(lambda: bool(waiting(token)), 20)
        dying.kill()
    if how == "naive":
        time.sleep(0.5)
        (left,) = waiting(token)
        os.kill(left, signal.SIGKILL)
    until(lambda: not pids(token), 20)


def until(happened: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
