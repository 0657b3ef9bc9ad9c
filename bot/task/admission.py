"""What a person can see of a text: only that reaches an agent.

Whoever admits an issue or a comment has read it as GitHub shows it. What is hidden there was not admitted: HTML
comments, invisible characters, alternative texts and titles, definitions of links. How GitHub renders:
https://github.github.com/gfm/
"""

import re
import unicodedata

_FENCE = re.compile(r" {0,3}(?:(?:[>*+-]|\d{1,9}[.)]) {0,3})*(?P<fence>`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--(?:.*?-->|.*)", re.DOTALL)
_PROCESSING = re.compile(r"<\?(?:.*?\?>|.*)|<![A-Za-z][^>]*(?:>|\Z)|<!\[CDATA\[(?:.*?\]\]>|.*)", re.DOTALL)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?/?>")
_TARGET = re.compile(r"\((?P<url>[^()\s]*)(?:\s[^()]*)?\)|\[[^\]\n]*\]")
_LINK_TITLE = re.compile(r"(?P<link>\]\([^()\s]*)\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\))\s*\)")
_DEFINITION = re.compile(r"^ {0,3}\[(?P<name>[^\]\n]{1,200})\]:.*$", re.MULTILINE)
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters without a shape."""
_KEPT = frozenset("\n\t")


def visible(text: str) -> str:
    """`text` as people see it. Code in fences stays as it is, but for invisible characters."""
    shown = "".join(char for char in text.replace("\r\n", "\n").replace("\r", "\n") if _has_shape(char))
    parts = []
    for code, part in _parts(shown):
        parts.append(part if code else _rendered(part))
    return "\n".join(parts).strip()


def _has_shape(char: str) -> bool:
    if char in _KEPT:
        return True
    if char in _FILLERS or "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e0fff":
        return False
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _parts(text: str) -> list[tuple[bool, str]]:
    """Runs of lines: in a code fence or not. A fence inside an HTML comment is none: the comment hides it."""
    parts: list[tuple[bool, list[str]]] = [(False, [])]
    fence, hidden = "", False
    for line in text.split("\n"):
        mark = None if hidden else _FENCE.match(line)
        if fence:
            parts[-1][1].append(line)
            if mark and mark["fence"].startswith(fence) and not line[mark.end() :].strip("`~ \t"):
                fence = ""
                parts.append((False, []))
        elif mark:
            fence = mark["fence"]
            parts.append((True, [line]))
        else:
            parts[-1][1].append(line)
            hidden = _leaves_open(line, hidden)
    return [(code, "\n".join(lines)) for code, lines in parts if lines]


def _leaves_open(line: str, hidden: bool) -> bool:
    """Is an HTML comment open after this line?"""
    opened, closed = line.rfind("<!--"), line.rfind("-->")
    if opened < 0 and closed < 0:
        return hidden
    return opened > closed


def _rendered(text: str) -> str:
    text = _PROCESSING.sub("", _COMMENT.sub("", text))
    text = _without_alternatives(text)
    text = _LINK_TITLE.sub(r"\g<link>)", text)
    text = _TAG.sub(_bare, text)
    return _DEFINITION.sub("", text)


def _without_alternatives(text: str) -> str:
    """Images as `(image URL)`: their alternative text shows only where they do not. Brackets may be nested."""
    out: list[str] = []
    open_brackets: list[tuple[int, bool]] = []
    at = 0
    while at < len(text):
        word = text[at : at + 2] if text.startswith(("![", "\\"), at) else text[at]
        at += len(word)
        if word in ("![", "["):
            open_brackets.append((len(out), word == "!["))
        out.append(word)
        if word == "]" and open_brackets:
            begin, is_image = open_brackets.pop()
            if is_image:
                target = _TARGET.match(text, at)
                at = target.end() if target else at
                out[begin:] = [f"(image {target['url']})" if target and target["url"] else "(image)"]
    return "".join(out)


def _bare(match: re.Match[str]) -> str:
    """The tag without its attributes; an image is only said to be there."""
    return "(image)" if match["name"].lower() == "img" else f"<{match['close']}{match['name']}>"
