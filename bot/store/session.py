"""By which right this process holds effects: its session. Every lease names the session that it belongs to."""

import secrets
from typing import Protocol

from sqlalchemy import Connection


class Session(Protocol):
    """Ends when nobody can be sure any more that this process lives; what it held then goes to others."""

    @property
    def machine(self) -> str:
        """Whose worktrees this process sees."""
        ...

    @property
    def id(self) -> str | None:
        """None: nothing may be held at the moment. Costs no look at the database."""
        ...

    def may_claim(self, conn: Connection, session: str) -> bool:
        """Within the transaction of a claim: nobody can end this session before that transaction ends."""
        ...

    def is_fresh(self, conn: Connection, session: str) -> bool:
        """Will nobody take over from this session for as long as a write to the world may take?"""
        ...

    async def close(self) -> None:
        """Give back what is still held, if that is possible."""
        ...


class Alone:
    """The session of the one process of a SQLite file: it lasts as long as the process; the next start voids it."""

    machine = "here"

    def __init__(self, epoch: int) -> None:
        self.id = f"epoch-{epoch}"

    def may_claim(self, conn: Connection, session: str) -> bool:
        return True

    def is_fresh(self, conn: Connection, session: str) -> bool:
        return True

    async def close(self) -> None:
        return


def new_lease(session: str) -> str:
    """New with every claim, so that whoever held the effect before is fenced off."""
    return f"{session}.{secrets.token_hex(8)}"


def session_of(lease: str) -> str:
    """The session that a lease belongs to."""
    return lease.rpartition(".")[0]
