"""The verification report: our part of the pull request's body, and the check run on the exact head."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.task.certificate import Certificate, CertificateVerdict, Filed
from bot.task.events import ChangesMade, Verified, WorkspacePrepared
from bot.task.history import History, TurnTaken, attempts_of_run, newest, turns_taken
from bot.task.model import Task
from bot.task.observed import Annotation, Conclusion
from bot.task.results import CheckResult, ChecksOrigin, FileChange, SandboxLevel, Verdict, Verification
from bot.task.usage import Used
from bot.words import certificate as proof
from bot.words.acceptance import open_points
from bot.words.cost import cost_in_full, turn_in_full
from bot.words.plain import MINUS, count, duration, harmless, inert, one_line, quoted

CHECK_RUN_NAME = "Issuewright"
LINES_A_MINUTE = 30
"""How many changed lines a reviewer reads in a minute; a rough figure, and only used for a rough promise."""

TURNS_SHOWN = 20
"""Of the turns of a task, the newest."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report is made from: what the orchestrator saw, and what the agent said."""

    task: Task
    verification: Verification | None
    files: tuple[FileChange, ...]
    attempts: tuple[Verified, ...]
    summary: str
    """The agent's own words."""
    notes: tuple[str, ...] = ()
    """Wishes of the repository that the operator does not grant."""
    used: Used = field(default=Used())
    """What models were used for, in all runs of the task."""
    turns: tuple[TurnTaken, ...] = ()
    """Of all runs, with what each used."""
    filed: Filed | None = None
    """The certificate, where there is one."""

    @property
    def certificate(self) -> Certificate | None:
        return self.filed.certificate if self.filed is not None else None


def from_history(task: Task, history: History, files: tuple[FileChange, ...], used: Used | None = None) -> Report:
    """The report of the task's unpublished commit, which changes these files. Evidence on another commit is none."""
    changes = newest(history, ChangesMade)
    verified = newest(history, Verified)
    prepared = newest(history, WorkspacePrepared)
    same = verified is not None and verified.verification.commit == task.commit
    return Report(
        task=task,
        verification=verified.verification if verified and same else None,
        files=files,
        attempts=attempts_of_run(history, task.run),
        summary=changes.summary if changes else "",
        notes=prepared.notes if prepared else (),
        used=used or Used(),
        turns=turns_taken(history),
    )


def is_draft(report: Report) -> bool:
    """Work whose checks fail, or that was not looked at, is a draft."""
    return report.verification is None or report.verification.verdict is Verdict.FAILED


def pull_title(task: Task) -> str:
    """The issue's title, without effect; GitHub takes at most 256 characters."""
    return inert(one_line(task.title)) or f"Issue {task.issue.number}"


def pull_body(report: Report, report_url: str) -> str:
    """Our part of the pull request's body: the first screen decides."""
    parts = [
        f"Closes #{report.task.issue.number}",
        _banner(report),
        _look_here(report.files),
        open_points(report.certificate.acceptance) if report.certificate is not None else "",
        _details("The agent's own summary (unverified)", quoted(harmless(report.summary) or "It said nothing.")),
        _details(_evidence_title(report), f"{checks_table(report)}\n\n{proof.in_short(report.certificate)}".strip()),
        f"[Full report]({report_url}) · Reply or review to steer · `/agent help`",
    ]
    return "\n\n".join(part for part in parts if part)


def check_title(report: Report) -> str:
    """One line for the list of checks on GitHub."""
    match report.verification:
        case None:
            return "Not verified"
        case verification:
            return _verdict(verification)


def conclusion(report: Report) -> Conclusion:
    """Green only when required checks ran and passed."""
    match report.verification:
        case None:
            return Conclusion.NEUTRAL
        case verification if verification.proof is not None and verification.proof.doubtful:
            return Conclusion.FAILURE if verification.verdict is Verdict.FAILED else Conclusion.NEUTRAL
        case verification:
            return {
                Verdict.PASSED: Conclusion.SUCCESS,
                Verdict.FAILED: Conclusion.FAILURE,
                Verdict.NO_CHECKS: Conclusion.NEUTRAL,
            }[verification.verdict]


def check_summary(report: Report) -> str:
    """The full report, as markdown."""
    task, verification = report.task, report.verification
    parts = [_banner(report), "### Subject", _subject(report), "### Checks", checks_table(report)]
    if report.certificate is not None:
        parts += proof.sections(report.certificate)
    if len(report.attempts) > 1:
        parts += ["### Attempts", _attempts(report.attempts)]
    parts += ["### Files", _files(report.files)]
    if report.notes:
        parts += ["### Limits", "\n".join(f"- {harmless(note)}" for note in report.notes)]
    if verification and verification.origin is ChecksOrigin.GUESSED:
        parts.append(_GUESSED)
    if report.turns:
        parts += ["### Agent", "\n".join(f"- {turn_in_full(taken)}" for taken in report.turns[-TURNS_SHOWN:])]
    spent = cost_in_full(report.used)
    parts.append(f"Task {task.id}, run {task.run}, agent `{task.agent}`." + (f" {spent}." if spent else ""))
    return "\n\n".join(parts)


def check_text(report: Report) -> str:
    """Below the report: the certificate as it is."""
    return proof.whole(report.certificate) if report.certificate is not None else ""


def annotations(report: Report) -> tuple[Annotation, ...]:
    """What a reviewer should see at its line."""
    places = report.filed.places if report.filed is not None else ()
    return tuple(
        Annotation(place.file, place.line, one_line(place.title), inert(place.detail), place.grave) for place in places
    )


_GUESSED = (
    "The checks were **guessed** from the files of the repository. "
    "Name them in `.github/issuewright.yml` to be sure of what is run."
)


