"""A pause: no new run is admitted, running ones go on."""

from collections.abc import Iterable
from dataclasses import dataclass

SERVER = ""
"""Stands for the whole server where a repository could be named."""
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True, order=True)
class Pause:
    """`repository`: its full name in lower case, or `SERVER`. `in_file`: only the operator's file ends it."""

    repository: str
    reason: str
    in_file: bool

    @property
    def ends_after(self) -> str:
        """What ends it: `Runs start again after …`."""
        if self.in_file:
            return "`paused` is taken out of issuewright.toml and the server restarted"
        return f"`issuewright resume {self.repository}".rstrip() + "`"


def pause_of(pauses: Iterable[Pause], full_name: str) -> Pause | None:
    """The pause that holds a repository up; the server's goes first."""
    return next((pause for pause in sorted(pauses) if pause.repository in (SERVER, full_name.lower())), None)
