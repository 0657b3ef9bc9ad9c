"""The certificate in words: its lines, which the terminal, the pull request and the check run share."""

import json
from collections.abc import Iterable, Sequence

from bot.task.certificate import (
    Certificate,
    CertificateVerdict,
    CertifiedCheck,
    CertifiedTests,
    CheckVerdict,
    RedFirst,
    RedFirstVerdict,
    RedTestVerdict,
    RunEnd,
    as_json,
)
from bot.task.evidence import Finding, Weight
from bot.words.acceptance import in_title, rows
from bot.words.plain import count, fenced, harmless, one_line

COMPLAINTS = 20
LISTED = 40
"""Entries of one list in the full report."""
SHOWN = 8
"""Lines of one kind in the terminal."""


def headline(certificate: Certificate) -> str:
    """What it says, in a few words."""
    match certificate.verdict:
        case CertificateVerdict.CLEAN:
            return "Clean: nothing is broken, weakened or out of scope"
        case CertificateVerdict.BROKEN:
            return f"Broken: {broken(certificate)}"
        case CertificateVerdict.UNCHECKED:
            return f"Unchecked: {unchecked(certificate)}"
        case CertificateVerdict.WEAKENED:
            return f"Weakened: {count(len(grave(certificate.weakened)), 'finding')}"
        case CertificateVerdict.OUT_OF_SCOPE:
            return f"Out of scope: {count(len(grave(certificate.scope)), 'finding')}"


def broken(certificate: Certificate) -> str:
    """`2 tests broken`, or the checks that fail."""
    if certificate.tests.broken:
        return f"{count(len(certificate.tests.broken), 'test')} broken"
    failed = [check.name for check in certificate.checks if check.required and check.verdict is CheckVerdict.FAILED]
    return f"{count(len(failed), 'check')} failed ({one_line(', '.join(failed))})"


def unchecked(certificate: Certificate) -> str:
    """Why nothing is proven."""
    required = [check for check in certificate.checks if check.required]
    if not required:
        return "no check ran"
    if any(check.verdict is CheckVerdict.NOT_RUN for check in required):
        return "a required check did not run"
    return "a required check fails on the base as well, and no report tells its tests apart"


def grave(findings: Sequence[Finding]) -> list[Finding]:
    """Those that bear on the verdict."""
    return [finding for finding in findings if finding.weight is Weight.WEAKENS]


def tests_line(tests: CertifiedTests) -> str:
    """`2 fixed, 1 new, 41 in all`."""
    if not tests.total and not tests.removed:
        return "no report names them: write JUnit XML into $REPORTS"
    named = (
        ("broken", tests.broken),
        ("fixed", tests.fixed),
        ("new", tests.new),
        ("removed", tests.removed),
        ("failing on the base as well", tests.preexisting),
        ("skipped", tests.skipped),
        ("flaky", tests.flaky),
    )
    said = [f"{len(which)} {word}" for word, which in named if which or word == "broken"]
    return ", ".join([*said, f"{tests.total} in all"])


def red_line(red: RedFirst) -> str:
    """`2 of 2 fail there by assertion, pass here`."""
    tail = f": {_uncapped(red.reason)}" if red.reason else ""
    match red.verdict:
        case RedFirstVerdict.PROVEN:
            asserted = sum(test.verdict is RedTestVerdict.ASSERTION for test in red.tests)
            how = " by assertion" if asserted == len(red.proving) else ""
            return f"{len(red.proving)} of {len(red.tests)} fail there{how}, pass here{tail}"
        case RedFirstVerdict.PROVES_NOTHING:
            return f"the added or changed tests prove nothing, they pass on the base as well{tail}"
        case RedFirstVerdict.NAMES_ONLY:
            return f"{count(len(red.tests), 'test')} fail only for missing names{tail}"
        case RedFirstVerdict.NO_TESTS | RedFirstVerdict.COULD_NOT_RUN:
            return f"{red.verdict}{tail}"


