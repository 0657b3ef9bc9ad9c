"""What databases are called: whose installation, which task, what for. By its name anybody finds what was left over."""

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"iw_(?P<mark>[0-9a-f]{8})_(?P<task>\d+)_(?P<purpose>work|check)")
_TEMPLATE = re.compile(r"iw_(?P<mark>[0-9a-f]{8})_(?P<state>template|making)_(?P<key>[0-9a-f]{16})")


class Purpose(StrEnum):
    """What a task has it for."""

    WORK = "work"
    """The agent's turns, of one run."""
    CHECK = "check"
    """The checks of one attempt: a new one each time."""


@dataclass(frozen=True, slots=True)
class DatabaseName:
    """`mark` is the installation: eight hexadecimal digits."""

    mark: str
    task: int
    purpose: Purpose

    def __str__(self) -> str:
        return f"iw_{self.mark}_{self.task}_{self.purpose}"

    @classmethod
    def read(cls, text: str, mark: str) -> "DatabaseName | None":
        """None: it is not one of this installation."""
        found = _NAME.fullmatch(text)
        if found is None or found["mark"] != mark:
            return None
        return cls(mark, int(found["task"]), Purpose(found["purpose"]))


def template_name(mark: str, key: str) -> str:
    """A prepared database, to be copied."""
    return f"iw_{mark}_template_{key}"


def making(mark: str, key: str) -> str:
    """One that is being prepared, and the role that owns what is in it."""
    return f"iw_{mark}_making_{key}"


def template_key(text: str, mark: str) -> str | None:
    """Of a template or one that is being made; None: it is neither of this installation."""
    found = _TEMPLATE.fullmatch(text)
    return found["key"] if found and found["mark"] == mark else None
