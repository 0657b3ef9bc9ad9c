"""The end of a child process is known while its output lies unread."""

import asyncio

import pytest

from bot.sandbox.child import Child

PIPE = asyncio.subprocess.PIPE


@pytest.mark.anyio
async def test_what_nobody_reads_would_hide_the_end() -> None:
    process = await asyncio.create_subprocess_exec("yes", stdout=PIPE, limit=1 << 12)
    await asyncio.sleep(0.2)  # the pipe is full, and asyncio has stopped reading it
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.sleep(0)
    process.kill()
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    process._transport.close()  # type: ignore[attr-defined]
    assert await waiting < 0


@pytest.mark.anyio
async def test_the_end_is_known_anyhow() -> None:
    child = await Child.start(["yes"], stdin=None, stdout=PIPE, stderr=None)
    child.process.stdout._limit = 1 << 12  # type: ignore[union-attr]
    await asyncio.sleep(0.2)
    waiting = asyncio.ensure_future(child.exited())
    await asyncio.sleep(0)
    child.kill()
    assert await asyncio.wait_for(waiting, 20) < 0
    await child.close()
