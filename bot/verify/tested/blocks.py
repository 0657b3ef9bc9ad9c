"""Source text without a parser: comments and strings blanked out, blocks found by braces or by indentation.

Linear in the length of the text, whatever the text is.
"""

import re

_C_LIKE = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<text>\"(?:\\.|[^\"\\\n])*(?:\"|$)|`[^`]*(?:`|\Z)"
    r"|'(?:\\.|[^'\\\n]){1,12}')",
    re.DOTALL | re.MULTILINE,
)
_HASH = re.compile(
    r"(?P<comment>\#[^\n]*)|(?P<text>\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*(?:\"|$)"
    r"|'(?:\\.|[^'\\\n])*(?:'|$))",
    re.DOTALL | re.MULTILINE,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MOST_OF_A_STATEMENT = 4_000


def blanked(text: str, hashes: bool, strings: bool = True) -> str:
    """The text with comments (and the inside of strings) as blanks; every character keeps its place."""

    def blank(found: re.Match[str]) -> str:
        whole = found[0]
        if found.lastgroup == "text":
            if not strings:
                return whole
            return whole[0] + re.sub(r"[^\n]", " ", whole[1:-1]) + whole[-1] if len(whole) > 1 else whole
        return re.sub(r"[^\n]", " ", whole)

    return (_HASH if hashes else _C_LIKE).sub(blank, text)


def closing(text: str, start: int, most: int = 1 << 20) -> int:
    """The place after the bracket that closes the one at `start`; the end of the text when none does."""
    depth = 0
    for found in re.compile(r"[()\[\]{}]").finditer(text, start, min(len(text), start + most)):
        depth += 1 if found[0] in _PAIRS else -1
        if depth <= 0:
            return found.end()
    return min(len(text), start + most)


def indented(text: str, start: int) -> int:
    """The place after the lines that are indented more than the one at `start`."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = _line_end(text, start)
    indent = _indent(text[line_start:line_end])
    at = line_end + 1
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        if line.strip() and _indent(line) <= indent:
            break
        at = end + 1
    return min(at, len(text))


def arguments(text: str, plain: str, start: int) -> tuple[list[str], int]:
    """The arguments of the call whose bracket opens at `start`, free of blanks, and the place after it.

    `plain` is the blanked text: brackets and commas count only where they are code.
    """
    end = closing(plain, start, _MOST_OF_A_STATEMENT)
    parts, depth, last = [], 0, start + 1
    for found in re.compile(r"[()\[\]{},]").finditer(plain, start, end):
        if found[0] in _PAIRS:
            depth += 1
        elif found[0] == ",":
            if depth == 1:
                parts.append(text[last : found.start()])
                last = found.end()
        else:
            depth -= 1
    parts.append(text[last : max(last, end - 1)])
    tight = [squeezed(part) for part in parts]
    return [part for part in tight if part], end


def squeezed(text: str) -> str:
    """Without what a formatter changes: blanks outside of words, and the kind of quotation marks."""
    text = re.sub(r"\s+", " ", text.strip().rstrip(",;"))
    return re.sub(r"(?<=[^\w\"'`]) | (?=[^\w\"'`])", "", text).replace("'", '"').replace("`", '"')


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
