"""Small pieces of text: durations, counts, and words of others made harmless."""

import re

ZERO_WIDTH = "\u200b"
MINUS = "\N{MINUS SIGN}"

_MENTION = re.compile(r"@(?=[A-Za-z0-9])")
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)|/(?:issues|pull|pulls|discussions)/(?=\d)", re.IGNORECASE)
_COMMAND = re.compile(r"^(\s*(?:[>*+-]\s*)*)/(?=\w)", re.MULTILINE)
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def inert(text: str) -> str:
    """Words that cause nothing where they stand as plain text, in a title or a commit message.

    No mention, no reference that could close something, no command at a line start that another bot could obey.
    """
    visible = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    visible = _MENTION.sub(f"@{ZERO_WIDTH}", visible)
    visible = _REFERENCE.sub(lambda match: match[0] + ZERO_WIDTH, visible)
    return _COMMAND.sub(rf"\1{ZERO_WIDTH}/", visible)


def harmless(text: str, limit: int = 4000) -> str:
    """Words of an agent or a stranger, fit to be posted as markdown under our name: inert, and without HTML."""
    cut = text if len(text) <= limit else text[:limit].rstrip() + " …"
    return inert(cut.replace("&", "&amp;").replace("<", "&lt;"))


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, without control characters, cut."""
    line = " ".join(_INVISIBLE.sub(" ", text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(text: str) -> str:
    """As a markdown quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def fenced(text: str, info: str = "") -> str:
    """As a code block whose fence the text cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text.rstrip()}\n{fence}"


def duration(seconds: float) -> str:
    """`3 s`, `4 min 5 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def amount(size: int) -> str:
    """Bytes as people say them: `512 B`, `20 MB`, `4.2 GB`."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
