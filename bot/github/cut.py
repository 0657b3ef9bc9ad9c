"""GitHub's limits of length and characters, and how any text is brought under them."""

BODY_LIMIT = 65_535
"""Characters of a comment or of the body of a pull request: one less than GitHub names when it refuses more."""
SUMMARY_LIMIT = 65_535
"""Bytes of the summary of a check run. GitHub's documentation says characters, its refusal says bytes:
https://github.com/github/docs/issues/35252
"""
TITLE_LIMIT = 256
"""Characters of the title of a pull request."""


def sendable(text: str) -> str:
    """`text` without what JSON over UTF-8 cannot carry or GitHub does not take: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def cut_middle(text: str, limit: int) -> str:
    """`text`, at most `limit` characters of it: the middle goes, a note says how much, both ends stay."""
    text = sendable(text)
    if len(text) <= limit:
        return text
    note = f"\n\n*… {len(text) - limit:,} characters and more are left out here (GitHub's limit) …*\n\n"
    room = limit - len(note)
    if room < 2:
        return text[: max(limit, 0)]
    head = room - room // 2
    return text[:head] + note + text[len(text) - room // 2 :]


def cut_middle_bytes(text: str, limit: int) -> str:
    """The same with a limit of bytes in UTF-8."""
    cut, characters = cut_middle(text, limit), limit
    while (over := len(cut.encode()) - limit) > 0:
        characters -= max(1, over // 4)  # no character has more than four bytes, so this never takes too much
        cut = cut_middle(text, characters)
    return cut


def cut_title(title: str) -> str:
    """One line, with an ellipsis where it was too long."""
    line = " ".join(sendable(title).split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1].rstrip() + "…"
