"""Take known secrets out of what is kept or shown, in the forms in which programs print them."""

import base64
import json
import re
from collections.abc import Iterable, Iterator

SHORTEST = 6
"""Characters: a shorter value would black out half of a text, and is no secret."""
_LINE = 24
"""Characters of a line of a longer secret (a key in PEM) that is taken out on its own."""
MARK = "[secret]"
_PLAIN = re.compile(rb"[A-Za-z0-9_.~-]")


class Redactor:
    """Knows the secrets of this process. One without any changes nothing."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form) for form in longest)) if longest else None

    def data(self, data: bytes) -> bytes:
        """The same without secrets."""
        return data if self._pattern is None else self._pattern.sub(MARK.encode(), data)

    def text(self, text: str) -> str:
        """The same without secrets."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _forms(secret: str) -> Iterator[bytes]:
    for value in {secret, secret.strip(), *(line.strip() for line in secret.splitlines() if len(line) >= _LINE)}:
        if len(value) < SHORTEST:
            continue
        raw = value.encode()
        quoted = b"".join(char if _PLAIN.fullmatch(char) else b"%%%02X" % char[0] for char in _bytes(raw))
        yield from (raw, quoted, quoted.replace(b"%20", b"+"), re.sub(rb"%..", lambda hit: hit[0].lower(), quoted))
        yield from (json.dumps(value)[1:-1].encode(), raw.hex().encode())
        for before in range(3):
            inner = _base64(raw, before)
            yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def _bytes(raw: bytes) -> Iterator[bytes]:
    return (raw[at : at + 1] for at in range(len(raw)))


def _base64(raw: bytes, before: int) -> bytes:
    """What base64 makes of it behind so many other bytes, whatever stands around: only whole characters of ours."""
    first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
    return base64.b64encode(bytes(before) + raw)[first:last]
