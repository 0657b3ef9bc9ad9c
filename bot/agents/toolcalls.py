"""Remember the tool calls of a turn: an agent tells one bit by bit, under one id."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from acp import schema

Told = schema.ToolCallStart | schema.ToolCallProgress | schema.ToolCallUpdate

_PATH_KEYS = re.compile(
    "((abs|absolute|rel|relative|file|notebook|old|new|dir)?paths?|(target)?files?|filename"
    "|(work|working)?(dir|directory)|cwd|uri|source|destination)"
)
"""Names under which agents put paths into `rawInput`, in lower case and without underscores."""
CHANGING = frozenset(["edit", "delete", "move"])
"""Kinds of tool calls that change files."""


@dataclass(slots=True)
class ToolCall:
    """What is known of one tool call. Paths only ever grow: a later update cannot take one back."""

    title: str = ""
    kind: str = ""
    paths: set[str] = field(default_factory=set)
    """Every path it named, as written."""
    changed: dict[str, None] = field(default_factory=dict)
    """Those of them that it changes, in order."""

    @property
    def told(self) -> bool:
        """Is anything known of it but its id?"""
        return bool(self.title or self.kind or self.paths)


class ToolCalls:
    """All tool calls of a turn."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def told(self, update: Told) -> ToolCall:
        """Add what this update or permission request says; everything known of that call by now."""
        call = self._calls.setdefault(update.tool_call_id, ToolCall())
        call.title = update.title or call.title
        call.kind = update.kind or call.kind
        places = [place.path for place in update.locations or []]
        diffs = [part.path for part in update.content or [] if isinstance(part, schema.FileEditToolCallContent)]
        call.paths.update(places, diffs, _named(update.raw_input))
        call.changed.update(dict.fromkeys(diffs + places if call.kind in CHANGING else diffs))
        return call


def _named(raw: object) -> Iterator[str]:
    """Paths in a tool's raw input: strings under a name that means a path, at any depth of a few levels."""
    stack: list[tuple[object, bool, int]] = [(raw, False, 0)]
    while stack:
        value, is_path, depth = stack.pop()
        if isinstance(value, str) and is_path:
            yield value
        elif isinstance(value, dict) and depth < 5:
            stack += [
                (inner, bool(_PATH_KEYS.fullmatch(str(key).replace("_", "").lower())), depth + 1)
                for key, inner in value.items()
            ]
        elif isinstance(value, list) and depth < 5:
            stack += [(inner, is_path, depth + 1) for inner in value]


def inside(path: str, folder: str) -> str | None:
    """`path` relative to `folder`, both as seen in the box; None when it lies outside (or in a home: `~`).

    Symbolic links are not followed: the path belongs to another world, and the box holds anyway.
    """
    if path.startswith("~"):
        return None
    if path.startswith("file:"):
        path = unquote(urlsplit(path).path)
    whole = posixpath.normpath(posixpath.join(folder, path))
    base = posixpath.normpath(folder)
    if whole == base:
        return "."
    return posixpath.relpath(whole, base) if whole.startswith(base + "/") else None
