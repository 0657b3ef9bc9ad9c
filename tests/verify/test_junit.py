"""Reports as the runners write them, and as nobody should."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import FailureKind, TestId, TestOutcome, TestStatus
from bot.verify.junit import Bounds, read_report, read_reports

A, M, N, E = FailureKind.ASSERTION, FailureKind.MISSING_NAME, FailureKind.NOT_COLLECTED, FailureKind.ERROR


def one(inner: str, case: str = 'classname="c" name="n"') -> TestOutcome:
    read = read_report(f'<testsuite name="s"><testcase {case}>{inner}</testcase></testsuite>'.encode())
    assert not read.refused
    (outcome,) = read.outcomes
    return outcome


PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1"
failures="1" skipped="2" tests="5" time="0.031">
<testcase classname="tests.test_cart.TestCart" name="test_total[eur-1]" time="0.25" />
<testcase classname="tests.test_cart" name="test_sum" time="0.001"><failure message="assert 3 == 4&#10; +  where 3 = add(1, 2)">def
test_sum():
&gt;       assert add(1, 2) == 4
E       assert 3 == 4

tests/test_cart.py:7: AssertionError</failure></testcase>
<testcase classname="tests.test_cart" name="test_later" time="0"><skipped type="pytest.skip" message="not yet">x</skipped></testcase>
<testcase classname="tests.test_cart" name="test_known" time="0"><skipped type="pytest.xfail" message="#12" /></testcase>
<testcase classname="" name="tests.test_new" time="0"><error message="collection failure">ImportError while importing test module
'/x/tests/test_new.py'.
E   ModuleNotFoundError: No module named 'shop.tax'</error></testcase>
</testsuite></testsuites>"""  # noqa: E501


def test_pytest() -> None:
    report = read_reports({"junit.xml": PYTEST.encode()})
    assert report.complete
    assert report.notes == ()
    assert [(str(outcome.id), outcome.status, outcome.failure) for outcome in report.outcomes] == [
        ("pytest::tests.test_new", TestStatus.FAILED, M),
        ("tests.test_cart::test_known", TestStatus.XFAILED, None),
        ("tests.test_cart::test_later", TestStatus.SKIPPED, None),
        ("tests.test_cart::test_sum", TestStatus.FAILED, A),
        ("tests.test_cart.TestCart::test_total[eur-1]", TestStatus.PASSED, None),
    ]
    assert report.outcomes[-1].milliseconds == 250
    assert "assert 3 == 4" in report.outcomes[3].message


def test_a_real_run_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest, unittest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert [1] == [2]\n"
        "def test_name(): nothing_here()\n"
        "def test_raises():\n    with pytest.raises(ValueError): pass\n"
        "def test_none(): None.go\n"
        "def test_value(): int('x')\n"
        "def test_approx(): assert 1.0 == pytest.approx(2.0)\n"
        "@pytest.mark.xfail(reason='known')\ndef test_known(): assert False\n"
        "@pytest.mark.xfail(strict=True)\ndef test_surprise(): pass\n"
        "class TestOld(unittest.TestCase):\n"
        "    def test_equal(self): self.assertEqual(1, 2)\n"
        "    def test_member(self): self.nothing()\n"
    )
    (tmp_path / "test_gone.py").write_text("from test_it import missing\n")
    (tmp_path / "test_torn.py").write_text("def broken(:\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=out.xml", "."]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    command.insert(4, "--continue-on-collection-errors")
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    report = read_reports({"out.xml": (tmp_path / "out.xml").read_bytes()})
    assert {outcome.id.name: outcome.failure or outcome.status for outcome in report.outcomes} == {
        "test_good": TestStatus.PASSED,
        "test_bad": A,
        "test_name": M,
        "test_raises": A,
        "test_none": E,
        "test_value": E,
        "test_approx": A,
        "test_known": TestStatus.XFAILED,
        "test_surprise": A,
        "test_equal": A,
        "test_member": M,
        "test_gone": M,
        "test_torn": N,
    }


