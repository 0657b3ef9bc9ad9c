"""Make an agent's words safe to store and to show: no control characters, bounded in size."""

import re
import unicodedata

_KEPT = frozenset("\n\t")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def without_escapes(text: str) -> str:
    """`text` without the sequences that colour and move on a terminal."""
    return _ESCAPES.sub("", text)


def clean(text: str, limit: int) -> str:
    """`text` without control, format and private characters, at most `limit` characters; line breaks stay.

    Format characters go too: they reorder or hide text (bidirectional overrides, zero-width joins).
    """
    text = text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in text if c in _KEPT or not unicodedata.category(c).startswith("C")).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def one_line(text: str, limit: int = 200) -> str:
    """The same on one line, runs of white space made one space."""
    return clean(" ".join(text[: 4 * limit].split()), limit)
