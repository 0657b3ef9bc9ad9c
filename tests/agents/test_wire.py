"""The transport: bounds, noise, and what never reaches the parser."""

import asyncio
from typing import Any

import pytest

from bot.agents.wire import BrokenWire, TooMuchOutput, Wire

pytestmark = pytest.mark.anyio


async def received(data: bytes, output_bytes: int = 128 << 20) -> tuple[list[dict[str, Any]], Wire]:
    """Every message that comes out of these bytes; the writing side is `cat`."""
    process = await asyncio.create_subprocess_exec("true", stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    stdout = asyncio.StreamReader()
    stdout.feed_data(data)
    stdout.feed_eof()
    wire = Wire(process.stdin, stdout, output_bytes)
    messages = []
    while (message := await wire.receive()) is not None:
        messages.append(message)
    await wire.close()
    await process.wait()
    return messages, wire


async def test_messages_and_noise() -> None:
    messages, wire = await received(b'\n  {"id": 1}\nWarning: old node\n42\n"x"\n{"id": 2, "result": {}}\n{"id": 3')
    assert messages == [{"id": 1}, {"id": 2, "result": {}}]
    assert wire.failure is None, "a last line that is cut off is the end, not a broken message"
    assert wire.noise == '"x"'


async def test_a_long_message_comes_through_and_a_longer_one_does_not() -> None:
    messages, _ = await received(b'{"a":"' + b"x" * (20 << 20) + b'"}\n')
    assert [len(message["a"]) for message in messages] == [20 << 20]
    messages, wire = await received(b'{"a":"' + b"x" * (33 << 20) + b'"}\n')
    assert messages == []
    assert isinstance(wire.failure, BrokenWire)


async def test_output_is_counted() -> None:
    messages, wire = await received(b'{"id": 1}\n' * 100_000, output_bytes=500_000)
    assert len(messages) < 50_000
    assert isinstance(wire.failure, TooMuchOutput)


async def test_meta_cannot_replace_arguments() -> None:
    messages, _ = await received(b'{"id": 1, "method": "m", "params": {"_meta": {"options": []}, "a": 1}}\n')
    assert messages == [{"id": 1, "method": "m", "params": {"a": 1}}]
