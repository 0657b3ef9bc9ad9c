"""Test reports in JUnit XML, as pytest, jest, vitest, gotestsum, nextest, surefire, phpunit and rspec write them.

The bytes come from a sandbox: hostile. They are read as a stream by expat; document types and entities are refused,
and size, depth, number of tests and length of each text are bounded. There is no standard for the format: the runners
agree on `testcase` with `failure`, `error` or `skipped` in it, and on little else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.parsers import expat

from bot.task.evidence import FailureKind, TestId, TestOutcome, TestReport, TestStatus
from bot.verify.failures import failure_kind
from bot.verify.plain import excerpt, one_line

_BAD = {"failure": 3, "error": 3, "rubyError": 3, "warning": 2, "skipped": 1}
_RETRIED = ("flakyFailure", "flakyError")
"""It failed, was run again by the runner itself, and passed."""
_CHUNK = 1 << 16
_RANK = {TestStatus.SKIPPED: 0, TestStatus.XFAILED: 1, TestStatus.PASSED: 2, TestStatus.FAILED: 3}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a report is read."""

    file_bytes: int = 32 << 20
    total_bytes: int = 64 << 20
    tests: int = 100_000
    depth: int = 40
    text: int = 20_000
    """Characters kept of one failure while it is judged."""
    message: int = 1_000
    name: int = 500

    @property
    def too_much(self) -> str:
        return f"the reports together are larger than {self.total_bytes >> 20} MiB."