@pytest.mark.parametrize(
    ("suite", "case", "expected"),
    [
        ('name="Cart"', 'classname="Cart adds" name="Cart adds"', ("Cart adds", "Cart adds")),
        ('name="Cart"', 'classname="Cart" name="adds" file="/w/src/cart.test.js"', ("src/cart.test.js", "Cart::adds")),
        (
            'name="test/a.test.ts"',
            'classname="test/a.test.ts" name="cart &gt; adds"',
            ("test/a.test.ts", "cart > adds"),
        ),
        ('name="shop"', 'classname="example.com/shop" name="TestAdd/eur"', ("example.com/shop", "TestAdd/eur")),
        ('name="shop::cart"', 'name="tests::adds" classname="shop::cart"', ("shop::cart", "tests::adds")),
        ('name="com.acme.CartTest"', 'name="adds" classname="com.acme.CartTest"', ("com.acme.CartTest", "adds")),
        (
            'name="CartTest"',
            'name="testAdds with data set #0" class="CartTest" file="/w/tests/CartTest.php" line="9"',
            ("tests/CartTest.php", "testAdds with data set #0"),
        ),
        (
            'name="rspec"',
            'classname="spec.cart_spec" name="Cart adds" file="./spec/cart_spec.rb"',
            ("spec/cart_spec.rb", "Cart adds"),
        ),
        (
            'name="pytest"',
            'classname="tests.test_a.TestX" name="test_y" file="tests/test_a.py" line="3"',
            ("tests/test_a.py", "TestX::test_y"),
        ),
    ],
)
def test_ids(suite: str, case: str, expected: tuple[str, str]) -> None:
    read = read_report(f"<testsuites><testsuite {suite}><testcase {case}/></testsuite></testsuites>".encode(), ["/w"])
    assert [outcome.id for outcome in read.outcomes] == [TestId(*expected)]


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<failure message="AssertionError: no NameError was raised"/>', A),
        ('<failure message="NameError: name &apos;total&apos; is not defined"/>', M),
        ('<failure message="AttributeError: module &apos;shop&apos; has no attribute &apos;tax&apos;"/>', M),
        ('<failure message="AttributeError: &apos;NoneType&apos; object has no attribute &apos;tax&apos;"/>', E),
        ('<failure message="ValueError: bad"/>', E),
        ('<error message="failed on setup with &quot;NameError: name &apos;a&apos; is not defined&quot;"/>', M),
        ("<failure>Error: expect(received).toBe(expected) // Object.is equality</failure>", A),
        ("<failure>TypeError: cart.total is not a function\n at Object</failure>", M),
        ("<failure>TypeError: Cannot read properties of undefined (reading 'total')</failure>", E),
        ("<failure>ReferenceError: total is not defined</failure>", M),
        ("<failure>Test suite failed to run\n\nCannot find module '../src/tax' from 'tax.test.js'</failure>", M),
        ("<failure>Test suite failed to run\n\nSyntaxError: Unexpected token</failure>", N),
        ("<failure>Test suite failed to run\n error TS2305: Module has no exported member</failure>", M),
        ('<failure message="expected 3 to be 4 // Object.is equality" type="AssertionError">x</failure>', A),
        ('<failure message="Failed" type="">=== RUN TestAdd\n    cart_test.go:12: got 3, want 4</failure>', A),
        ('<failure message="Failed" type="">panic: runtime error: index out of range</failure>', E),
        (
            '<failure message="Failed" type="">./cart_test.go:9:7: undefined: Total\nFAIL [build failed]</failure>',
            M,
        ),
        ('<failure message="Failed" type="">./cart.go:9:7: syntax error\nFAIL shop [build failed]</failure>', N),
        (
            '<failure message="thread &apos;t&apos; panicked at src/lib.rs:9:5" type="test failure with exit code 101">'
            "assertion `left == right` failed\n left: 3</failure>",
            A,
        ),
        (
            '<failure message="thread &apos;t&apos; panicked at src/lib.rs:9:5" type="test failure with exit code 101">'
            "called `Option::unwrap()` on a `None` value</failure>",
            E,
        ),
        ('<failure message="expected: &lt;3&gt;" type="org.opentest4j.AssertionFailedError">x</failure>', A),
        ('<error message="x" type="java.lang.NoSuchMethodError">x</error>', M),
        ('<error type="java.lang.IllegalStateException">x</error>', E),
        ('<failure type="PHPUnit\\Framework\\ExpectationFailedException">Failed asserting</failure>', A),
        ('<error type="Error">CartTest::testTax\nError: Call to undefined method Cart::tax()</error>', E),
        ('<error type="Error" message="Call to undefined method Cart::tax()"/>', M),
        ('<failure message="expected: 3" type="RSpec::Expectations::ExpectationNotMetError">x</failure>', A),
        ('<failure message="undefined method `tax&apos; for #&lt;Cart&gt;" type="NoMethodError">x</failure>', M),
        ('<failure message="undefined method `tax&apos; for nil" type="NoMethodError">x</failure>', E),
        ('<failure message="uninitialized constant Tax" type="NameError">x</failure>', M),
        ("<failure/>", A),
        ("<error/>", E),
    ],
)
def test_kinds_of_failure(inner: str, expected: FailureKind) -> None:
    outcome = one(inner)
    assert outcome.status is TestStatus.FAILED
    assert outcome.failure is expected


