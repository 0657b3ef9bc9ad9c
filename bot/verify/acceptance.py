"""Which checks and tests speak for each checkbox of an issue.

Only what a checkbox names counts: a test, a file of tests, a check, a command. A test whose words are nearly those of
the checkbox is shown as likely, never as met. Everything else is not verified, whatever the agent says about it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.task.evidence import Acceptance, AcceptancePoint, TestId, TestOutcome, TestReport, TestStatus
from bot.task.results import CheckResult
from bot.verify.plain import one_line

_MOST_BODY = 65_536
_MOST_POINTS = 50
_MOST_TESTS = 20
_MOST_NAMES = 10
_BOX = re.compile(r"^[ \t]{0,20}(?:[-*+]|\d{1,3}[.)])[ \t]{1,8}\[[ xX]\][ \t]{1,8}(\S[^\n]{0,1000})", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_QUOTED = re.compile(r"`{1,2}([^`\n]{1,300})`{1,2}")
_TEST_NAME = re.compile(
    r"[\w./-]{1,200}::[\w:.\[\]-]{1,200}|\btest_\w{1,120}(?:\[[^\]\s]{1,80}\])?|\bTest[A-Z]\w{1,120}(?:[./]\w{1,80})?"
)
_TEST_FILE = re.compile(r"[\w./-]{0,200}(?:test|spec|Test)[\w.-]{0,80}\.(?:py|[cm]?[jt]sx?|go|rs|rb|java|kt|php|cs)\b")
_CHECK = re.compile(r"\b(?:check|job) ([\w-]{1,60})\b|\b([\w-]{1,60}) check\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+|\d+")
_SMALL_WORDS = """a an and are as at be by can do does for from given has have in into is it its no not of on or should
    test tests that the their then there to when which will with"""
_SMALL = frozenset(_SMALL_WORDS.split())
_LIKELY_WORDS, _LIKELY_SHARE = 3, 0.8


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One thing that a checkbox names, and how it stands: None when it is neither good nor bad."""

    words: str
    good: bool | None


def acceptance_points(body: str, checks: Sequence[CheckResult], head: TestReport) -> tuple[AcceptancePoint, ...]:
    """The checkboxes of an issue's body in order, at most fifty."""
    tests = _Tests(head)
    points = []
    for text in _boxes(body):
        spoken = list(dict.fromkeys((*_named_tests(text, tests), *_named_checks(text, checks))))
        points.append(_point(text, spoken) if spoken else _likely(text, tests))
    return tuple(points)


def _boxes(body: str) -> list[str]:
    """Texts of the checkboxes; what stands in code or in comments is none."""
    plain = _COMMENT.sub("", _FENCE.sub("", body[:_MOST_BODY].replace("\r\n", "\n")))
    return [found[1].strip() for found in _BOX.finditer(plain)][:_MOST_POINTS]


def _point(text: str, spoken: Sequence[_Spoken]) -> AcceptancePoint:
    if any(one.good is False for one in spoken):
        verdict = Acceptance.NOT_MET
    elif all(one.good for one in spoken):
        verdict = Acceptance.MET
    else:
        verdict = Acceptance.NOT_VERIFIED
    return AcceptancePoint(one_line(text, 300), verdict, tuple(one.words for one in spoken))


class _Tests:
    """The head's tests by what people call them."""

    def __init__(self, report: TestReport) -> None:
        self._by_own: dict[str, list[TestOutcome]] = defaultdict(list)
        self._by_file: dict[str, list[TestOutcome]] = defaultdict(list)
        self.passed: list[tuple[TestId, frozenset[str]]] = []
        for outcome in report.outcomes:
            whole = _dotted(str(outcome.id))
            self._by_own[whole.rpartition(".")[2]].append(outcome)
            for file in {_dotted(outcome.file), _dotted(outcome.id.suite)} - {""}:
                self._by_file[file].append(outcome)
            if outcome.status is TestStatus.PASSED:
                self.passed.append((outcome.id, _words(outcome.id.name)))

    def called(self, name: str) -> list[TestOutcome]:
        """Tests with this name, with or without file, class and parameters."""
        wanted = _dotted(name)
        found = self._by_own.get(wanted.rpartition(".")[2], [])
        found = [one for one in found if f".{_dotted(str(one.id))}".endswith(f".{wanted}")]
        exact = [one for one in found if one.id.name.endswith(name.rpartition("::")[2])] if "[" in name else []
        return exact or found

    def within(self, path: str) -> list[TestOutcome]:
        """Tests of a file, or of a class."""
        wanted = _dotted(path)
        found = [
            outcome
            for file, outcomes in self._by_file.items()
            if file == wanted or file.startswith(f"{wanted}.") or file.endswith(f".{wanted}") or f".{wanted}." in file
            for outcome in outcomes
        ]
        return list(dict.fromkeys(found))


