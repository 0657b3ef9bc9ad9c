"""A process that holds an effect: `python -m tests.postgres.holder URL FOLDER SECONDS`.

It claims RunAgent, says `held`, and after a line on stdin says what it still may: hold it, write to the world, finish.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from bot.store.store import Store
from bot.task.effects import Pace
from tests.store.given import result_of, working
from tests.worlds.clock import StillClock


async def main(url: str, folder: str, seconds: float) -> None:
    store = await Store.open(
        url, pace=Pace(), clock=StillClock(), data_dir=Path(folder), time_to_live=timedelta(seconds=seconds)
    )
    _, claimed = await working(store)
    print("held", flush=True)
    sys.stdin.readline()  # blocks the event loop; the heartbeat must not mind
    holds, may_write = store.holds(claimed), await store.may_write(claimed)
    finished = await store.finish(claimed, result_of(claimed.effect))
    print(f"{holds} {may_write} {finished}", flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
