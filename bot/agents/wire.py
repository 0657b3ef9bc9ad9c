"""Carry JSON-RPC messages over the pipes of an agent's process, hostile or not: a transport for the ACP SDK.

The SDK's own stdio transport logs every broken line with its text and reads lines without a bound. Here a line is
bounded, output is counted, noise is skipped and what we would ignore anyway never reaches the parser.
"""

import asyncio
import json
from typing import Any, Final

from acp import schema
from pydantic import ValidationError

MESSAGE_LIMIT: Final = 32 << 20
"""Bytes of one message: agents send whole files as diffs."""
_CHUNK: Final = 1 << 16
_UPDATES: Final = frozenset(["agent_message_chunk", "agent_thought_chunk", "plan", "tool_call", "tool_call_update"])


class BrokenWire(Exception):
    """The other side does not speak the protocol; the text is one sentence."""


class TooMuchOutput(Exception):
    """The other side wrote more than it may."""


class Wire:
    """One JSON object a line each way. Messages of updates that nobody here reads are dropped (a newer agent's too).

    A line that does not even start like an object is noise (a warning printed by a library) and skipped; one that does
    and cannot be parsed is a broken message. `failure` says why reading ended, when it was not the end of the stream.
    """

    def __init__(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader, output_bytes: int) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._left = output_bytes
        self._buffer = bytearray()
        self.over = False
        """Nothing more will be received."""
        self.failure: BrokenWire | TooMuchOutput | None = None
        self.noise = ""
        """The last line that was no message."""

    async def send(self, message: dict[str, Any]) -> None:
        self._stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        await self._stdin.drain()

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end, or when the other side broke the rules."""
        try:
            while (line := await self._line()) is not None:
                message = self._parse(line)
                if message is not None and not _ignored(message):
                    return message
        except (BrokenWire, TooMuchOutput) as failure:
            self.failure = failure
        self.over = True
        return None

    async def close(self) -> None:
        self._stdin.close()

    async def _line(self) -> bytes | None:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) > MESSAGE_LIMIT:
                raise BrokenWire(f"it sent a message of more than {MESSAGE_LIMIT >> 20} MiB")
            searched = len(self._buffer)
            chunk = await self._stdout.read(_CHUNK)
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuchOutput
            if not chunk:
                return None
            self._buffer += chunk
            await asyncio.sleep(0)  # what was read before is handled first: a flood must not starve the event loop
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        line = line.strip()
        if not line.startswith(b"{"):
            self.noise = line[:200].decode(errors="replace") or self.noise
            return None
        try:
            message: dict[str, Any] = json.loads(line)
        except (ValueError, RecursionError):
            raise BrokenWire("it sent broken JSON") from None
        if not _well_formed(message):
            raise BrokenWire("it sent a message that is not JSON-RPC")
        if isinstance(params := message.get("params"), dict):
            params.pop("_meta", None)  # the SDK lets its keys replace arguments
        return message


def _well_formed(message: dict[str, Any]) -> bool:
    """Has the message the types that the SDK takes for granted? It would stop reading, with a request left open."""
    kinds = (("method", str), ("id", int | str), ("error", dict))
    return all(isinstance(message[name], kind) for name, kind in kinds if message.get(name) is not None)


def _ignored(message: dict[str, Any]) -> bool:
    """Is it a notification that we do not read, or an update in a shape that we do not know?

    The SDK would log each with a traceback: a way to fill our log.
    """
    if "method" not in message or "id" in message:
        return False
    if message["method"] != "session/update":
        return True
    try:
        update = schema.SessionNotification.model_validate(message.get("params")).update
    except ValidationError:
        return True
    return update.session_update not in _UPDATES
