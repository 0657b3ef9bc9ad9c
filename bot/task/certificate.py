"""The certificate: what was run on two exact commits and what came out, as one canonical text with a digest.

The digest is over the claims alone: what was run, on what, and how it ended. How long things took and where their logs
lie stands beside them, so the same two commits give the same digest again.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.task.evidence import AcceptancePoint, Finding, Weight
from bot.task.ids import CommitSha

VERSION = 1
"""Of the form of the JSON. It grows with every change that a reader has to know."""


class CertificateVerdict(StrEnum):
    """What the certificate says as a whole, gravest first."""

    BROKEN = "broken"
    """A test or a required check that held on the base fails."""
    UNCHECKED = "unchecked"
    """Nothing required was run to an end that says something: no checks, or checks that are red on the base, too."""
    WEAKENED = "weakened"
    """Nothing is broken, but the proof is worth less than before."""
    OUT_OF_SCOPE = "out of scope"
    """Nothing is broken or weakened, but the change touches what it may not."""
    CLEAN = "clean"
    """Nothing is broken, weakened or out of scope."""


class CheckVerdict(StrEnum):
    """What one check says about the head, next to the base."""

    PASSED = "passed"
    """It passes on the head."""
    FAILED = "failed"
    """It fails on the head, and that is the change's doing."""
    PREEXISTING = "pre-existing"
    """It fails on the head, and failed on the base for all that can be told."""
    FLAKY = "flaky"
    """It passed and failed on the very same head."""
    NOT_RUN = "not run"
    """It did not get to run."""


class RedFirstVerdict(StrEnum):
    """What the added and changed tests say when they run on the code of the base."""

    PROVEN = "fail there, pass here"
    """At least one fails there by an assertion or an error of the old code, and passes on the head."""
    NAMES_ONLY = "fail only for missing names"
    """They fail there, but only because what they import or call is not written yet."""
    PROVES_NOTHING = "prove nothing"
    """They pass there as well."""
    NO_TESTS = "no tests changed"
    """The change has no tests to look at."""
    COULD_NOT_RUN = "could not run"
    """`reason` says why."""


