"""Measure how soon each installed agent is through its first turn (one edit), and how much memory its tree needs.

    python -m tests.agents_real.measure [NAME…]

Prints rows for the table in `docs/agents.md`. Memory is the sum of proportional shares (PSS), looked at ten times a
second; the machine should be quiet.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from tests.agents_real.install import installed, names
from tests.agents_real.world import Desk
from tests.worlds.model_server import ModelServer

EDIT = "MODEL[write a.txt one ;; say Done.]"


async def main(wanted: list[str]) -> None:
    """One row for each agent that is installed."""
    sandbox = Sandbox(probe("auto"))
    for name in wanted or names():
        folder = installed(name)
        if folder is None:
            continue
        with tempfile.TemporaryDirectory(prefix="measure-") as root, ModelServer() as server:
            os.chmod(root, 0o755)  # noqa: S103 - others enter it
            desk = Desk(Path(root), sandbox, name, folder, server)
            seconds, most = await _turn(desk)
        sys.stdout.write(f"| `{name}` | {seconds:.1f} s | {most >> 10} MB |\n")
        sys.stdout.flush()


async def _turn(desk: Desk) -> tuple[float, int]:
    """Seconds, and KiB at most."""
    began, most = time.monotonic(), 0
    turn = asyncio.create_task(desk.turn(EDIT))
    while not turn.done():
        most = max(most, sum(_pss(pid) for pid in desk.alive()))
        await asyncio.wait([turn], timeout=0.1)
    await turn
    return time.monotonic() - began, most


def _pss(pid: int) -> int:
    """KiB; 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