def _verdict(verification: Verification) -> str:
    required = [check for check in verification.checks if check.required]
    match verification.verdict:
        case Verdict.PASSED:
            return f"{count(len(required), 'check')} {'passes' if len(required) == 1 else 'pass'}"
        case Verdict.FAILED:
            return f"{len(verification.failures)} of {count(len(required), 'check')} failed"
        case Verdict.NO_CHECKS:
            return "No checks ran"


def _banner(report: Report) -> str:
    verification = report.verification
    if verification is None:
        return "> [!WARNING]\n> **Void**: this commit is not verified."
    first = {
        Verdict.PASSED: _passed(verification, report.certificate),
        Verdict.FAILED: f"[!WARNING]\n> **Not ready: {_failed(verification, report.certificate)}** (a draft)",
        Verdict.NO_CHECKS: "[!WARNING]\n> **No checks ran**",
    }[verification.verdict]
    added = sum(change.added or 0 for change in report.files)
    removed = sum(change.removed or 0 for change in report.files)
    minutes = max(1, round((added + removed) / LINES_A_MINUTE))
    size = f"about {minutes} min · {count(len(report.files), 'file')} +{added} {MINUS}{removed}"
    red = proof.red_words(report.certificate)
    second = " · ".join(part for part in (_second_line(verification), red) if part)
    lines = [f"> {first} · {size} · `{verification.commit[:7]}`", f"> {second}"]
    if verification.sandbox in {SandboxLevel.NONE, SandboxLevel.EXTERNAL}:
        lines.append(f"> **Unsandboxed**: this server's sandbox level is `{verification.sandbox}`.")
    return "\n".join(lines)


def _passed(verification: Verification, certificate: Certificate | None) -> str:
    """Green only where nothing speaks against it."""
    if certificate is None or verification.proof is None or not verification.proof.doubtful:
        return "[!NOTE]\n> **Ready to review**"
    return f"[!WARNING]\n> **{proof.doubt(certificate)}**"


def _failed(verification: Verification, certificate: Certificate | None) -> str:
    """Tests by their number where they are told apart."""
    broken = certificate is not None and certificate.verdict is CertificateVerdict.BROKEN and certificate.tests.broken
    return proof.broken(certificate) if certificate is not None and broken else _verdict(verification)


def _second_line(verification: Verification) -> str:
    if verification.verdict is Verdict.NO_CHECKS:
        return "This repository names no check and none could be guessed, or none could be run: nothing is proven."
    guessed = " (guessed)" if verification.origin is ChecksOrigin.GUESSED else ""
    return _verdict(verification) + guessed


def _look_here(files: Sequence[FileChange]) -> str:
    most = sorted(files, key=lambda change: -((change.added or 0) + (change.removed or 0)))[:3]
    if not most:
        return ""
    rows = [f"{number}. {_file(change)}" for number, change in enumerate(most, 1)]
    return "**Look here**\n" + "\n".join(rows)


def _file(change: FileChange) -> str:
    lines = "binary" if change.added is None else f"+{change.added} {MINUS}{change.removed}"
    word = {"A": "new", "D": "deleted"}.get(change.status, "")
    return " ".join(part for part in (f"`{change.path.replace('`', '')}`", lines, word) if part)


def _files(files: Sequence[FileChange]) -> str:
    shown = "\n".join(f"- {_file(change)}" for change in files[:100])
    return shown + (f"\n- … and {len(files) - 100} more" if len(files) > 100 else "")


def _subject(report: Report) -> str:
    task, verification = report.task, report.verification
    head = verification.commit if verification else task.commit
    sandbox = verification.sandbox if verification else "unknown"
    return (
        f"Head `{head}` on base `{task.base}` · sandbox `{sandbox}` · run outside the agent's reach, without network."
    )


def _evidence_title(report: Report) -> str:
    verification = report.verification
    if verification is None:
        return "Evidence: none"
    repairs = len(report.attempts) - 1
    tail = f" · {count(repairs, 'fix attempt')}" if repairs > 0 else ""
    short = f" · {proof.title(report.certificate)}" if report.certificate is not None else ""
    return f"Evidence: {_verdict(verification)}{short}{tail}"


def checks_table(report: Report) -> str:
    """One row per check; what did not run has no exit code and says why."""
    if report.verification is None or not report.verification.checks:
        return "No checks ran."
    rows = [_row(check) for check in report.verification.checks]
    return "\n".join(["| check | command | required | result | time |", "|---|---|---|---|---|", *rows])


def _row(check: CheckResult) -> str:
    command = check.command.replace("|", "\\|").replace("`", "").replace("\n", " ")
    ended = f"exit {check.exit_code}" if check.exit_code is not None else check.note
    ended += f" ({harmless(check.note)})" if check.passed and check.note else ""
    result = f"✅ {ended}" if check.passed else f"⚠️ {ended}, not by this change" if check.excused else f"❌ {ended}"
    required = "yes" if check.required else "no"
    return f"| {harmless(check.name)} | `{command[:120]}` | {required} | {result} | {duration(check.seconds)} |"


def _attempts(attempts: Sequence[Verified]) -> str:
    befores = [None, *(event.verification for event in attempts)]
    return "\n".join(
        f"{event.attempt}. `{event.verification.commit[:7]}`: {_verdict(event.verification)}"
        f"{_repaired(before, event.verification)}"
        for before, event in zip(befores, attempts, strict=False)
    )


def _repaired(before: Verification | None, now: Verification) -> str:
    """What this attempt repaired of what the one before left failing."""
    failing = [check.name for check in before.failures] if before is not None else []
    held = {check.name for check in now.checks if check.held}
    mended = ", ".join(harmless(one_line(name)) for name in failing if name in held)
    return (f"; repaired {mended}" if mended else "; repaired no check") if failing else ""


def _details(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
