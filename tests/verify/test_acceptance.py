"""What speaks for the checkboxes of an issue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import Acceptance, FailureKind, TestId, TestOutcome, TestReport, TestStatus
from bot.task.results import CheckResult
from bot.verify.acceptance import acceptance_points

MET, NOT, LIKELY, NONE = Acceptance.MET, Acceptance.NOT_MET, Acceptance.LIKELY, Acceptance.NOT_VERIFIED


def outcome(suite: str, name: str, status: TestStatus = TestStatus.PASSED, file: str = "") -> TestOutcome:
    failure = FailureKind.ASSERTION if status is TestStatus.FAILED else None
    return TestOutcome(TestId(suite, name), status, failure, file=file)


HEAD = TestReport(
    (
        outcome("tests.test_cart.TestCart", "test_total[eur]"),
        outcome("tests.test_cart.TestCart", "test_total[usd]"),
        outcome("tests.test_cart", "test_empty_cart_costs_nothing"),
        outcome("tests.test_tax", "test_rate", TestStatus.FAILED),
        outcome("tests.test_tax", "test_later", TestStatus.SKIPPED),
        outcome("src/cart.test.ts", "cart > adds two numbers"),
        outcome("example.com/shop", "TestAddNegative/eur"),
    )
)
CHECKS = (
    CheckResult("tests", "pytest -q", True, 0, 1.0),
    CheckResult("lint", "ruff check .", False, 1, 1.0),
)


@pytest.mark.parametrize(
    ("text", "verdict", "evidence"),
    [
        (
            "`test_total` passes",
            MET,
            ["test_total (2 tests)"],
        ),
        (
            "see tests/test_cart.py::TestCart::test_total[eur]",
            MET,
            ["tests.test_cart.TestCart::test_total[eur]"],
        ),
        ("tests/test_cart.py is green", MET, ["tests/test_cart.py (3 tests)"]),
        ("`src/cart.test.ts` is green", MET, ["src/cart.test.ts::cart > adds two numbers"]),
        ("`TestAddNegative/eur` holds", MET, ["example.com/shop::TestAddNegative/eur"]),
        ("test_rate is right", NOT, ["tests.test_tax::test_rate (failed)"]),
        ("tests/test_tax.py passes", NOT, ["tests/test_tax.py (1 of 2 tests fail)"]),
        ("test_nowhere passes", NOT, ["test_nowhere (not there)"]),
        ("test_later passes", NONE, ["tests.test_tax::test_later (skipped)"]),
        ("`pytest -q` passes", MET, ["check tests"]),
        ("`ruff  check .` is clean", NOT, ["check lint (fails)"]),
        ("the lint check is clean", NOT, ["check lint (fails)"]),
        ("`test_total` and `lint` pass", NOT, ["test_total (2 tests)", "check lint (fails)"]),
        ("An empty cart costs nothing", LIKELY, ["tests.test_cart::test_empty_cart_costs_nothing"]),
        ("The rate is right", NONE, []),
        ("It tests everything", NONE, []),
        ("The documentation says so", NONE, []),
    ],
)
def test_a_checkbox(text: str, verdict: Acceptance, evidence: list[str]) -> None:
    (point,) = acceptance_points(f"Words\n\n- [ ] {text}\n", CHECKS, HEAD)
    assert (point.text, point.verdict, list(point.evidence)) == (
        text.replace("`", "'").replace("  ", " "),
        verdict,
        evidence,
    )


def test_which_lines_are_checkboxes() -> None:
    body = (
        "- [ ] one\n* [x] two\n1. [X] three\n   - [ ] four\n- [] no\n[ ] no\n- [ ]no\n"
        "```\n- [ ] code\n```\n<!-- - [ ] hidden\n-->\n- [ ] five\r\n"
    )
    points = acceptance_points(body, (), TestReport(()))
    assert [point.text for point in points] == ["one", "two", "three", "four", "five"]
    assert {point.verdict for point in points} == {NONE}, "a ticked box is only somebody's word"


def test_bounded() -> None:
    assert len(acceptance_points("- [ ] x\n" * 1000, (), TestReport(()))) == 50
    (point,) = acceptance_points("- [ ] " + "x" * 5000, (), TestReport(()))
    assert len(point.text) == 300


@given(
    st.text(max_size=200),
    st.lists(st.sampled_from(["- [ ] ", "`", "test_a", "::", "\n", "```", "<!--", "tests/test_a.py"]), max_size=10),
)
def test_nothing_raises(text: str, parts: list[str]) -> None:
    acceptance_points(text + "\n- [ ] ".join(parts) + text, CHECKS, HEAD)