def test_skipped_by_attribute_and_by_element() -> None:
    assert one("", 'name="n" status="notrun"').status is TestStatus.SKIPPED
    assert one("<skipped/>").status is TestStatus.SKIPPED
    assert one("<skipped/><failure/>").status is TestStatus.FAILED, "a skip hides no failure"


def test_a_suite_that_does_not_load_is_a_failure() -> None:
    read = read_report(
        b'<testsuite name="CartTest"><error type="x">COMPILATION ERROR: cannot find symbol</error></testsuite>'
    )
    assert [(str(o.id), o.failure) for o in read.outcomes] == [("CartTest::(error)", M)]


def test_several_files_are_one_report_and_repetitions_are_said() -> None:
    good = b'<testsuite name="s"><testcase classname="c" name="n"/></testsuite>'
    bad = b'<testsuite name="s"><testcase classname="c" name="n"><failure/></testcase></testsuite>'
    report = read_reports({"b.xml": bad, "a.xml": good})
    assert [outcome.status for outcome in report.outcomes] == [TestStatus.FAILED]
    assert report.notes == ("Told more than once, the worst counts: `c::n`.",)


def test_a_count_that_cannot_be_is_said() -> None:
    report = read_reports({"a.xml": b'<testsuite name="s" tests="7"><testcase name="n"/></testsuite>'})
    assert report.notes == ("`a.xml`: the suite `s` says 7 tests and holds 1.",)


def test_what_the_runner_repeated_is_flaky() -> None:
    report = read_reports({"a.xml": b'<testsuite name="s"><testcase name="n"><flakyFailure/></testcase></testsuite>'})
    assert report.retried == (TestId("s", "n"),)


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&a;"/></testsuite>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (LAUGHS, "declares a document type"),
        (OUTSIDE, "declares a document type"),
        (b"<testsuite>" * 41, "nested more than 40 deep"),
        (b"<testsuite>", "no well-formed XML"),
        (b"", "no well-formed XML"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="no-such"?><testsuite/>', "no well-formed XML"),
        (b"<html/>", "holds no `testsuite`"),
        (b"<testsuite/>" + b" " * (33 << 20), "it is 33 MiB, at most 32 MiB are read"),
        (b"<testsuite>" + b"<testcase/>" * 11 + b"</testsuite>", "more than 10 tests"),
    ],
    ids=["laughs", "outside", "deep", "cut", "empty", "noise", "encoding", "html", "large", "many"],
)
def test_refused_with_a_sentence(data: bytes, words: str) -> None:
    report = read_reports({"junit.xml": data}, bounds=Bounds(tests=10))
    assert not report.complete
    assert words in report.notes[0]
    assert report.notes[0].startswith("`junit.xml` was not read: ")


def test_hostile_text_is_cut_and_printable() -> None:
    outcome = one(f'<failure message="{"x" * 100_000}">{"y" * 100_000}</failure>', f'name="{"n`&#10;" * 9000}"')
    assert len(outcome.message) <= 1000
    assert len(outcome.id.name) <= 500
    assert outcome.id.name.isprintable()
    assert "`" not in outcome.id.name


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    read_reports({"a": data, "b": b"<testsuite><testcase>" + data + b"</testcase></testsuite>"})


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=30))
def test_no_text_raises(name: str, message: str, kind: str) -> None:
    from xml.sax.saxutils import escape, quoteattr

    case = f"<testcase name={quoteattr(name)}><failure message={quoteattr(message)} type={quoteattr(kind)}>"
    read = read_report(f"<testsuite>{case}{escape(message)}</failure></testcase></testsuite>".encode(errors="replace"))
    assert read.refused or read.outcomes[0].failure
