"""Read the issue from a file: the first line is the title, the rest the body."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.trial.unfit import Unfit

TITLE_LIMIT = 200
"""Characters; GitHub takes 256."""
BODY_LIMIT = 65_000
"""Characters; GitHub takes 65,535."""


@dataclass(frozen=True, slots=True)
class IssueText:
    """An issue as its author wrote it."""

    title: str
    body: str


def read_issue(file: str) -> IssueText:
    """The issue in this file; `-` is standard input. Raises Unfit."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise Unfit(f"The issue {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Unfit(f"The issue {file} is not UTF-8.") from error
    return parse(text)


def parse(text: str) -> IssueText:
    """`# Title` or a plain first line; a very long first line is a part of the body as well. Raises Unfit."""
    first, _, rest = text.replace("\r\n", "\n").lstrip().partition("\n")
    title = " ".join(re.sub(r"^#{1,6}(\s|$)", "", first).split())
    if not title:
        raise Unfit("The issue is empty: its first line is the title, the rest says what is wanted.")
    if "\0" in text:
        raise Unfit("The issue is not text: it holds a zero byte.")
    if len(text) > BODY_LIMIT:
        raise Unfit(f"The issue has {len(text)} characters; GitHub, and so this, takes {BODY_LIMIT}.")
    if len(title) > TITLE_LIMIT:
        return IssueText(title[: TITLE_LIMIT - 1].rstrip() + "…", text.strip())
    return IssueText(title, rest.strip())
