"""Plain values of the verification: what tests said on a commit, and what a change does to the proof."""

from dataclasses import dataclass
from enum import StrEnum

# ── what tests said ──


@dataclass(frozen=True, slots=True, order=True)
class TestId:
    """One test, the same on every commit: `suite` is its file, or its class where no file is told."""

    __test__ = False

    suite: str
    name: str
    """With its class below the file, and its parameters: `TestCart::test_total[eur]`."""

    def __str__(self) -> str:
        return f"{self.suite}::{self.name}" if self.suite else self.name


class TestStatus(StrEnum):
    """How a test ended."""

    __test__ = False

    PASSED = "passed"
    """It ran and held; also one that was expected to fail and passed without the runner's objection."""
    FAILED = "failed"
    """It ran and did not hold, or could not run; `FailureKind` says which."""
    SKIPPED = "skipped"
    """It was not run."""
    XFAILED = "xfailed"
    """It failed, as it says itself that it does."""


class FailureKind(StrEnum):
    """Why a test failed, as far as its report tells."""

    ASSERTION = "assertion"
    """An assertion of the test did not hold."""
    MISSING_NAME = "missing name"
    """A name, a member or an import is not there: what happens to any test of code that is not written yet."""
    NOT_COLLECTED = "not collected"
    """The runner could not load the file, for another reason than a missing name."""
    ERROR = "error"
    """Anything else: an exception, a crash, a time-out."""


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test as a report tells it. All text is the repository's own: hostile, cut to a bound."""

    __test__ = False

    id: TestId
    status: TestStatus
    failure: FailureKind | None = None
    """Set if and only if the status is `FAILED`."""
    milliseconds: int = 0
    message: str = ""
    """The heart of the failure, or the reason for a skip; a few lines."""
    file: str = ""
    line: int = 0
    """Counted from 1; 0 when it is not told."""

    @property
    def failed(self) -> bool:
        return self.status is TestStatus.FAILED


@dataclass(frozen=True, slots=True)
class TestReport:
    """Every test of one or several report files, in the order of their ids, each id once."""

    __test__ = False

    outcomes: tuple[TestOutcome, ...]
    notes: tuple[str, ...] = ()
    """One sentence per oddity: a file that was refused, tests that are told twice, tests that were left out."""
    complete: bool = True
    """False when a file was refused or a limit cut something off: what is missing here may still exist."""
    retried: tuple[TestId, ...] = ()
    """Tests that the runner itself ran again until they passed; flaky by its own word."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tests of base and head side by side. Every tuple is sorted; a flaky test stands in `flaky` alone."""

    fixed: tuple[TestId, ...] = ()
    """Failed on base, pass on head."""
    broken: tuple[TestId, ...] = ()
    """Not failing on base, fail on head; also a new test that fails."""
    new: tuple[TestId, ...] = ()
    """Not on base, pass on head."""
    removed: tuple[TestId, ...] = ()
    """On base, not on head."""
    preexisting: tuple[TestId, ...] = ()
    """Fail on both: not this change's doing."""
    skipped: tuple[TestId, ...] = ()
    """Not run, or expected to fail, on head."""
    newly_skipped: tuple[TestId, ...] = ()
    """The part of `skipped` that ran on base."""
    flaky: tuple[TestId, ...] = ()
    """Passed and failed on one and the same commit."""
    passed: int = 0
    """How many pass on head, flaky ones not counted."""
    total: int = 0
    """How many tests head has."""


# ── what a change does to the proof ──


class Weight(StrEnum):
    """What a finding means for the verdict, gravest first."""

    WEAKENS = "weakens"
    """The proof is worth less, or a rule is broken: not green until a person overrules it."""
    FLAGGED = "flagged"
    """May be right, may be a trick; a person should look."""
    NOTED = "noted"
    """Explained; nothing to do."""


