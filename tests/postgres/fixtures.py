"""The server of a test session, and what is said when there is none. Loaded as a plugin by the tests' conftest."""

import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bot.store.migrate import migrate_postgres
from tests.postgres.server import Server, binaries, serving

REQUIRED = "ISSUEWRIGHT_REQUIRE_POSTGRES"
NOT_RUN = "PostgreSQL half not run: no server binaries found (initdb, pg_ctl, postgres)"
MEMORY = Path("/dev/shm")
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of this process. Without binaries the test is skipped, or fails where it is required."""
    if binaries() is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(NOT_RUN, pytrace=False)
        pytest.skip(NOT_RUN)
    with tempfile.TemporaryDirectory(prefix="issuewright-pg-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        Path(folder).chmod(0o755)
        with serving(Path(folder) / "cluster") as server:
            yield server


@pytest.fixture
def empty_database(postgres: Server) -> Iterator[str]:
    """URL of a database without tables."""
    name = f"empty{next(_NUMBERS)}"
    yield postgres.database(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """Name of a database that has our tables, to be copied."""
    migrate_postgres(postgres.database("migrated"))
    return "migrated"


@pytest.fixture
def database(postgres: Server, migrated: str) -> Iterator[str]:
    """URL of a database that has our tables and nothing in them."""
    name = f"test{next(_NUMBERS)}"
    yield postgres.database(name, template=migrated)
    postgres.drop(name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it plainly; a line of `s` among hundreds of dots is overlooked."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NOT_RUN in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(NOT_RUN, yellow=True, bold=True)
