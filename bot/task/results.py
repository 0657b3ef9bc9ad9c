"""Plain values that cross floors: what agents, checks and git found out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.task.certificate import CertificateVerdict, RedFirstVerdict
from bot.task.ids import ArtifactId, CommitSha


class SandboxLevel(StrEnum):
    """How well a process is contained on this machine, best first."""

    OVERLAY = "bubblewrap+overlay"
    """bubblewrap with all namespaces; copy-on-write worktrees are possible."""
    CHECKOUT = "bubblewrap"
    """bubblewrap with all namespaces; plain checkouts."""
    EXTERNAL = "external"
    """The operator says that this container or VM is itself the boundary."""
    NONE = "none"
    """No boundary: only programs that we wrote may run, unless the operator insists."""


# ── what an agent said at the end of its turn ──


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The agent ended its turn in good order; what it changed is for the harvest to tell."""

    summary: str


@dataclass(frozen=True, slots=True)
class TurnAsked:
    """The agent needs a decision before it can go on."""

    question: str


@dataclass(frozen=True, slots=True)
class TurnDeclined:
    """The agent says that there is nothing to do, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class TurnAnswered:
    """The issue was a question; this is the answer. No change is expected."""

    text: str


class FaultKind(StrEnum):
    """Why a turn ended badly."""

    CRASHED = "crashed"
    """The agent's process ended, broke the protocol or reported an error of its own."""
    TIMED_OUT = "timed out"
    """The turn used up its time."""
    BUDGET = "budget"
    """A limit of model calls, tokens or money was reached."""
    OUTPUT_LIMIT = "output limit"
    """The process wrote more than it may."""
    MEMORY_LIMIT = "memory limit"
    """It used more memory than it may."""
    DISK_LIMIT = "disk limit"
    """It filled more disk space than it may."""
    REFUSED = "refused"
    """It may not run here (no sandbox, unknown agent)."""
    STALLED = "stalled"
    """It said nothing and asked its model nothing for too long."""
    REPEATED = "the same failure twice"
    """A further attempt ended as the one before it: another would, too."""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn ended badly. `detail` is one line for a person; it may quote the agent."""

    kind: FaultKind
    detail: str
    last_words: str = ""
    """What it said when its time was nearly up and it was asked to wrap up; one line."""


TurnOutcome = TurnEnded | TurnAsked | TurnDeclined | TurnAnswered | TurnFailed


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a model, as counted by whoever says so. `cached` are part of `into`."""

    into: int
    out: int
    cached: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.into + other.into, self.out + other.out, self.cached + other.cached)


# ── what git found in the worktree ──


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; line counts are None for a binary file."""

    path: str
    status: str
    """One letter as in `git diff --name-status`: A, D, M, T."""
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Harvested:
    """The bot's own commit made from the harvested tree. `files` is the diff against the base."""

    commit: CommitSha
    files: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class NothingChanged:
    """The tree is the one the attempt started from."""


@dataclass(frozen=True, slots=True)
class HarvestRefused:
    """The tree may not be taken over; one sentence per violation, naming path and limit."""

    violations: tuple[str, ...]


Harvest = Harvested | NothingChanged | HarvestRefused


# ── what the checks said ──


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One command of the repository, run on one exact commit. `exit_code` None: it did not end by itself."""

    name: str
    command: str
    required: bool
    exit_code: int | None
    seconds: float
    note: str = ""
    """Why there is no exit code (`timed out after 600 s`), else empty."""
    log: ArtifactId | None = None
    brief: ArtifactId | None = None
    """What of the log explains the failure; None where it passed."""
    excused: bool = False
    """It fails, and not by this change: the same tests fail on the base, or it passed when it was run again."""

    @property
    def passed(self) -> bool:
        return self.exit_code == 0

    @property
    def held(self) -> bool:
        """Nothing speaks against the change."""
        return self.passed or self.excused


class Verdict(StrEnum):
    """What the checks as a whole say about a commit."""

    PASSED = "passed"
    """Every required check ran and passed, and there was at least one."""
    FAILED = "failed"
    """A required check failed or did not end."""
    NO_CHECKS = "no checks"
    """Nothing required was run: never shown as green."""


class ChecksOrigin(StrEnum):
    """Where the commands came from."""

    CONFIGURED = "configured"
    """`.github/issuewright.yml` of the default branch."""
    GUESSED = "guessed"
    """Guessed from the files of the repository, and said so."""
    NONE = "none"
    """Neither configured nor guessable."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The certificate in short; the whole of it is the artifact."""

    digest: str
    verdict: CertificateVerdict
    red_first: RedFirstVerdict
    complaints: tuple[str, ...] = ()
    """What is broken or wrong with the proof: one sentence each, for the agent and for people."""
    artifact: ArtifactId | None = None

    @property
    def doubtful(self) -> bool:
        """Nothing is broken, and yet not proven: tests prove nothing, the proof is weaker, a place is forbidden."""
        weak = self.verdict in (CertificateVerdict.WEAKENED, CertificateVerdict.OUT_OF_SCOPE)
        return weak or self.red_first is RedFirstVerdict.PROVES_NOTHING


@dataclass(frozen=True, slots=True)
class Verification:
    """Evidence on one exact commit, gathered by the orchestrator."""

    commit: CommitSha
    checks: tuple[CheckResult, ...]
    origin: ChecksOrigin
    sandbox: SandboxLevel
    started_at: datetime
    proof: Proof | None = None
    """None: written before there were certificates."""
    sent_back: bool = False
    """It is doubtful, and the agent gets a chance to mend that: once in a run."""

    @property
    def verdict(self) -> Verdict:
        required = [check for check in self.checks if check.required]
        if not required:
            return Verdict.NO_CHECKS
        broken = self.proof is not None and self.proof.verdict is CertificateVerdict.BROKEN
        return Verdict.PASSED if all(check.held for check in required) and not broken else Verdict.FAILED

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.required and not check.held)


# ── where a run stands (overwritten, never kept) ──


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One entry of the agent's own plan."""

    text: str
    status: str
    """`pending`, `in_progress` or `completed`, as in the Agent Client Protocol."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What an agent is doing now, as far as it says. Shown, never trusted."""

    doing: str = ""
    plan: tuple[PlanStep, ...] = ()
    files: tuple[str, ...] = ()
    turns: int = 0
    """Tool calls so far."""
    session: str | None = None
    """By which it can be resumed, also when this turn never ends."""
