"""What a change did to the tests."""

from bot.task.evidence import Comparison, FailureKind, TestId, TestOutcome, TestReport, TestStatus
from bot.verify.outcomes import compare, flaky, told_of

LETTERS = {"p": TestStatus.PASSED, "f": TestStatus.FAILED, "s": TestStatus.SKIPPED, "x": TestStatus.XFAILED}


def report(words: str) -> TestReport:
    """`a:p b:f`: a passed, b failed."""
    outcomes = []
    for word in words.split():
        name, _, letter = word.partition(":")
        failure = FailureKind.ASSERTION if letter == "f" else None
        outcomes.append(TestOutcome(TestId("t", name), LETTERS[letter], failure))
    return TestReport(tuple(outcomes))


def names(tests: tuple[TestId, ...]) -> str:
    return " ".join(test.name for test in tests)


def test_every_way_a_test_can_change() -> None:
    base = report("was_red:f stays_red:f breaks:p stays:p gone:p idle:p woken:s unskipped_red:s")
    head = report("was_red:p stays_red:f breaks:f stays:p idle:s woken:p born:p born_red:f born_idle:x unskipped_red:f")
    seen = compare(base, head)
    assert names(seen.fixed) == "was_red"
    assert names(seen.broken) == "born_red breaks unskipped_red"
    assert names(seen.new) == "born"
    assert names(seen.removed) == "gone"
    assert names(seen.preexisting) == "stays_red"
    assert names(seen.skipped) == "born_idle idle"
    assert names(seen.newly_skipped) == "idle"
    assert (seen.passed, seen.total) == (4, 10)


def test_a_rerun_on_the_same_commit_tells_flaky_tests() -> None:
    base, head = report("a:p b:p"), report("a:f b:f c:f")
    seen = compare(base, head, head_reruns=[report("a:p b:f"), report("c:f")])
    assert names(seen.flaky) == "a"
    assert names(seen.broken) == "b c"
    assert flaky(head, [report("a:p")]) == (TestId("t", "a"),)


def test_flaky_on_base_is_neither_fixed_nor_removed() -> None:
    seen = compare(report("a:f b:f"), report("a:p"), base_reruns=[report("a:p b:p")])
    assert names(seen.flaky) == "a b"
    assert (seen.fixed, seen.removed) == ((), ())


def test_nothing_beside_nothing() -> None:
    assert compare(TestReport(()), TestReport(())) == Comparison()


def test_the_order_of_reports_does_not_matter() -> None:
    base, head = report("b:p a:f c:p"), report("c:f b:f a:p")
    turned = TestReport(tuple(reversed(head.outcomes)))
    assert compare(base, head) == compare(TestReport(tuple(reversed(base.outcomes))), turned)


def test_a_file_that_did_not_load_stands_for_its_tests() -> None:
    unloaded = TestOutcome(TestId("pytest", "tests.test_tax"), TestStatus.FAILED, FailureKind.MISSING_NAME)
    base = TestReport((unloaded,))
    rate, other = TestId("tests.test_tax.TestRate", "test_eur"), TestId("tests.test_cart", "test_sum")
    head = TestReport((TestOutcome(other, TestStatus.PASSED), TestOutcome(rate, TestStatus.PASSED)))
    seen = compare(base, head)
    assert (seen.fixed, seen.new, seen.removed) == ((rate,), (other,), ())
    assert told_of(base, rate) == unloaded
    assert told_of(base, TestId("tests/test_tax.py", "test_eur")) == unloaded
    assert told_of(base, other) is None