class RedTestVerdict(StrEnum):
    """One added or changed test on the code of the base."""

    ASSERTION = "fails there by assertion"
    """The strongest sign: the old code gives another answer."""
    ERROR = "fails there by an error"
    """The old code raises, crashes or hangs."""
    FAILS = "fails there"
    """Only an exit code is known."""
    MISSING_NAME = "fails there for a missing name"
    """Any test of new code does that."""
    PASSES = "passes there"
    """It would have passed without the change."""
    NOT_RUN = "did not run there"
    """The runner did not get to it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that took part, in its own words: `git`, `git version 2.39.5`."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What exactly was looked at."""

    base: CommitSha
    head: CommitSha
    base_tree: str
    head_tree: str
    """Tree of the head as it was run: with the test harness of the base laid over it where they differ."""
    harness: tuple[str, ...]
    """Paths whose content came from the base while the head was run."""
    origin: str
    """Where the commands come from: `configured`, `guessed`, `given`, `none`."""
    sandbox: str
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How one command ended on one commit."""

    exit_code: int | None
    """None: it did not end by itself, `ending` says how."""
    ending: str = "exited"


@dataclass(frozen=True, slots=True)
class CertifiedCheck:
    """One command, on base and on head."""

    name: str
    command: str
    required: bool
    base: RunEnd | None
    """None: not run there."""
    head: RunEnd | None
    told_by: str
    """`tests` where a report names every test, else `exit code`."""
    verdict: CheckVerdict


@dataclass(frozen=True, slots=True)
class CertifiedTests:
    """Names of tests, sorted; those of several checks together."""

    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    preexisting: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    total: int = 0
    """Tests that the head has; 0 where no report names them."""


@dataclass(frozen=True, slots=True)
class RedTest:
    """One added or changed test, or a whole check where no report names tests."""

    name: str
    verdict: RedTestVerdict


@dataclass(frozen=True, slots=True)
class RedFirst:
    """The added and changed tests on the code of the base."""

    verdict: RedFirstVerdict
    tests: tuple[RedTest, ...] = ()
    reason: str = ""
    """One sentence, where the verdict needs one."""

    @property
    def proving(self) -> tuple[RedTest, ...]:
        """Those that fail there and say something by it."""
        strong = (RedTestVerdict.ASSERTION, RedTestVerdict.ERROR, RedTestVerdict.FAILS)
        return tuple(test for test in self.tests if test.verdict in strong)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the head that a reviewer should see, and what is to be said there."""

    file: str
    line: int
    """Counted from 1."""
    title: str
    detail: str
    grave: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """All claims. Two certificates of the same commits, commands and machine are equal."""

    subject: Subject
    checks: tuple[CertifiedCheck, ...]
    tests: CertifiedTests
    red_first: RedFirst
    weakened: tuple[Finding, ...] = ()
    """What bears on the worth of the proof, whatever its weight."""
    scope: tuple[Finding, ...] = ()
    acceptance: tuple[AcceptancePoint, ...] = ()
    """Checkboxes of the issue, in order. They do not change the verdict; without any they are no claim."""

    @property
    def verdict(self) -> CertificateVerdict:
        if self.tests.broken or any(check.required and check.verdict is CheckVerdict.FAILED for check in self.checks):
            return CertificateVerdict.BROKEN
        if not self._says_something():
            return CertificateVerdict.UNCHECKED
        if any(finding.weight is Weight.WEAKENS for finding in self.weakened):
            return CertificateVerdict.WEAKENED
        if any(finding.weight is Weight.WEAKENS for finding in self.scope):
            return CertificateVerdict.OUT_OF_SCOPE
        return CertificateVerdict.CLEAN

    def _says_something(self) -> bool:
        """Every required check ended, and red on the base is told apart test by test."""
        required = [check for check in self.checks if check.required]
        untold = (CheckVerdict.NOT_RUN, CheckVerdict.PREEXISTING)
        return bool(required) and not any(
            check.verdict is CheckVerdict.NOT_RUN or (check.verdict in untold and check.told_by != "tests")
            for check in required
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical claims."""
        return hashlib.sha256(canonical(claims(self)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Filed:
    """A certificate as it is kept, with what stands beside it."""

    certificate: Certificate
    places: tuple[Place, ...] = ()


def claims(certificate: Certificate) -> dict[str, Any]:
    """Everything the digest is over, as JSON values; no floats, no times."""
    subject = certificate.subject
    return {
        "version": VERSION,
        "verdict": str(certificate.verdict),
        "subject": {
            "base": subject.base,
            "head": subject.head,
            "base_tree": subject.base_tree,
            "head_tree": subject.head_tree,
            "harness": list(subject.harness),
            "origin": subject.origin,
            "sandbox": subject.sandbox,
            "tools": {tool.name: tool.version for tool in subject.tools},
        },
        "checks": [_check(check) for check in certificate.checks],
        "tests": {
            **{name: list(getattr(certificate.tests, name)) for name in _LISTS},
            "total": certificate.tests.total,
        },
        "red_first": {
            "verdict": str(certificate.red_first.verdict),
            "tests": [{"name": test.name, "verdict": str(test.verdict)} for test in certificate.red_first.tests],
            "reason": certificate.red_first.reason,
        },
        "weakened": [finding_claim(finding) for finding in certificate.weakened],
        "scope": [finding_claim(finding) for finding in certificate.scope],
        **({"acceptance": [_point(point) for point in certificate.acceptance]} if certificate.acceptance else {}),
    }


_LISTS = ("fixed", "broken", "new", "removed", "preexisting", "skipped", "flaky")


def _check(check: CertifiedCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "command": check.command,
        "required": check.required,
        "base": None if check.base is None else {"exit_code": check.base.exit_code, "ending": check.base.ending},
        "head": None if check.head is None else {"exit_code": check.head.exit_code, "ending": check.head.ending},
        "told_by": check.told_by,
        "verdict": str(check.verdict),
    }


def _point(point: AcceptancePoint) -> dict[str, Any]:
    return {"text": point.text, "verdict": str(point.verdict), "evidence": list(point.evidence)}


def finding_claim(finding: Finding) -> dict[str, Any]:
    """A finding as the certificate writes it."""
    return {
        "kind": str(finding.kind),
        "file": finding.file,
        "line": finding.line,
        "detail": finding.detail,
        "weight": str(finding.weight),
    }


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces and ASCII only: the same value is the same text everywhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def as_json(certificate: Certificate) -> dict[str, Any]:
    """The claims with their digest."""
    return {**claims(certificate), "digest": certificate.digest}
