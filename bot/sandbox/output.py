"""The beginning and the end of a stream that may be long."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class HeadAndTail:
    """Keeps the first `head` and the last `tail` bytes; counts all of them."""

    head: int = 32 << 10
    tail: int = 224 << 10
    total: int = 0
    _first: bytearray = field(default_factory=bytearray)
    _last: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self.head - len(self._first)
        if room > 0:
            self._first += data[:room]
            data = data[room:]
        self._last += data
        if len(self._last) > 2 * self.tail:
            del self._last[: -self.tail]

    def text(self) -> bytes:
        """What was kept, with a line in place of what was left out."""
        last = bytes(self._last[-self.tail :])
        left_out = self.total - len(self._first) - len(last)
        gap = b"\n[%d bytes left out]\n" % left_out if left_out else b""
        return bytes(self._first) + gap + last
