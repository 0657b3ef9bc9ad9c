"""The program that a command starts: what can be said of a line of shell without running it."""

import re
import shlex

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def first_word(command: str) -> str | None:
    """The first word that is no assignment; None when only a shell could tell."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return None
    word = next((word for word in words if not _ASSIGNMENT.match(word)), "").lstrip("({").rstrip(";)}")
    return None if not word or any(char in word for char in "$`<>|&*?") else word
