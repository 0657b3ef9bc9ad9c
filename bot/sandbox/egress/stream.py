"""Events of a stream, each as soon as it is complete."""

import re

LARGEST = 16 << 20
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class TooLarge(Exception):
    """One event is larger than we hold."""


class Events:
    """Splits bytes into events; the bytes stay as they are, with the empty line at the end."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._looked = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The events that are complete now. Raises TooLarge."""
        self._rest += data
        found: list[bytes] = []
        while end := _END.search(self._rest, max(self._looked - 3, 0)):
            found.append(bytes(self._rest[: end.end()]))
            del self._rest[: end.end()]
            self._looked = 0
        self._looked = len(self._rest)
        if len(self._rest) > LARGEST:
            raise TooLarge(f"an event has more than {LARGEST:,} bytes")
        return found

    @property
    def rest(self) -> bytes:
        """What came after the last complete event."""
        return bytes(self._rest)