class FindingKind(StrEnum):
    """What was found. The names are part of the certificate."""

    TEST_REMOVED = "test_removed"
    """A test is gone while what it tested is still there."""
    TEST_REMOVED_WITH_CODE = "test_removed_with_code"
    """A test is gone together with what it tested."""
    TEST_SKIPPED = "test_skipped"
    """A test is newly skipped, or newly expected to fail."""
    ASSERTION_REMOVED = "assertion_removed"
    """A test that stays asserts less often."""
    ASSERTION_LOOSENED = "assertion_loosened"
    """An assertion holds for more than before."""
    ASSERTION_EMPTY = "assertion_empty"
    """A new or changed test that cannot fail: no assertion, or one that is always true."""
    EXPECTATION_CHANGED = "expectation_changed"
    """An assertion expects another value than before."""
    SELECTION_NARROWED = "selection_narrowed"
    """Fewer tests are run: configuration, markers, `.only`, build tags."""
    COMMAND_CHANGED = "command_changed"
    """A check's command or the CI is edited."""
    HARNESS_CHANGED = "harness_changed"
    """What tests stand on is edited: conftest.py, the runner's configuration, set-up files."""
    RUNNER_TOUCHED = "runner_touched"
    """Code that reaches into the test runner, or ends its process: hooks, patches, `os._exit`."""
    VERIFIER_DETECTED = "verifier_detected"
    """Product code that asks whether a test is running."""
    ENVIRONMENT_DETECTED = "environment_detected"
    """Product code that asks whether it is in CI or a sandbox."""
    RUNNER_SHADOWED = "runner_shadowed"
    """A file that would be run or imported in place of the real tool or library."""
    REPORT_COMMITTED = "report_committed"
    """A test report is part of the change."""
    REPORT_DISAGREES = "report_disagrees"
    """A report and its command's exit code, or the report and itself, do not say the same."""
    REPORT_MISSING = "report_missing"
    """The tests report on the base, and on the head the command succeeds without any report."""
    TEST_VANISHED = "test_vanished"
    """A test of an unchanged file is not run any more."""
    HARNESS_NEEDED = "harness_needed"
    """The changed tests run only with the changed harness."""
    HARNESS_RESCUES = "harness_rescues"
    """What held on the base fails on the head with the base's harness, and passes with the changed one."""
    SNAPSHOT_CHANGED = "snapshot_changed"
    """A recorded expectation is renewed."""
    TIME_GATED = "time_gated"
    """Behaviour hangs on a date written into the code."""
    NOT_ANALYSED = "not_analysed"
    """A file could not be looked at: too large, not text, not its language."""
    OUT_OF_SCOPE = "out_of_scope"
    """A file outside the allowed paths."""
    PROTECTED = "protected"
    """A file that only people change."""
    TOO_LARGE = "too_large"
    """More files, lines or bytes than the limit."""
    BINARY = "binary"
    """A binary file: nobody can review it line by line."""
    LOCK_ALONE = "lock_alone"
    """A lock file is changed without its manifest."""
    MANIFEST_ALONE = "manifest_alone"
    """Dependencies of a manifest are changed without its lock file."""
    SECRET = "secret"  # noqa: S105  a kind, not a password
    """An added line looks like a credential."""

    @property
    def weight(self) -> Weight:
        return _WEIGHTS.get(self, Weight.WEAKENS)


_WEIGHTS = {
    FindingKind.TEST_REMOVED_WITH_CODE: Weight.NOTED,
    FindingKind.MANIFEST_ALONE: Weight.NOTED,
    **dict.fromkeys(
        (
            FindingKind.EXPECTATION_CHANGED,
            FindingKind.COMMAND_CHANGED,
            FindingKind.HARNESS_CHANGED,
            FindingKind.HARNESS_NEEDED,
            FindingKind.ENVIRONMENT_DETECTED,
            FindingKind.SNAPSHOT_CHANGED,
            FindingKind.TIME_GATED,
            FindingKind.NOT_ANALYSED,
            FindingKind.BINARY,
            FindingKind.LOCK_ALONE,
        ),
        Weight.FLAGGED,
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing a reviewer should know. Sorted by file, line and kind."""

    file: str
    line: int
    """Line of the head's file, counted from 1; 0 for the file as a whole and for what is gone."""
    kind: FindingKind
    detail: str
    """One sentence for a person. It may quote the repository: cut, one line, printable."""

    @property
    def weight(self) -> Weight:
        return self.kind.weight


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One changed path with its content on both sides; None where it does not exist. A rename is two of them."""

    path: str
    old: bytes | None
    new: bytes | None


# ── what the issue asked for ──


class Acceptance(StrEnum):
    """What speaks for a checkbox of the issue."""

    MET = "met"
    """Every check or test that it names passes on head."""
    NOT_MET = "not met"
    """One that it names fails, or is not there."""
    LIKELY = "likely"
    """It names nothing, but a passing test bears nearly its words; marked as a guess."""
    NOT_VERIFIED = "not verified"
    """Nothing speaks for it."""


@dataclass(frozen=True, slots=True)
class AcceptancePoint:
    """One checkbox of the issue."""

    text: str
    verdict: Acceptance
    evidence: tuple[str, ...] = ()
    """Names of the checks and tests that were looked at."""
