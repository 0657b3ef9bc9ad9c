"""Look through a pack before git does: how much it holds, how much it becomes, how deep its deltas go.

A pack of a few kilobytes may unfold to gigabytes, by compression or by deltas that copy. Every object says its size
before its content (gitformat-pack); git refuses one that lied. So the sum of what they say bounds what git will do.
"""

import zlib
from dataclasses import dataclass
from typing import IO

from bot.workspace.policy import Caps

_OFFSET_DELTA, _NAMED_DELTA = 6, 7
_PLAIN = (1, 2, 3, 4)
_CHUNK = 1 << 16
_NAME_BYTES, _CHECKSUM_BYTES = 20, 20


class _Broken(Exception):
    """No pack, or not one that git would write."""


@dataclass(slots=True)
class _Reader:
    """Bytes from a file, one object after the other."""

    file: IO[bytes]
    held: bytes = b""
    at: int = 0
    """Offset of the next byte in the pack."""

    def take(self, count: int) -> bytes:
        while len(self.held) < count:
            more = self.file.read(_CHUNK)
            if not more:
                raise _Broken("it ends too early")
            self.held += more
        taken, self.held = self.held[:count], self.held[count:]
        self.at += count
        return taken

    def inflate(self, size: int) -> bytes:
        """The beginning of the next stream, which must hold exactly `size` bytes."""
        stream, total, head = zlib.decompressobj(), 0, b""
        while not stream.eof:
            data = self.take(min(len(self.held), _CHUNK) or 1)
            while data and not stream.eof:
                made = stream.decompress(data, _CHUNK)
                total += len(made)
                head = (head + made)[:64] if len(head) < 64 else head
                if total > size:
                    raise _Broken("an object is larger than it says")
                data = stream.unconsumed_tail
        self.held = stream.unused_data + self.held
        self.at -= len(stream.unused_data)
        if total != size:
            raise _Broken("an object is smaller than it says")
        return head


def complaint(pack: IO[bytes], caps: Caps) -> str:
    """Why this pack is not unpacked, as the end of a sentence; empty when it may be. Reads the whole file."""
    reader = _Reader(pack)
    try:
        return _examine(reader, caps)
    except (_Broken, zlib.error, RecursionError) as error:
        return f"the pack is broken ({error})"


def _examine(reader: _Reader, caps: Caps) -> str:
    head = reader.take(12)
    if head[:4] != b"PACK" or head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
        raise _Broken("it does not begin like one")
    count = int.from_bytes(head[8:], "big")
    if count > caps.objects:
        return f"{count} objects; at most {caps.objects} are taken over"
    depths: dict[int, int] = {}
    named = whole = 0
    for _ in range(count):
        start = reader.at
        kind, size = _header(reader)
        depth = 0
        if kind == _OFFSET_DELTA:
            base = start - _distance(reader)
            if base not in depths:
                raise _Broken("a delta without its base")
            depth = depths[base] + 1
        elif kind == _NAMED_DELTA:
            reader.take(_NAME_BYTES)
            named += 1
            depth = 1
        elif kind not in _PLAIN:
            raise _Broken(f"an object of the unknown kind {kind}")
        begin = reader.inflate(size) if size <= caps.unpacked_bytes else b""
        whole += max(size, _result(begin) if kind in (_OFFSET_DELTA, _NAMED_DELTA) else 0)
        depths[start] = depth
        if whole > caps.unpacked_bytes or size > caps.unpacked_bytes:
            return f"it unpacks to more than {caps.unpacked_bytes >> 20} MiB"
        if depth > caps.depth:
            return f"its deltas are more than {caps.depth} deep"
    reader.take(_CHECKSUM_BYTES)
    return ""


def _header(reader: _Reader) -> tuple[int, int]:
    byte = reader.take(1)[0]
    kind, size, shift = (byte >> 4) & 7, byte & 15, 4
    while byte & 0x80:
        byte = reader.take(1)[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise _Broken("a size without an end")
    return kind, size


def _distance(reader: _Reader) -> int:
    """How far before this object its base begins."""
    byte = reader.take(1)[0]
    far = byte & 0x7F
    for _ in range(10):
        if not byte & 0x80:
            return far
        byte = reader.take(1)[0]
        far = ((far + 1) << 7) | (byte & 0x7F)
    raise _Broken("a distance without an end")


def _result(begin: bytes) -> int:
    """The size of what a delta makes: the second of the two numbers that it begins with."""
    numbers, value, shift = [], 0, 0
    for byte in begin:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(value)
            value = shift = 0
        if len(numbers) == 2:
            return numbers[1]
    raise _Broken("a delta without sizes")
