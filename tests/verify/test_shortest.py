"""The shortest log that explains a failure, and its fingerprint."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import FailureKind, TestId, TestOutcome, TestStatus
from bot.verify.shortest import cut_in_the_middle, fingerprint, shortest_log

NOISE = "\n".join(f"Compiling part {number} of 500" for number in range(500))
PYTEST = """============ test session starts =============
collected 200 items
tests/test_cart.py ....F
================== FAILURES ==================
__________________ test_sum __________________
    def test_sum():
>       assert add(1, 2) == 4
E       assert 3 == 4
tests/test_cart.py:7: AssertionError
========== short test summary info ===========
FAILED tests/test_cart.py::test_sum - assert 3 == 4
======== 1 failed, 199 passed in 0.12s ======="""
JEST = """PASS src/a.test.js
FAIL src/cart.test.js
  ● cart \u203a adds

    expect(received).toBe(expected)
    Expected: 4
    Received: 3

Test Suites: 1 failed, 1 passed, 2 total"""
GO = """=== RUN   TestAdd
    cart_test.go:12: got 3, want 4
--- FAIL: TestAdd (0.00s)
    cart_test.go:12: got 3, want 4
FAIL\texample.com/shop\t0.003s
ok  \texample.com/other\t0.001s"""
GO_BUILD = """# example.com/shop [example.com/shop.test]
./cart_test.go:9:7: undefined: Total
FAIL\texample.com/shop [build failed]"""
RUST = """running 2 tests
test adds ... FAILED
failures:

---- adds stdout ----
thread 'adds' panicked at tests/cart.rs:5:5:
assertion `left == right` failed

failures:
    adds
test result: FAILED. 1 passed; 1 failed"""
RUSTC = """   Compiling shop v0.1.0
error[E0425]: cannot find function `tax` in this scope
 --> src/lib.rs:3:5

warning: unused import"""
MAVEN = """[INFO] Scanning for projects...
[ERROR] CartTest.adds:12 expected: <4> but was: <3>
[INFO] BUILD FAILURE"""
PHPUNIT = """PHPUnit 11.0.0
..F
There was 1 failure:

1) CartTest::testAdds
Failed asserting that 3 is identical to 4.

FAILURES!
Tests: 3, Assertions: 3, Failures: 1."""
RSPEC = """..F
Failures:

  1) Cart adds
     expected: 4
          got: 3

Finished in 0.01 seconds
Failed examples:"""
UNITTEST = """..F
======================================================================
FAIL: test_sum (test_cart.TestCart.test_sum)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/tmp/x/test_cart.py", line 7, in test_sum
    self.assertEqual(add(1, 2), 4)
AssertionError: 3 != 4

----------------------------------------------------------------------
Ran 3 tests in 0.001s"""
SCRIPT = """Traceback (most recent call last):
  File "/tmp/x/run.py", line 7, in <module>
    main()
ValueError: no configuration
done"""


@pytest.mark.parametrize(
    ("log", "needed", "unneeded"),
    [
        (PYTEST, "E       assert 3 == 4", "collected"),
        (JEST, "Received: 3", "PASS"),
        (GO, "got 3, want 4", "example.com/other"),
        (GO_BUILD, "undefined: Total", "Compiling"),
        (RUST, "assertion `left == right` failed", "running 2"),
        (RUSTC, "cannot find function `tax`", "unused import"),
        (MAVEN, "expected: <4> but was: <3>", "Scanning"),
        (PHPUNIT, "Failed asserting that 3 is identical to 4.", "PHPUnit 11"),
        (RSPEC, "got: 3", "Finished"),
        (UNITTEST, "test_sum", "Ran 3"),
        (SCRIPT, "ValueError: no configuration", "done"),
    ],
    ids=["pytest", "jest", "go", "go-build", "rust", "rustc", "maven", "phpunit", "rspec", "unittest", "script"],
)
def test_the_runners_own_section(log: str, needed: str, unneeded: str) -> None:
    shown = shortest_log(f"{NOISE}\n{log}\n")
    assert needed in shown
    assert unneeded not in shown
    assert "Compiling part" not in shown


def failing(name: str, message: str) -> TestOutcome:
    return TestOutcome(TestId("tests.test_cart", name), TestStatus.FAILED, FailureKind.ASSERTION, 5, message)


def test_messages_of_the_new_failures_come_first() -> None:
    shown = shortest_log(PYTEST.encode(), [failing("test_sum", "assert 3 == 4")])
    assert shown.startswith("FAILED tests.test_cart::test_sum\n    assert 3 == 4\n")


def test_sections_of_other_failures_are_left_out() -> None:
    shown = shortest_log(GO + "\n--- FAIL: TestOld (0.00s)\n    old_test.go:1: known\n", [failing("TestAdd", "")])
    assert "want 4" in shown
    assert "known" not in shown


def test_without_any_section_the_end_and_what_tells() -> None:
    shown = shortest_log(f"make: fatal: no rule\n{NOISE}\nthe end")
    assert shown.startswith("make: fatal: no rule\n…")
    assert shown.endswith("the end")
    assert shortest_log("") == ""


def test_escapes_and_overwritten_lines_go() -> None:
    assert shortest_log(b"10%\r50%\r\x1b[31mred\x1b[0m\r\nplain \x07\xff\n") == "red\nplain  \N{REPLACEMENT CHARACTER}"


def test_bounded() -> None:
    many = [failing(f"test_{number}", "x" * 5000) for number in range(500)]
    assert len(shortest_log(PYTEST * 2000, many, 3000)) <= 3000
    assert cut_in_the_middle("a" * 50 + "b" * 50, 60).startswith("aaa")
    assert len(cut_in_the_middle("a" * 500, 60)) <= 60


def test_the_same_failure_has_the_same_fingerprint() -> None:
    again = PYTEST.replace("0.12s", "3.4s").replace("test_cart.py:7", "test_cart.py:9").replace("200", "201")
    assert fingerprint(PYTEST) == fingerprint(again)
    assert fingerprint(UNITTEST) == fingerprint(UNITTEST.replace("/tmp/x/", "/home/a/b/").encode())
    assert fingerprint("error: at 0x7f12ab at 2026-11-21T10:00:00Z") == fingerprint(
        "error: at 0xdead at 2027-01-01T11:22:33Z"
    )
    assert fingerprint(PYTEST) != fingerprint(PYTEST.replace("add(1, 2)", "tax(1, 2)"))
    assert fingerprint(PYTEST) != fingerprint(JEST)


def test_outcomes_alone_make_the_fingerprint_where_there_are_some() -> None:
    one, two = failing("test_a", "assert 3 == 4\nat 0x1"), failing("test_b", "x")
    assert fingerprint("a", [one, two]) == fingerprint("b", [two, one])
    assert fingerprint("", [one]) == fingerprint("", [failing("test_a", "assert 5 == 6\nat 0x2")])
    assert fingerprint("", [one]) != fingerprint("", [two])


@given(st.text(max_size=400) | st.binary(max_size=400))
def test_nothing_raises(output: str | bytes) -> None:
    assert len(shortest_log(output, [failing("x", str(output))], 200)) <= 200
    assert len(fingerprint(output)) == 16


@pytest.mark.parametrize(
    "unit", ["E", "\n", "\r", "\x1b[", "/a", "Traceback (most recent call last):\n", "12:", "● x\n"]
)
def test_large_logs_take_no_quadratic_time(unit: str) -> None:
    start = time.process_time()
    fingerprint(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 20
