"""A check to run, and a check that ran."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A check to run."""

    name: str
    command: str
    required: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """A check that ran, with the end of its output."""

    command: Command
    exit_code: int | None
    seconds: float
    note: str
    output: bytes
    timed_out: bool = False
