"""Where the forge is reached: every URL in an answer starts here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Site:
    """The public address of the forge, `http://127.0.0.1:8090`, without a trailing slash. It may be set late."""

    web: str

    @property
    def api(self) -> str:
        """Root of the REST API, as on GitHub Enterprise Server."""
        return f"{self.web}/api/v3"


def stamp(moment: datetime) -> str:
    """A time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_stamp(moment: datetime | None) -> str | None:
    """A time that may be missing."""
    return stamp(moment) if moment else None