def ended(end: RunEnd | None) -> str:
    """`exit 0`, `timed out`."""
    if end is None:
        return "not run"
    return f"exit {end.exit_code}" if end.exit_code is not None else end.ending


def finding_line(finding: Finding) -> str:
    """One line, with its place where it has one."""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    kind = str(finding.kind).replace("_", " ")
    mark = "" if finding.weight is Weight.WEAKENS else f" ({finding.weight})"
    return one_line(f"{kind}{mark}: {f'{place}: ' if place else ''}{finding.detail}", 300)


def complaints(certificate: Certificate) -> tuple[str, ...]:
    """What is broken or wrong with the proof, for whoever is to mend it."""
    found = [f"`{one_line(test)}` held before the change and fails with it." for test in certificate.tests.broken]
    found += [finding_line(finding) for finding in grave((*certificate.weakened, *certificate.scope))]
    if certificate.red_first.verdict is RedFirstVerdict.PROVES_NOTHING:
        found.append("The added or changed tests pass without the change: they prove nothing about it.")
    return tuple([*found[:COMPLAINTS], *([f"And {len(found) - COMPLAINTS} more."] if len(found) > COMPLAINTS else [])])


def plainly(certificate: Certificate) -> str:
    """One screen for a terminal."""
    subject = certificate.subject
    parts = [
        ("Subject", [f"head {subject.head[:10]} on base {subject.base[:10]}, sandbox {subject.sandbox}"]),
        ("Checks", [_check(check) for check in certificate.checks] or ["none ran"]),
        ("Tests", [tests_line(certificate.tests), *_named("broken", certificate.tests.broken)]),
        ("Red-first", [red_line(certificate.red_first)]),
        ("Weakened", _findings(certificate.weakened)),
        ("Scope", _findings(certificate.scope)),
        ("Digest", [f"sha256:{certificate.digest}"]),
    ]
    if subject.origin == "guessed":
        parts[1][1].append("guessed from the files of the repository: name them in .github/issuewright.yml to be sure")
    if subject.harness:
        parts[0][1].append(f"run with the base's {one_line(', '.join(subject.harness))}")
    lines = [f"{name if not at else '':<10}{line}" for name, said in parts for at, line in enumerate(said)]
    return "\n".join([headline(certificate), "", *lines])


def _check(check: CertifiedCheck) -> str:
    required = "" if check.required else ", not required"
    ends = f"{ended(check.head)}; base: {ended(check.base)}{required}"
    return one_line(f"{check.name}: {check.verdict} ({ends}): {check.command}", 160)


def _named(word: str, tests: Sequence[str]) -> Iterable[str]:
    yield from (f"{word}: {one_line(test, 160)}" for test in tests[:SHOWN])
    if len(tests) > SHOWN:
        yield f"and {len(tests) - SHOWN} more {word}"


