"""What an agent answers to single review threads, by a convention that works with every agent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ANSWER = re.compile(r"[ \t]{0,3}(?:[-*+][ \t]+)?\[(?P<thread>\d{1,19})\][ \t]*:?[ \t]*(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Summary:
    """An agent's last message taken apart."""

    words: str
    """For everybody."""
    answers: Mapping[int, str]
    """To single threads, by the id of the comment that stands in the instruction."""


def answers(text: str, threads: frozenset[int]) -> Summary:
    """`[123] what was done` answers comment 123; the answer goes on until an empty line or the next one.

    A number that is none of `threads` is no answer: it stays in the words.
    """
    words: list[str] = []
    found: dict[int, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        match = _ANSWER.fullmatch(line)
        if match and int(match["thread"]) in threads:
            current = found.setdefault(int(match["thread"]), [])
            current.append(match["text"])
        elif current is not None and line.strip():
            current.append(line.strip())
        else:
            current = None
            words.append(line)
    told = {thread: "\n".join(lines).strip() for thread, lines in found.items()}
    return Summary("\n".join(words).strip(), {thread: said for thread, said in told.items() if said})
