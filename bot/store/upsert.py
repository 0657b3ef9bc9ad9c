"""`INSERT … ON CONFLICT`, which both databases have and spell alike, but SQLAlchemy keeps by dialect."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(conn: Connection, table: Table) -> Any:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`.

    Typed Any: the two dialects' statements have these methods, but no type in common that declares them.
    """
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