@dataclass(frozen=True, slots=True)
class Read:
    """One file: its tests in order, or the sentence why it was refused."""

    outcomes: tuple[TestOutcome, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()
    retried: tuple[TestId, ...] = ()
    """Flaky by the runner's own word."""


class _Refused(Exception):
    """Ends the parse; the text is the sentence."""


def read_reports(files: Mapping[str, bytes], roots: Sequence[str] = (), bounds: Bounds | None = None) -> TestReport:
    """All files as one report. `roots` are folders that absolute paths in the reports begin with."""
    bounds = bounds or Bounds()
    reads, left = {}, bounds.total_bytes
    for name, data in sorted(files.items()):
        left -= len(data)
        reads[name] = read_report(data, roots, bounds) if left >= 0 else Read(refused=bounds.too_much)
    notes = [f"`{one_line(name)}` was not read: {read.refused}" for name, read in reads.items() if read.refused]
    notes += [f"`{one_line(name)}`: {note}" for name, read in reads.items() for note in read.notes]
    every = [outcome for read in reads.values() for outcome in read.outcomes]
    complete = not any(read.refused for read in reads.values()) and len(every) <= bounds.tests
    if len(every) > bounds.tests:
        notes.append(f"Only the first {bounds.tests} of {len(every)} tests are looked at.")
    merged, said = _merged(every[: bounds.tests])
    retried = sorted({test for read in reads.values() for test in read.retried})
    if retried:
        notes.append(f"The runner ran tests again until they passed: {_some(retried)}.")
    return TestReport(merged, (*notes, *said), complete, tuple(retried))


def read_report(data: bytes, roots: Sequence[str] = (), bounds: Bounds | None = None) -> Read:
    """One file. Never raises: what cannot be read is refused with a sentence."""
    bounds = bounds or Bounds()
    if len(data) > bounds.file_bytes:
        return Read(refused=f"it is {len(data) >> 20} MiB, at most {bounds.file_bytes >> 20} MiB are read.")
    reader = _Reader(bounds, tuple(roots))
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        for at in range(0, len(data), _CHUNK):
            parser.Parse(data[at : at + _CHUNK], False)
        parser.Parse(b"", True)
    except _Refused as refused:
        return Read(refused=str(refused))
    except (expat.ExpatError, ValueError, LookupError) as error:
        return Read(refused=f"it is no well-formed XML ({one_line(str(error))}).")
    if not reader.suites:
        return Read(refused="it holds no `testsuite` or `testsuites`.")
    return Read(tuple(reader.outcomes), "", tuple(reader.notes), tuple(reader.retried))


def _no_doctype(*_: object) -> None:
    raise _Refused("it declares a document type or entities, which no test report needs.")


@dataclass(slots=True)
class _Case:
    """A testcase that is being read."""

    attributes: Mapping[str, str]
    suite: Mapping[str, str]
    element: str = ""
    kind: str = ""
    message: str = ""
    text: list[str] = field(default_factory=list)
    retried: bool = False


@dataclass(slots=True)
class _Reader:
    """Handlers for expat; holds one testcase and the open suites."""

    bounds: Bounds
    roots: tuple[str, ...]
    outcomes: list[TestOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    retried: list[TestId] = field(default_factory=list)
    suites: int = 0
    depth: int = 0
    open: list[tuple[Mapping[str, str], int]] = field(default_factory=list)
    case: _Case | None = None
    taking: str = ""
    taken: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > self.bounds.depth:
            raise _Refused(f"its elements are nested more than {self.bounds.depth} deep.")
        name = _local(name)
        if name in ("testsuite", "testsuites"):
            self.suites += 1
            self.open.append((attributes, len(self.outcomes)))
        elif name == "testcase":
            self.case = _Case(attributes, self.open[-1][0] if self.open else {})
        elif self.case is not None and name in _RETRIED:
            self.case.retried = True
        elif name in _BAD:
            self._bad(name, attributes)

    def _bad(self, name: str, attributes: Mapping[str, str]) -> None:
        """A failure below a suite and outside of every test is a test of its own: something did not load."""
        if self.case is None:
            if not self.open or name == "skipped":
                return
            suite = self.open[-1][0]
            self.case = _Case({"classname": suite.get("name", ""), "name": f"({name})", "loose": "yes"}, suite)
        case = self.case
        if _BAD[name] > _BAD.get(case.element, 0):
            case.element, case.kind, case.message = name, attributes.get("type", ""), attributes.get("message", "")
            case.text, self.taking, self.taken = [], name, 0

    def characters(self, text: str) -> None:
        if self.taking and self.case is not None and self.taken < self.bounds.text:
            self.case.text.append(text[: self.bounds.text - self.taken])
            self.taken += len(text)

    def end(self, name: str) -> None:
        self.depth -= 1
        name = _local(name)
        if name == self.taking:
            self.taking = ""
            if self.case is not None and "loose" in self.case.attributes:
                self._done(self.case)
        elif name == "testcase" and self.case is not None:
            self._done(self.case)
        elif name == "testsuite" and self.open:
            self._counted(*self.open.pop())
        elif name == "testsuites" and self.open:
            self.open.pop()

    def _done(self, case: _Case) -> None:
        self.case, self.taking = None, ""
        if len(self.outcomes) >= self.bounds.tests:
            raise _Refused(f"it tells of more than {self.bounds.tests} tests.")
        outcome = _outcome(case, self.roots, self.bounds)
        self.outcomes.append(outcome)
        if case.retried:
            self.retried.append(outcome.id)

    def _counted(self, attributes: Mapping[str, str], before: int) -> None:
        """A suite that tells another number of tests than it holds was not written by a runner, or not to its end."""
        told, held = _whole(attributes.get("tests", "")), len(self.outcomes) - before
        if told is not None and told != held:
            name = one_line(attributes.get("name", ""))
            self.notes.append(f"the suite `{name}` says {told} tests and holds {held}.")
            del self.notes[20:]


def _outcome(case: _Case, roots: Sequence[str], bounds: Bounds) -> TestOutcome:
    text = "".join(case.text)
    status, failure = _status(case, text)
    attributes = case.attributes
    file = _path(attributes.get("file", "") or case.suite.get("file", ""), roots)
    return TestOutcome(
        id=_id(attributes, case.suite, file, bounds.name),
        status=status,
        failure=failure,
        milliseconds=_milliseconds(attributes.get("time", "")),
        message=_said(case.message, text, bounds.message) if case.element else "",
        file=file,
        line=_whole(attributes.get("line", "")) or 0,
    )


def _status(case: _Case, text: str) -> tuple[TestStatus, FailureKind | None]:
    match case.element:
        case "":
            state = case.attributes.get("status", "").lower()
            skipped = state in ("skipped", "disabled", "notrun", "ignored", "pending")
            return (TestStatus.SKIPPED if skipped else TestStatus.PASSED), None
        case "skipped":
            expected = "xfail" in case.kind.lower() or case.message.lower().startswith("expected failure")
            return (TestStatus.XFAILED if expected else TestStatus.SKIPPED), None
        case "warning":
            return TestStatus.PASSED, None
        case element:
            kind = "error" if element == "rubyError" else element
            return TestStatus.FAILED, failure_kind(kind, case.kind, case.message, text)


def _id(attributes: Mapping[str, str], suite: Mapping[str, str], file: str, most: int) -> TestId:
    """The file where it is told; then what of the class is no repetition of the file goes before the name."""
    classes = attributes.get("classname") or attributes.get("class") or ""
    name = attributes.get("name", "")
    if not file:
        return TestId(one_line(classes or suite.get("name", ""), most), one_line(name, most))
    dotted = file.rpartition(".")[0].replace("/", ".")
    inner = classes.removeprefix(dotted).lstrip(".") if classes.startswith(dotted) else classes
    inner = "" if inner.replace("\\", ".") in (dotted, file, name) or dotted.endswith(f".{inner}") else inner
    return TestId(one_line(file, most), one_line(f"{inner}::{name}" if inner else name, most))


def _path(file: str, roots: Sequence[str]) -> str:
    file = file.replace("\\", "/")
    for root in roots:
        if file.startswith(root.rstrip("/") + "/"):
            file = file[len(root.rstrip("/")) + 1 :]
            break
    return one_line(file.removeprefix("./"), 500)


def _said(message: str, text: str, most: int) -> str:
    """The message and, where it adds something, the text."""
    message, text = message.strip(), text.strip()
    if not message or message in text:
        return excerpt(text or message, most)
    return excerpt(message if len(message) > 40 or not text else f"{message}\n{text}", most)


def _merged(outcomes: Sequence[TestOutcome]) -> tuple[tuple[TestOutcome, ...], list[str]]:
    """One outcome per id, the worst; sorted."""
    counts = Counter(outcome.id for outcome in outcomes)
    best: dict[TestId, TestOutcome] = {}
    for outcome in outcomes:
        known = best.get(outcome.id)
        if known is None or _RANK[outcome.status] > _RANK[known.status]:
            best[outcome.id] = replace(outcome)
    twice = sorted(test for test, count in counts.items() if count > 1)
    notes = [f"Told more than once, the worst counts: {_some(twice)}."] if twice else []
    return tuple(best[test] for test in sorted(best)), notes


def _some(tests: Sequence[TestId]) -> str:
    named = ", ".join(f"`{test}`" for test in tests[:5])
    return named if len(tests) <= 5 else f"{named} and {len(tests) - 5} more"


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _milliseconds(text: str) -> int:
    """Seconds with a fraction, perhaps with a comma after the thousands; 0 for anything else."""
    try:
        seconds = float(text.replace(",", "")[:32])
    except ValueError:
        return 0
    return round(seconds * 1000) if 0 <= seconds < 1e7 else 0