def _dotted(name: str) -> str:
    """One spelling for `tests/test_a.py::TestA::test_b[1]` and `tests.test_a.TestA.test_b`."""
    plain = re.sub(r"\[.*", "", name.removeprefix("./"))
    return re.sub(r"\.py\b", "", plain).replace("::", ".").replace("/", ".").strip(".")


def _named_tests(text: str, tests: _Tests) -> Iterator[_Spoken]:
    names = dict.fromkeys((*_TEST_NAME.findall(text), *_TEST_FILE.findall(text), *_QUOTED.findall(text)))
    longer = [name for name in names if not any(name != other and name in other for other in names)]
    for name in longer[:_MOST_NAMES]:
        explicit = bool(_TEST_NAME.fullmatch(name) or _TEST_FILE.fullmatch(name))
        outcomes = tests.called(name) or (tests.within(name) if explicit else [])
        if outcomes:
            yield from _told(name, outcomes)
        elif explicit and _looks_like_test(name):
            yield _Spoken(f"{one_line(name)} (not there)", False)


def _looks_like_test(name: str) -> bool:
    return "::" in name or name.startswith("test_") or bool(_TEST_FILE.fullmatch(name))


def _told(name: str, outcomes: Sequence[TestOutcome]) -> Iterator[_Spoken]:
    """One line for a test or for a whole group of them."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    idle = [outcome for outcome in outcomes if not outcome.failed and outcome.status is not TestStatus.PASSED]
    if len(outcomes) == 1:
        state = {TestStatus.PASSED: True, TestStatus.FAILED: False}.get(outcomes[0].status)
        note = "" if state else f" ({outcomes[0].status})"
        yield _Spoken(f"{outcomes[0].id}{note}", state)
    elif failed:
        yield _Spoken(f"{one_line(name)} ({len(failed)} of {len(outcomes)} tests fail)", False)
    else:
        note = f", {len(idle)} not run" if idle else ""
        yield _Spoken(f"{one_line(name)} ({len(outcomes)} tests{note})", None if idle else True)


def _named_checks(text: str, checks: Sequence[CheckResult]) -> Iterator[_Spoken]:
    """By command or name in code marks, or as `the lint check`."""
    named = {" ".join(quoted.split()) for quoted in _QUOTED.findall(text)}
    spoken = {one.lower() for found in _CHECK.findall(text) for one in found if one}
    for check in checks:
        if check.name in named or " ".join(check.command.split()) in named or check.name.lower() in spoken:
            state = check.passed
            yield _Spoken(f"check {one_line(check.name)}" + ("" if state else " (fails)"), state)


def _likely(text: str, tests: _Tests) -> AcceptancePoint:
    """Passing tests that bear nearly the words of the checkbox: a guess, and marked as one."""
    said = _words(text)
    near = [
        str(test)
        for test, words in tests.passed
        if len(words) >= _LIKELY_WORDS and len(words & said) >= _LIKELY_SHARE * len(words)
    ]
    verdict = Acceptance.LIKELY if near else Acceptance.NOT_VERIFIED
    return AcceptancePoint(one_line(text, 300), verdict, tuple(near[:_MOST_TESTS]))


def _words(text: str) -> frozenset[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:500])
    found = (word.lower() for word in _WORD.findall(split))
    return frozenset(_stem(word) for word in found if word not in _SMALL)


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
