"""Slash commands: `/agent stop` at the start of a line, outside quotes and code."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What a person may ask for."""

    HELP = "help"
    RUN = "run"
    STOP = "stop"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Command:
    """A command that we know."""

    verb: Verb
    fresh: bool = False
    """`retry fresh`: in a new session."""


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """`/agent` with a word that we do not know, or nothing; cut to 40 characters."""

    word: str


_LINE = re.compile(r"^ {0,3}/agent(?:[ \t]+(?P<words>.*?))?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})")


def parse(body: str) -> tuple[Command | UnknownCommand, ...]:
    """Every command of a comment, in order."""
    return tuple(_command(line) for line in _plain_lines(body) if _LINE.match(line))


def _plain_lines(body: str) -> list[str]:
    """The lines that are neither quoted nor code. A fence is closed by one at least as long, as in CommonMark."""
    plain: list[str] = []
    fence = ""
    for line in body.replace("\r\n", "\n").split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["fence"].startswith(fence):
                fence = ""
        elif mark:
            fence = mark["fence"]
        else:
            plain.append(line)
    return plain


def _command(line: str) -> Command | UnknownCommand:
    match = _LINE.match(line)
    words = ((match["words"] if match else "") or "").split()
    match [word.lower() for word in words]:
        case ["help"]:
            return Command(Verb.HELP)
        case ["run"]:
            return Command(Verb.RUN)
        case ["stop"]:
            return Command(Verb.STOP)
        case ["retry"]:
            return Command(Verb.RETRY)
        case ["retry", "fresh"]:
            return Command(Verb.RETRY, fresh=True)
        case _:
            return UnknownCommand(" ".join(words)[:40])
