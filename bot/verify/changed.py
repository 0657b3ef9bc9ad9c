"""What the analyses of a change share: its text, its lines, its tables; all bounded, none raising."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bot.task.evidence import ChangedFile

MOST_BYTES = 1 << 20
"""A larger file is not analysed; that is said."""
_TABLE_BYTES = 256 << 10


def text_of(data: bytes | None) -> str:
    """The text, whatever its encoding; empty for nothing and for what is too large."""
    return "" if data is None or len(data) > MOST_BYTES else data.decode("utf-8", errors="replace")


def is_binary(data: bytes | None) -> bool:
    """As git tells: a NUL among the first 8000 bytes."""
    return data is not None and b"\0" in data[:8000]


def too_large(change: ChangedFile) -> bool:
    return max(len(change.old or b""), len(change.new or b"")) > MOST_BYTES


def added(change: ChangedFile) -> Iterator[tuple[int, str]]:
    """Lines of the head that the base does not have as often, with their numbers.

    Counted instead of aligned: linear in time whatever the input, and a line that only moved is not added.
    """
    yield from only_in(text_of(change.new), text_of(change.old))


def removed(change: ChangedFile) -> Iterator[tuple[int, str]]:
    """Lines of the base that the head does not have as often, with their numbers on the base."""
    yield from only_in(text_of(change.old), text_of(change.new))


def only_in(text: str, other: str) -> Iterator[tuple[int, str]]:
    """Lines of `text` that `other` does not have as often. Only a line feed ends a line, as in git."""
    left = Counter(other.split("\n"))
    for number, line in enumerate(text.split("\n"), 1):
        if left[line] > 0:
            left[line] -= 1
        elif line:
            yield number, line.rstrip("\r")


def line_counts(change: ChangedFile) -> tuple[int, int]:
    """Added and removed lines, counted in bytes so that no file is too large."""
    old, new = (Counter((data or b"").splitlines()) for data in (change.old, change.new))
    return (new - old).total(), (old - new).total()


def json_table(data: bytes | None) -> dict[str, Any]:
    """The object of a JSON file; empty for anything else."""
    if data is None or len(data) > _TABLE_BYTES:
        return {}
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def toml_table(data: bytes | None) -> dict[str, Any]:
    """The table of a TOML file; empty for anything else."""
    if data is None or len(data) > _TABLE_BYTES:
        return {}
    try:
        return tomllib.loads(data.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return {}


def member(table: Any, *keys: str) -> Any:
    """The value below these keys; None where the way ends."""
    for key in keys:
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table
