"""The server runs on uvloop: the same promises hold there."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from bot.sandbox.box import Box, Limits
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending
from tests.sandbox.hiding import hiding


def test_run_start_limits_and_cancelling(
    sandbox: Sandbox, box: Box, token: str, alive: Callable[[], list[str]]
) -> None:
    async def story() -> None:
        finished = await sandbox.run(box, ["cat"], Limits(), stdin=b"x" * 300_000)
        assert (finished.exit_code, finished.output[:3]) == (0, b"xxx")
        script = ["sh", "-c", f"{hiding(token)} echo up; cat", token]
        assert (await sandbox.run(box, ["yes"], Limits(output_bytes=9999))).ending is Ending.OUTPUT_LIMIT
        async with await sandbox.start(box, script, Limits()) as running:
            assert await running.stdout.readline() == b"up\n"
            running.stdin.write(b"hello\n")
            assert await running.stdout.readline() == b"hello\n"
        assert alive() == []
        for seconds in (0.0, 0.01, 0.03, 0.3):
            task = asyncio.create_task(sandbox.run(box, ["sh", "-c", "sleep 60", token], Limits()))
            await asyncio.sleep(seconds)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert alive() == []

    uvloop.run(story())
