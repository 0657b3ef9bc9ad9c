"""A test as its source tells it, the same for every language."""

from dataclasses import dataclass

EXACT = 10
"""How strict an assertion is: only meaningful between two assertions about the same thing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion, free of its formatting: `relation` holds between `subject` and `expected`."""

    relation: str
    subject: str
    expected: str
    strictness: int
    line: int
    empty: str = ""
    """Why it cannot fail; empty when it can."""

    @property
    def form(self) -> tuple[str, str, str]:
        return self.relation, self.subject, self.expected


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    name: str
    """With its class or group before it: `TestCart.test_total`."""
    line: int
    checks: tuple[Check, ...] = ()
    idle: str = ""
    """How it is skipped or expected to fail; empty when it runs."""
    sometimes: bool = False
    """It is idle under a condition only."""
    rows: tuple[str, ...] = ()
    """Its table of parameters, one text a row."""
    names: frozenset[str] = frozenset()
    """Identifiers it uses."""
    literals: frozenset[str] = frozenset()
    hollow: bool = False
    """It holds nothing that could fail: no assertion, no call."""

    @property
    def own_name(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Source:
    """The tests of one file."""

    cases: tuple[Case, ...] = ()
    only: tuple[int, ...] = ()
    """Lines that say that nothing else shall run."""
    defined: frozenset[str] = frozenset()
    """Names that the file defines at its top, and members of its classes."""
    bodies: frozenset[str] = frozenset()
    """Hashes of what functions do, without their names."""
    body_of: tuple[tuple[str, str], ...] = ()
    """Name and hash of each function."""
    by_pattern: bool = False
    """Read by patterns because no parser could: less certain."""
