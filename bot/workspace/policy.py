"""Which changes of a tree we take over: pure rules over the list of changed entries."""

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.task.globs import glob

PROTECTED = (
    ".github/**",
    "**/CODEOWNERS",
    "**/AGENTS.md",
    "**/CLAUDE.md",
    "**/GEMINI.md",
    ".claude/**",
    ".codex/**",
    ".cursor/**",
    ".cursorrules",
    ".gemini/**",
)
"""What an agent does not change by itself: what runs on GitHub with secrets, who reviews, what agents are told."""

_REGULAR, _LINK, _GITLINK, _GONE = ("100644", "100755"), "120000", "160000", "000000"
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Caps:
    """How much one harvest may bring."""

    pack_bytes: int = 50 << 20
    """The pack that crosses, and the sum of the changed files."""
    objects: int = 50_000
    unpacked_bytes: int = 512 << 20
    """All objects of the pack, unpacked."""
    depth: int = 50
    """Deltas upon deltas; git itself makes no deeper ones."""
    files: int = 50_000
    """More than any setting allows."""
    file_bytes: int = 20 << 20
    seconds: float = 300.0
    """Time to commit and pack inside."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One changed path between two trees, as `git diff-tree --raw` tells it."""

    path: bytes
    status: str
    old_mode: str
    mode: str
    blob: str
    old_blob: str = ""

    @property
    def text(self) -> str:
        """The path for a person, on one line whatever it holds."""
        return plain(self.path.decode(errors="replace"))

    @property
    def is_link(self) -> bool:
        return self.mode == _LINK

    @property
    def has_content(self) -> bool:
        return self.mode not in (_GONE, _GITLINK)


def violations(
    entries: Sequence[Entry], sizes: Mapping[str, int], links: Mapping[str, bytes], caps: Caps, protected: Sequence[str]
) -> tuple[str, ...]:
    """One sentence per violation, at most twenty. `sizes` and `links` (their targets) are by object name."""
    total = sum(sizes.get(blob, 0) for blob in {entry.blob for entry in entries if entry.has_content})
    found = list(_whole(len(entries), total, caps))
    patterns = [glob(pattern) for pattern in protected]
    for entry in entries:
        found += _name(entry)
        found += _kind(entry, links)
        if sizes.get(entry.blob, 0) > caps.file_bytes and entry.has_content:
            found.append(f"`{entry.text}` is larger than {caps.file_bytes >> 20} MiB.")
        if any(pattern.fullmatch(entry.text) for pattern in patterns):
            found.append(f"`{entry.text}` is protected: only people change it.")
    if len(found) > _NAMED:
        found[_NAMED:] = [f"And {len(found) - _NAMED} more."]
    return tuple(found)


def clashes(entries: Sequence[Entry], names: Iterable[bytes]) -> tuple[str, ...]:
    """New names that differ from another one of the tree only by case or form: many file systems hold one of them."""
    new = [entry for entry in entries if entry.old_mode == _GONE]
    if not new:
        return ()
    spelled: dict[str, set[str]] = {}
    for name in names:
        for path in _wholes(name):
            spelled.setdefault(_folded(path), set()).add(path)
    found = []
    for entry in new:
        others = sorted(other for path in _wholes(entry.path) for other in spelled.get(_folded(path), set()) - {path})
        if others:
            found.append(f"The name `{entry.text}` differs from `{plain(others[0])}` only by the case of letters.")
    return tuple(found[:_NAMED])


def plain(text: str) -> str:
    """On one line whatever it holds."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _wholes(path: bytes) -> list[str]:
    """A path, and the folders that it lies in."""
    parts = path.decode(errors="replace").split("/")
    return ["/".join(parts[:size]) for size in range(1, len(parts) + 1)]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


def leaves_tree(path: bytes, target: bytes) -> bool:
    """Can a symbolic link at `path` lead out of the tree, or into `.git`?

    A `..` after a name is refused, too: that name may itself be a link, and then `..` is not where it seems.
    """
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    ups = next((at for at, part in enumerate(parts) if part != b".."), len(parts))
    depth = posixpath.normpath(path).count(b"/")
    names = parts[ups:]
    return target.startswith(b"/") or ups > depth or b".." in names or any(name.lower() == b".git" for name in names)


def _whole(count: int, total: int, caps: Caps) -> Iterator[str]:
    if count > caps.files:
        yield f"{count} files are changed; at most {caps.files} are taken over."
    if total > caps.pack_bytes:
        yield f"The changed files are {total >> 20} MiB; at most {caps.pack_bytes >> 20} MiB are taken over."


def _name(entry: Entry) -> Iterator[str]:
    try:
        name = entry.path.decode()
    except UnicodeDecodeError:
        yield f"The name `{entry.text}` is not UTF-8."
        return
    if not name.isprintable() or any(_is_git(part) for part in name.split("/")):
        yield f"The name `{entry.text}` is not allowed."


def _is_git(part: str) -> bool:
    """`.git` as some file system may spell it; git's own fsck knows further spellings and stops them earlier."""
    return part.lower().rstrip(". ") in ("", ".git", "git~1")


def _kind(entry: Entry, links: Mapping[str, bytes]) -> Iterator[str]:
    if entry.mode == _GITLINK:
        yield f"`{entry.text}` is a repository of its own (submodule or nested `.git`)."
    elif entry.path.split(b"/")[-1].lower() == b".gitmodules":
        yield f"`{entry.text}` is protected: submodules are for people to change."
    elif entry.is_link and leaves_tree(entry.path, links.get(entry.blob, b"/")):
        yield f"`{entry.text}` is a symbolic link that leads out of the tree."
    elif entry.mode not in (*_REGULAR, _LINK, _GONE):
        yield f"`{entry.text}` has the unusual mode {entry.mode}."