def _findings(findings: Sequence[Finding]) -> list[str]:
    order = sorted(findings, key=lambda finding: list(Weight).index(finding.weight))
    shown = [finding_line(finding) for finding in order[:SHOWN]]
    return [*shown, *([f"and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else [])] or ["clean"]


def _uncapped(sentence: str) -> str:
    return (sentence[0].lower() + sentence[1:]).rstrip(".")


# ── in a pull request and its check run ──


def doubt(certificate: Certificate) -> str:
    """Why a commit that breaks nothing is not green."""
    match certificate.verdict:
        case CertificateVerdict.WEAKENED:
            return f"Weakened: {count(len(grave(certificate.weakened)), 'finding')} to look at"
        case CertificateVerdict.OUT_OF_SCOPE:
            return f"Out of scope: {count(len(grave(certificate.scope)), 'finding')} to look at"
        case _:
            return "Unproven: its tests pass without the change"


def red_words(certificate: Certificate | None) -> str:
    """For the first screen: `new tests fail without the change: 2 of 2`; nothing where there is nothing to say."""
    red = certificate.red_first if certificate is not None else None
    match red.verdict if red is not None else None:
        case RedFirstVerdict.PROVEN if red is not None:
            return f"new tests fail without the change: {len(red.proving)} of {len(red.tests)}"
        case RedFirstVerdict.NAMES_ONLY:
            return "without the change the new tests fail only for missing names"
        case RedFirstVerdict.PROVES_NOTHING:
            return "the changed tests pass without the change"
        case _:
            return ""


def title(certificate: Certificate) -> str:
    """`Acceptance 2 of 3 · scope clean · no tests weakened`."""
    outside, weaker = len(grave(certificate.scope)), len(grave(certificate.weakened))
    scope = count(outside, "scope finding") if outside else "scope clean"
    tests = f"{count(weaker, 'finding')} on the tests" if weaker else "no tests weakened"
    return " · ".join(part for part in (in_title(certificate.acceptance), scope, tests) if part)


def in_short(certificate: Certificate | None) -> str:
    """Below the table of checks in the pull request."""
    if certificate is None:
        return ""
    lines = [f"Tests: {tests_line(certificate.tests)}.", f"Red first: {_code(red_line(certificate.red_first))}."]
    lines += _bullets([*certificate.weakened, *certificate.scope], SHOWN)
    return "\n".join(lines[:2]) + ("\n\n" + "\n".join(lines[2:]) if lines[2:] else "")


def sections(certificate: Certificate) -> list[str]:
    """The sections of the full report."""
    subject = certificate.subject
    harness = ", ".join(f"`{_code(path)}`" for path in subject.harness)
    ran = f"The head was run with the base's {harness}." if subject.harness else ""
    tools = ", ".join(_code(f"{tool.name}: {tool.version}") for tool in subject.tools)
    return [
        part
        for part in (
            ran,
            f"Tools: {tools}." if tools else "",
            "### Tests",
            f"{tests_line(certificate.tests)}.",
            *_lists(certificate.tests),
            "### Red-first evidence",
            f"{_code(red_line(certificate.red_first))}.",
            "\n".join(f"- `{_code(test.name)}` {test.verdict}" for test in certificate.red_first.tests[:LISTED]),
            "### Weakened",
            "\n".join(_bullets(certificate.weakened, LISTED)) or "Nothing.",
            "### Scope",
            "\n".join(_bullets(certificate.scope, LISTED)) or "Clean.",
            "### Acceptance" if certificate.acceptance else "",
            rows(certificate.acceptance),
            f"Certificate `sha256:{certificate.digest}`: **{certificate.verdict}**.",
        )
        if part
    ]


def whole(certificate: Certificate) -> str:
    """The certificate itself, as a reader of machines wants it."""
    text = json.dumps(as_json(certificate), indent=1, sort_keys=True)
    return f"The certificate; its digest is over everything but itself.\n\n{fenced(text, 'json')}"


def _lists(tests: CertifiedTests) -> Iterable[str]:
    named = (
        ("Broken", tests.broken),
        ("Fixed", tests.fixed),
        ("New", tests.new),
        ("Removed", tests.removed),
        ("Failing on the base as well", tests.preexisting),
        ("Flaky", tests.flaky),
    )
    for word, which in named:
        if which:
            more = f" and {len(which) - LISTED} more" if len(which) > LISTED else ""
            yield f"{word}: {', '.join(f'`{_code(test)}`' for test in which[:LISTED])}{more}"


def _bullets(findings: Sequence[Finding], most: int) -> list[str]:
    order = sorted(findings, key=lambda finding: list(Weight).index(finding.weight))
    lines = [f"- {harmless(finding_line(finding))}" for finding in order[:most]]
    return [*lines, *([f"- and {len(order) - most} more"] if len(order) > most else [])]


def _code(text: str) -> str:
    """Fit to stand in a line of markdown, also between backticks."""
    return harmless(one_line(text.replace("`", "'"), 300))
