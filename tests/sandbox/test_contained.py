"""The gap that death with the parent leaves while a sandbox is set up, held open on purpose."""

import os
import subprocess
import time
from collections.abc import Callable

import pytest

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
        plan.wires.close_ours()
    os.close(held)
    os.write(go_on, b"x")
    os.close(go_on)
    time.sleep(0.3)
    assert (box.binds[0].source / "up").exists() is answered
    if answered:  # shown: by itself it runs on
        plan.wires.close_ours()
        end(token)
        time.sleep(0.1)
    assert alive() == []
