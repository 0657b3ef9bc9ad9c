"""Which reader reads which file: a parser where there is one, patterns elsewhere."""

from bot.verify.tested import javascript, patterns, python
from bot.verify.tested.model import Source


def readable(path: str) -> bool:
    """Is there a reader for this file?"""
    return _suffix(path) in patterns.LANGUAGES or _suffix(path) in javascript.SUFFIXES


def read(path: str, text: str) -> Source | None:
    """The tests and definitions of a file; None when there is no reader or nothing to read."""
    suffix = _suffix(path)
    if not text:
        return None
    if suffix in javascript.SUFFIXES:
        return javascript.read(suffix, text)
    parsed = python.read(text) if suffix == ".py" else None
    return parsed or patterns.read(suffix, text)


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    dot = name.rfind(".")
    return name[dot:] if dot > 0 else ""
