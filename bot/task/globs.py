"""Patterns of paths, as people write them in settings and issues."""

import re


def glob(pattern: str) -> re.Pattern[str]:
    """`**` spans folders, `*` and `?` stay within a name; letters match in either case, as on many file systems."""
    words = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = re.sub(r"(?:\*\*/)+", "**/", pattern)
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", pattern)
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)
