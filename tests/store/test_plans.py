"""The claim walks an index, whatever waits; and every statement is one that PostgreSQL knows too."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.store.claims import Taker, next_to_claim
from bot.store.migrate import migrate
from bot.store.schema import metadata
from tests.store.given import START

TAKER = Taker("w", "here", "session.1")


@pytest.fixture
def plan(tmp_path: Path) -> str:
    migrate(tmp_path / "a.db")
    query = str(
        next_to_claim(TAKER, START).compile(dialect=sqlite_dialect.dialect(), compile_kwargs={"literal_binds": True})
    )
    with sqlite3.connect(tmp_path / "a.db") as conn:
        return "\n".join(row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {query}"))


def test_the_claim_reads_the_due_ones_in_order_and_stops_at_the_first(plan: str) -> None:
    assert "USING INDEX effects_due (due_at<?)" in plan
    assert "TEMP B-TREE" not in plan


def test_what_stands_before_a_candidate_is_looked_up(plan: str) -> None:
    assert "INDEX effects_running (subject=? AND lane=?)" in plan
    assert "INDEX effects_lane (subject=? AND lane=? AND id<?)" in plan


def test_postgresql_takes_the_claim_with_skip_locked() -> None:
    text = str(next_to_claim(TAKER, START).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert text.endswith("FOR UPDATE OF effects SKIP LOCKED")


def test_postgresql_takes_the_tables() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            text = str(CreateIndex(index).compile(dialect=dialect))
            assert ("WHERE" in text) == (index.dialect_options["postgresql"]["where"] is not None)
