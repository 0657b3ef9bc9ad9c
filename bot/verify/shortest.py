"""The shortest log that explains a failure, and a fingerprint by which the same failure is known again.

Logs are hostile: any bytes, any length. Escape sequences go, the text is bounded, and all work is linear in it.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.task.evidence import TestOutcome

MOST = 6_000
"""Characters of a shortest log, unless another number is asked for."""
_READ = 1 << 20
_READ_LINES = 50_000
_LINE = 400
_MOST_LINES = 400
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,10}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class _Section:
    """Lines from the one that matches `start` up to the one that matches `end`, which is left out."""

    start: re.Pattern[str]
    end: re.Pattern[str]
    most: int = 120


def _section(start: str, end: str, most: int = 120) -> _Section:
    return _Section(re.compile(start), re.compile(end), most)


_SECTIONS = (
    _section(
        r"=+ (?:FAILURES|ERRORS) =+", r"=+ (?:short test summary info|warnings summary|slowest|\d+ failed|\d+ passed)"
    ),
    _section(r"=+ short test summary info =+", r"=+ .*(?:failed|passed|error)", 40),
    _section(r"(?:FAIL|ERROR): \w+ \(", r"={20,}|-{70}$|Ran \d+ tests?"),
    _section(r"\s{0,4}● ", r"\s{0,4}● |Test Suites:|Tests:|(?:PASS|FAIL) \S+"),
    _section(
        r"\s*(?:FAIL|\u00d7|\u276f)\s+\S+.*(?:>|\.(?:test|spec)\.)",
        r"\s*\u23af{4,}\[|\s*Test Files |\s*(?:\u2713|PASS) ",
        60,
    ),
    _section(r"\s*--- FAIL: ", r"\s*--- (?:PASS|SKIP|FAIL)|=== RUN|FAIL\t|ok  \t|PASS$", 60),
    _section(r"# \S+|\S+\.go:\d+:\d+: ", r"FAIL\t|ok  \t|=== RUN|\?   \t", 30),
    _section(r"panic: |fatal error: ", r"FAIL\t|exit status", 30),
    _section(
        r"---- .+ stdout ----|\s*stderr \u2500{3}",
        r"---- .+ stdout ----|failures:$|test result:|\s*(?:PASS|Summary) ",
        40,
    ),
    _section(r"error(?:\[E\d+\])?: ", r"\s*$|warning: |error: could not compile", 25),
    _section(r"\[ERROR\] ", r"\[INFO\]|\[WARNING\]|\[ERROR\] (?:-> )?\[Help", 40),
    _section(r"There (?:was|were) \d+ (?:failure|error)s?:", r"FAILURES!|ERRORS!|Tests: \d+"),
    _section(r"Failures:$", r"Finished in |Failed examples:"),
    _section(
        r"Traceback \(most recent call last\):",
        r"(?!\s|[\w.]+(?:Error|Exception|Exit|Interrupt|Warning)\b|Traceback|During|The above)\S",
        60,
    ),
    _section(r"\S+\.(?:ts|tsx)[(:]\d+[,:]\d+\)?:? (?:- )?error TS", r"\s*$", 12),
)
_TELLING = re.compile(r"\b(?:error|fail(?:ed|ure)?|fatal|panic|cannot|not found|exception|denied)\b", re.IGNORECASE)
_NORMAL = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"0x[0-9a-fA-F]+"), "<address>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d\d?:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[\\/](?:[\w.@+~-]{1,255}[\\/]){1,60}(?=[\w.@+~-])"), ""),
    (re.compile(r"\b(?=[a-f]{0,39}\d)[0-9a-f]{7,64}\b"), "<hash>"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "N"),
    (re.compile(r"\s+"), " "),
)


def shortest_log(output: bytes | str, failures: Sequence[TestOutcome] = (), most: int = MOST) -> str:
    """What of an output explains the failures: their own messages, then the runner's sections, else the end."""
    lines = _lines(output)
    told = _told(failures, most // 2)
    sections = _kept(lines, failures)
    if not sections and not told:
        sections = [line for line in lines if _TELLING.search(line)][-40:] if len(lines) > 60 else []
        sections = [*sections, "…", *lines[-30:]] if sections else lines[-60:]
    text = "\n".join((*told, *([""] if told and sections else []), *sections)).strip("\n")
    return cut_in_the_middle(text, most)


def cut_in_the_middle(text: str, most: int) -> str:
    """At most so many characters; the beginning and the end stay, for one names the failure and the other its cause."""
    if len(text) <= most:
        return text
    note = f"\n… {len(text) - most} characters left out …\n"
    room = max(most - len(note), 2)
    return f"{text[: room // 2]}{note}{text[len(text) - room // 2 :]}"[:most]


def fingerprint(output: bytes | str, failures: Sequence[TestOutcome] = ()) -> str:
    """The same for the same failure, whatever its times, addresses, numbers and folders. 16 hexadecimal digits.

    With per-test outcomes these alone count: which tests fail, how, and with which first line.
    """
    if failures:
        parts: Iterable[str] = sorted(
            f"{failure.id}|{failure.failure}|{normal(failure.message.partition(chr(10))[0])}" for failure in failures
        )
    else:
        parts = dict.fromkeys(normal(line) for line in shortest_log(output).splitlines() if line.strip())
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]


def normal(line: str) -> str:
    """A line without what differs between two runs of the same failure."""
    line = line[:_LINE]
    for pattern, word in _NORMAL:
        line = pattern.sub(word, line)
    return line.strip()


def _lines(output: bytes | str) -> list[str]:
    """Printable lines; of a line that was written over, what was there in the end."""
    text = output[-_READ:]
    plain = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
    lines = []
    for line in _ESCAPES.sub("", plain).replace("\r\n", "\n").split("\n")[-_READ_LINES:]:
        shown = line.rstrip("\r").rpartition("\r")[2][:_LINE].rstrip()
        lines.append("".join(char if char.isprintable() or char == "\t" else " " for char in shown))
    return lines


def _told(failures: Sequence[TestOutcome], most: int) -> list[str]:
    """Each failing test with its message, as far as there is room; all share it evenly."""
    if not failures:
        return []
    room = max(most // len(failures), 120)
    told: list[str] = []
    used = 0
    for count, failure in enumerate(failures):
        where = f" ({failure.file}:{failure.line})" if failure.file and failure.line else ""
        text = cut_in_the_middle(failure.message, room)
        told += [f"FAILED {failure.id}{where}", *(f"    {line}" for line in text.splitlines())]
        used += len(text) + len(str(failure.id)) + 12
        if used > most and count + 1 < len(failures):
            told.append(f"… and {len(failures) - count - 1} more failing tests")
            break
    return told


def _kept(lines: Sequence[str], failures: Sequence[TestOutcome]) -> list[str]:
    """The lines of all sections, each once and in order; only those that name a failure where any does."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(lines):
        section = next((one for one in _SECTIONS if one.start.match(lines[at])), None)
        if section is None:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and end - at < section.most and not section.end.match(lines[end]):
            end += 1
        found.append((at, end))
        at = end
    names = [failure.id.name.rpartition("::")[2] for failure in failures[:50]]
    about = [one for one in found if any(name in line for name in names for line in lines[one[0] : one[1]])]
    kept = [line for start, end in about or found for line in lines[start:end]]
    return kept if len(kept) <= _MOST_LINES else [*kept[: _MOST_LINES // 2], "…", *kept[-_MOST_LINES // 2 :]]
