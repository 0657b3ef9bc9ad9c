"""Findings of a change's contents alone, bounded in time, and the places where they are shown to a reviewer."""

from collections.abc import Iterator, Sequence

from bot.task.certificate import Place
from bot.task.evidence import ChangedFile, Finding, FindingKind, Weight
from bot.verify.certify import Analysis, Certified
from bot.verify.command import Command
from bot.verify.harness import run_by
from bot.verify.plain import one_line
from bot.verify.scope import ScopeRules, scope_findings
from bot.verify.weakened import weakened_findings

PROTECTED = (".github/**", "**/CODEOWNERS", "**/AGENTS.md", "**/CLAUDE.md", "**/GEMINI.md")
"""What only people change, whoever made the commit."""
SHOWN = 50


def weakened(commands: Sequence[Command]) -> Analysis:
    """What bears on the worth of the proof that these commands give."""
    scripts = run_by(commands)
    return lambda changed: weakened_findings(changed, scripts)


def scope(changed: Sequence[ChangedFile]) -> Sequence[Finding]:
    """Where a change may not go, and what should not be in it."""
    return scope_findings(changed, ScopeRules(protected=PROTECTED))


def places_of(certified: Certified) -> tuple[Place, ...]:
    """The gravest first, at most fifty: failing tests, then findings that have a line."""
    found = [*_broken(certified), *_findings(certified)]
    return tuple(sorted(found, key=lambda place: (not place.grave, place.file, place.line))[:SHOWN])


def _findings(certified: Certified) -> Iterator[Place]:
    certificate = certified.certificate
    for finding in (*certificate.weakened, *certificate.scope):
        if finding.file and finding.weight is not Weight.NOTED and finding.kind is not FindingKind.BINARY:
            title = str(finding.kind).replace("_", " ").capitalize()
            grave = finding.weight is Weight.WEAKENS
            yield Place(finding.file, max(finding.line, 1), title, finding.detail, grave)


def _broken(certified: Certified) -> Iterator[Place]:
    """Where a report tells file and line of a test that is broken."""
    broken = set(certified.certificate.tests.broken)
    paths = {file.path for file in certified.changed}
    for one in certified.head:
        for outcome in one.run.report.outcomes if one.run.report is not None else ():
            names = {str(outcome.id), f"{one.run.name}: {outcome.id}"}
            path = outcome.file or outcome.id.suite.replace(".", "/") + ".py"
            if names & broken and (outcome.file or path in paths):
                detail = outcome.message or "It holds on the base and fails here."
                yield Place(path, max(outcome.line, 1), f"Broken: {one_line(str(outcome.id))}", detail, grave=True)
