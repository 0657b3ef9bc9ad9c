"""Does a change stay where it may, and as small as it may? Pure rules over the changed files."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.task.globs import glob
from bot.verify.changed import is_binary, line_counts
from bot.verify.locks import is_lock, lock_findings
from bot.verify.plain import one_line
from bot.verify.secrets import secret_findings

_MOST = 100
"""Findings of one kind that are listed one by one."""


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """Where a change may go and how large it may be. 0 is no limit."""

    allowed: tuple[str, ...] = ()
    """Patterns of `bot.task.globs`; none means everywhere."""
    protected: tuple[str, ...] = ()
    files: int = 0
    lines: int = 0
    """Added and removed lines together; lock files are not counted."""
    file_bytes: int = 0


def scope_findings(
    changes: Sequence[ChangedFile], rules: ScopeRules, paths: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Everything a change does outside of its rules, sorted. `paths` are all files of the head, where known."""
    found = [*_places(changes, rules), *_sizes(changes, rules), *lock_findings(changes, frozenset(paths))]
    for change in changes:
        if is_binary(change.new):
            found.append(_finding(change, FindingKind.BINARY, "is a binary file: nobody can review it line by line."))
        else:
            found += secret_findings(change)
    return tuple(sorted(set(found)))


def _places(changes: Sequence[ChangedFile], rules: ScopeRules) -> Iterator[Finding]:
    allowed, protected = ([glob(pattern) for pattern in patterns] for patterns in (rules.allowed, rules.protected))
    outside = [c for c in changes if allowed and not any(pattern.fullmatch(c.path) for pattern in allowed)]
    for change in outside[:_MOST]:
        globs = ", ".join(f"`{one_line(pattern)}`" for pattern in rules.allowed[:5])
        yield _finding(change, FindingKind.OUT_OF_SCOPE, f"is outside the allowed paths ({globs}).")
    if len(outside) > _MOST:
        detail = f"And {len(outside) - _MOST} more files are outside the allowed paths."
        yield Finding("", 0, FindingKind.OUT_OF_SCOPE, detail)
    for change in changes:
        if any(pattern.fullmatch(change.path) for pattern in protected):
            yield _finding(change, FindingKind.PROTECTED, "is protected: only people change it.")


def _sizes(changes: Sequence[ChangedFile], rules: ScopeRules) -> Iterator[Finding]:
    if rules.files and len(changes) > rules.files:
        detail = f"{len(changes)} files are changed; the limit is {rules.files}."
        yield Finding("", 0, FindingKind.TOO_LARGE, detail)
    lines = sum(sum(line_counts(c)) for c in changes if not is_lock(c.path) and not is_binary(c.new or c.old))
    if rules.lines and lines > rules.lines:
        detail = f"{lines} lines are added or removed; the limit is {rules.lines}."
        yield Finding("", 0, FindingKind.TOO_LARGE, detail)
    for change in changes:
        if rules.file_bytes and len(change.new or b"") > rules.file_bytes:
            size = f"has {len(change.new or b'')} bytes; the limit is {rules.file_bytes}."
            yield _finding(change, FindingKind.TOO_LARGE, size)


def _finding(change: ChangedFile, kind: FindingKind, words: str) -> Finding:
    return Finding(change.path, 0, kind, f"`{one_line(change.path)}` {words}")
