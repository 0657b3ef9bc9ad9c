"""A process that opens the store and dies at a chosen point: `python -m tests.store.crasher FOLDER POINT`."""

import asyncio
import os
import sys
import time
from pathlib import Path

from bot.store import sqlite
from bot.store.bell import Bell
from bot.store.opening import open_sqlite
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.ids import DeliveryId, FactKey
from tests.store.given import labelled, result_of, stop, working
from tests.worlds.clock import StillClock


async def main(folder: Path, point: str) -> None:
    """Ends with os._exit: no clean-up of any kind runs, as after kill -9."""
    bell = Bell()
    opened = await open_sqlite(sqlite.file_of("sqlite:///store.db", folder), True, bell.ring)
    store, database = Store(opened, bell, Pace(), StillClock()), opened.database

    def die_in_this_batch() -> None:
        database.submit(lambda conn: os._exit(9))

    match point:
        case "hold":
            print("open", flush=True)
            await asyncio.to_thread(sys.stdin.read)
        case "received":
            received = [store.receive(DeliveryId(f"guid-{n}"), "issues", b"{}", True) for n in range(20)]
            await asyncio.gather(*received)
        case "claimed":
            await working(store)
        case "revoked":
            task, _ = await working(store)
            await store.apply(task.id, stop(1), FactKey("comment:1"))
        case "beginning":
            database.submit(lambda conn: time.sleep(0.2))
            beginning = asyncio.create_task(store.begin(labelled(), FactKey("label:11")))
            await asyncio.sleep(0)
            die_in_this_batch()
            await beginning
        case "finishing":
            _, claimed = await working(store)
            database.submit(lambda conn: time.sleep(0.2))
            finishing = asyncio.create_task(store.finish(claimed, result_of(claimed.effect)))
            await asyncio.sleep(0)
            die_in_this_batch()
            await finishing
        case _:
            raise ValueError(point)
    os._exit(9)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
