"""The diff of a pull request as a page shows it: files of lines, each with the threads that stand under it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bot.demo.forge.git.diff import ChangedFile
from bot.demo.forge.model import ReviewComment

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
Kind = Literal["hunk", "add", "del", "same"]


@dataclass(frozen=True, slots=True)
class Thread:
    """An inline comment and the answers to it."""

    root: ReviewComment
    replies: tuple[ReviewComment, ...]

    @property
    def said(self) -> tuple[ReviewComment, ...]:
        """All comments, oldest first."""
        return (self.root, *self.replies)

    @property
    def outdated(self) -> bool:
        """The line it stood on is gone."""
        return self.root.line is None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a diff with its numbers on both sides."""

    kind: Kind
    old: int | None
    new: int | None
    text: str
    threads: tuple[Thread, ...] = ()


@dataclass(frozen=True, slots=True)
class FileView:
    """One file. `outdated` are threads whose line the diff no longer shows."""

    changed: ChangedFile
    lines: tuple[Line, ...]
    outdated: tuple[Thread, ...] = field(default=())


def threads_of(comments: Iterable[ReviewComment]) -> list[Thread]:
    """Group inline comments by the one that started each thread."""
    rows = list(comments)
    return [Thread(one, tuple(row for row in rows if row.in_reply_to is one)) for one in rows if not one.in_reply_to]


def file_view(changed: ChangedFile, threads: Iterable[Thread]) -> FileView:
    """Lay the threads of a file under the lines of its patch."""
    own = [thread for thread in threads if thread.root.path == changed.path]
    lines = tuple(_with_threads(line, own) for line in _lines(changed.patch or ""))
    shown = {id(thread) for line in lines for thread in line.threads}
    return FileView(changed, lines, tuple(thread for thread in own if id(thread) not in shown))


def hunk_lines(hunk: str, limit: int = 4) -> list[Line]:
    """The last lines of the hunk above a thread in the conversation."""
    return [line for line in _lines(hunk) if line.kind != "hunk"][-limit:]


def _lines(patch: str) -> Iterator[Line]:
    old = new = 0
    for text in patch.split("\n") if patch else ():
        head = _HUNK.match(text)
        if head:
            old, new = int(head[1]), int(head[2])
            yield Line("hunk", None, None, text)
        elif text.startswith("+"):
            yield Line("add", None, new, text)
            new += 1
        elif text.startswith("-"):
            yield Line("del", old, None, text)
            old += 1
        elif not text.startswith("\\"):
            yield Line("same", old, new, text)
            old, new = old + 1, new + 1


def _with_threads(line: Line, threads: list[Thread]) -> Line:
    here = tuple(
        thread
        for thread in threads
        if thread.root.line is not None
        and thread.root.line == (line.new if thread.root.side == "RIGHT" else line.old)
        and (line.kind != "del" or thread.root.side == "LEFT")
    )
    return Line(line.kind, line.old, line.new, line.text, here) if here else line
