"""Texts without what differs from one telling of a story to the next: ids, hashes, addresses, times."""

import re
from collections.abc import Callable

_RULES = (
    (r" \(scripted-demo 1\)", ""),
    (r"\n*<!-- issuewright:[^>]*-->\n*", ""),
    (r"\]\((?:https?|memory)://[^)]*\)", "](<url>)"),
    (r"task:?\s?\d+", "<task>"),
    (r"started \d\d:\d\d", "started <time>"),
    (r"`(?:run-the-tests|test -z .*?)`", "`<command>`"),
    (r"\| [\d.]+ s \|", "| <time> |"),
    (r"\b[0-9a-f]{7,40}\b", "<sha>"),
)


def plain(text: str, name: Callable[[int], str] = "#{}".format) -> str:
    """The text with stand-ins; `name` says what to call an issue or pull request."""
    for pattern, stand_in in _RULES:
        text = re.sub(pattern, stand_in, text)
    return re.sub(r"#(\d+)\b", lambda match: name(int(match[1])), text)
