"""Slash commands: `/agent stop` at the start of a line, outside quotes and code."""

import re
from dataclasses import dataclass
from enum import StrEnum

MOST = 10
"""Commands of one comment that are looked at; the rest is left alone."""


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


@dataclass(frozen=True, slots=True)
class Read:
    """A comment taken apart. `words`: what it says beside its commands."""

    commands: tuple[Command | UnknownCommand, ...]
    words: str


_COMMAND = re.compile(r" {0,3}/agent(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")


def read(body: str) -> Read:
    """Every command of a comment, in order, and the rest. A fence closes as in CommonMark."""
    commands: list[Command | UnknownCommand] = []
    words: list[str] = []
    fence = ""
    for line in body.replace("\r\n", "\n").split("\n"):
        mark = _FENCE.match(line)
        if fence and mark and mark["fence"].startswith(fence):
            fence = ""
        elif not fence and mark:
            fence = mark["fence"]
        elif not fence and len(commands) < MOST and (start := _COMMAND.match(line)):
            commands.append(_command(line[start.end() :].split()))
            continue
        words.append(line)
    return Read(tuple(commands), "\n".join(words).strip())


def _command(words: list[str]) -> Command | UnknownCommand:
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
