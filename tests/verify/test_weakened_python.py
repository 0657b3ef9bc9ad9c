"""What happens to Python tests in a change: cheats are told, honest work is not accused."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import ChangedFile
from bot.verify.weakened import weakened_findings

CODE = "def add(a, b):\n    return a + b\n\ndef tax(a):\n    return a * 2\n"
TEST = """
import pytest
from shop import add, tax

def test_add():
    assert add(1, 2) == 3
    assert add(0, 0) == 0

@pytest.mark.parametrize("a, b", [(1, 2), (2, 4), (3, 6)])
def test_tax(a, b):
    assert tax(a) == b

def test_bad():
    with pytest.raises(ValueError, match="number"):
        add("a", None)

class TestMore:
    def test_float(self):
        assert tax(0.1) == pytest.approx(0.2, rel=1e-6)
"""


def changes(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[ChangedFile]:
    """Files that differ; None is no file."""
    found = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            old_bytes, new_bytes = (None if text is None else text.encode() for text in (old, new))
            found.append(ChangedFile(path, old_bytes, new_bytes))
    return found


def kinds(found: Sequence[ChangedFile]) -> list[str]:
    return [str(finding.kind) for finding in weakened_findings(found)]


def edited(*edits: tuple[str, str]) -> list[ChangedFile]:
    text = TEST
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return changes({"tests/test_shop.py": TEST}, {"tests/test_shop.py": text})


TRIED = """    try:
        assert add(1, 2) == 3
        assert add(0, 0) == 0
    except AssertionError:
        pass
"""
ADD = "    assert add(1, 2) == 3\n    assert add(0, 0) == 0\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def test_add():\n" + ADD, "", "test_removed"),
        ("def test_add", "def _test_add", "test_removed"),
        ("class TestMore", "class More", "test_removed"),
        ("def test_bad():", "def test_tax():", "expectation_changed test_removed"),
        ("def test_add", "@pytest.mark.skip\ndef test_add", "test_skipped"),
        ("def test_add", "@pytest.mark.skipif(True, reason='x')\ndef test_add", "test_skipped"),
        ("def test_add", "@pytest.mark.xfail(strict=False)\ndef test_add", "test_skipped"),
        ("def test_add", "@unittest.expectedFailure\ndef test_add", "test_skipped"),
        ("import pytest\n", "import pytest\npytestmark = pytest.mark.skip\n", " ".join(["test_skipped"] * 4)),
        ("class TestMore:", "class TestMore:\n    __test__ = False", "test_skipped"),
        ("def test_add():\n", "def test_add():\n    pytest.skip('later')\n", "test_skipped"),
        ("def test_add():\n", "def test_add():\n    if True:\n        pytest.xfail('later')\n", "test_skipped"),
        ("(3, 6)]", "pytest.param(3, 6, marks=pytest.mark.xfail)]", "test_skipped"),
        ("    assert add(0, 0) == 0\n", "", "assertion_removed"),
        ("def test_add():\n", "def test_add():\n    return\n", "assertion_empty"),
        ("    assert add(0, 0) == 0\n", "    if False:\n        assert add(0, 0) == 0\n", "assertion_removed"),
        (", (3, 6)]", "]", "assertion_removed"),
        ("(3, 6)]", "(3, 7)]", "expectation_changed"),
        ("add(1, 2) == 3", "add(1, 2) in (3, 4)", "assertion_loosened"),
        ("add(1, 2) == 3", "add(1, 2) is not None", "assertion_loosened"),
        ("add(1, 2) == 3", "add(1, 2) >= 3", "assertion_loosened"),
        ("add(1, 2) == 3", "add(1, 2)", "assertion_loosened"),
        ("add(1, 2) == 3", "isinstance(add(1, 2), int)", "assertion_loosened"),
        ("add(1, 2) == 3", "add(1, 2) == pytest.approx(3)", "assertion_loosened"),
        ("add(1, 2) == 3", "add(1, 2) == 4", "expectation_changed"),
        ("rel=1e-6", "rel=0.5", "assertion_loosened"),
        ("ValueError, match", "Exception, match", "assertion_loosened"),
        ("ValueError, match='number'".replace("'", '"'), "ValueError", "assertion_loosened"),
        ("add(1, 2) == 3", "True", "assertion_empty assertion_removed"),
        ("add(1, 2) == 3", "add(1, 2) == 3 or True", "assertion_empty assertion_removed"),
        ("assert add(1, 2) == 3", "assert (add(1, 2) == 3, 'wrong')", "assertion_empty assertion_removed"),
        ("add(1, 2) == 3", "add(1, 2) == add(1, 2)", "assertion_empty assertion_removed"),
        (ADD, "    pass\n", "assertion_empty"),
        (
            ADD,
            TRIED,
            "assertion_empty assertion_empty assertion_removed assertion_removed",
        ),
        (
            ADD,
            "    with contextlib.suppress(Exception):\n        assert add(1, 2) == 3\n        assert add(0, 0) == 0\n",
            "assertion_empty assertion_empty assertion_removed assertion_removed",
        ),
        ("class TestMore", "def test_new():\n    pass\n\nclass TestMore", "assertion_empty"),
        ("class TestMore", "def test_new():\n    '''Good.'''\n    print(1)\n\nclass TestMore", "assertion_empty"),
        ("class TestMore", "def test_new():\n    assert True\n\nclass TestMore", "assertion_empty"),
        ("class TestMore", "def test_new(self):\n    self.assertTrue(True)\n\nclass TestMore", "assertion_empty"),
        ("class TestMore", "def test_new(self):\n    self.assertEqual(1, 1)\n\nclass TestMore", "assertion_empty"),
        (
            "class TestMore",
            "@pytest.mark.skip\ndef test_new():\n    assert tax(1) == 2\n\nclass TestMore",
            "test_skipped",
        ),
    ],
)
def test_cheats(old: str, new: str, expected: str) -> None:
    assert sorted(kinds(edited((old, new)))) == sorted(expected.split())


def test_a_deleted_file_of_tests() -> None:
    assert kinds(changes({"tests/test_shop.py": TEST}, {})) == ["test_removed"] * 4


def test_the_words_name_test_and_place() -> None:
    (finding,) = weakened_findings(edited(("add(1, 2) == 3", "add(1, 2) >= 3")))
    assert finding.detail == ("An assertion of `test_add` is looser: `add(1, 2) == 3` became `add(1, 2) >= 3`.")
    assert (finding.file, finding.line) == ("tests/test_shop.py", 6)


@pytest.mark.parametrize(
    "edits",
    [
        [("def test_bad", "def test_sum_of_negative():\n    assert add(-1, -2) == -3\n\ndef test_bad")],
        [("add(0, 0) == 0", "add(0, 0) == 0\n    assert add(5, 5) == 10")],
        [("def test_add", "def test_addition")],
        [("add(1, 2) == 3", "add(1,2)==3"), ("tax(a) == b", "(\n        tax(a)\n        == b\n    )")],
        [("assert add(1, 2) == 3", 'assert add(1, 2) == 3, "sum"')],
        [("assert add(1, 2) == 3", "assert 3 == add(1, 2)")],
        [("(3, 6)]", "(3, 6), (4, 8)]")],
        [("ValueError, match", "KeyError, match")],
        [("assert add(0, 0) == 0", "assert add(0, 0) is 0")],
        [("tax(0.1) == pytest.approx(0.2, rel=1e-6)", "tax(0.1) == 0.2")],
        [("add(1, 2)", "plus(1, 2)"), ("import add, tax", "import add, plus, tax")],
        [("class TestMore", "def test_smoke():\n    add(1, 2)\n\nclass TestMore")],
        [("class TestMore", "@pytest.mark.skipif(old)\ndef test_new():\n    assert add(1, 1) == 2\n\nclass TestMore")],
        [("class TestMore", "class TestOther")],
        [("    assert add(1, 2) == 3\n", "    total = 1\n    assert add(1, 2) == 3\n")],
    ],
)  # fmt: skip
def test_honest_edits(edits: list[tuple[str, str]]) -> None:
    grave = [k for k in kinds(edited(*edits)) if k != "expectation_changed"]
    assert grave == []


def test_moved_tests() -> None:
    head, tail = TEST.split("class TestMore")
    before = {"tests/test_shop.py": TEST}
    assert kinds(changes(before, {"tests/unit/test_shop.py": TEST})) == []
    after = {"tests/test_shop.py": head, "tests/test_more.py": "import pytest\nclass TestMore" + tail}
    assert kinds(changes(before, after)) == []


def test_joined_and_tabled_tests() -> None:
    one = "def test_a():\n    assert add(1, 2) == 3\n\ndef test_b():\n    assert add(2, 2) == 4\n"
    joined = "def test_both():\n    assert add(1, 2) == 3\n    assert add(2, 2) == 4\n"
    marks = "@pytest.mark.parametrize('a, b, c', [(1, 2, 3), (2, 2, 4)])\n"
    table = f"{marks}def test_add(a, b, c):\n    assert add(a, b) == c\n"
    assert kinds(changes({"test_x.py": one}, {"test_x.py": joined})) == []
    assert kinds(changes({"test_x.py": one}, {"test_x.py": table})) == []


def test_from_unittest_to_pytest() -> None:
    checks = "        self.assertEqual(add(1, 2), 3)\n        self.assertTrue(ok)\n"
    old = f"class TestAdd(TestCase):\n    def test_add(self):\n{checks}"
    new = "def test_add():\n    assert add(1, 2) == 3\n    assert ok\n"
    assert kinds(changes({"test_x.py": old}, {"test_x.py": new})) == []
    assert kinds(changes({"test_x.py": new}, {"test_x.py": old})) == []


def test_a_test_removed_with_what_it_tested() -> None:
    add = "def test_add():\n    assert add(1, 2) == 3\n"
    before = {"shop.py": CODE, "test_shop.py": f"{add}\ndef test_tax():\n    assert tax(1) == 2\n"}
    after = {"shop.py": CODE.split("def tax")[0], "test_shop.py": add}
    (finding,) = weakened_findings(changes(before, after))
    assert finding.detail == "The test `test_tax` is gone with what it tested: `tax` is removed, too."
    renamed = {**after, "shop.py": CODE.replace("def tax", "def levy")}
    assert kinds(changes(before, renamed)) == ["test_removed"], "the code only bears another name"


def test_a_deleted_test_is_not_hidden_by_a_like_one() -> None:
    before = "def test_a():\n    assert get('/a').status == 200\n\ndef test_b():\n    assert get('/b').status == 200\n"
    after = "def test_b():\n    assert get('/b').status == 200\n\ndef test_c():\n    assert get('/c').status == 200\n"
    assert kinds(changes({"test_x.py": before}, {"test_x.py": after})) == ["test_removed"]


def test_a_test_that_was_there_takes_nobodys_place() -> None:
    before = f"def test_a():\n    assert add(1, 2) == 3\n\ndef test_b():\n{ADD}"
    assert kinds(changes({"test_x.py": before}, {"test_x.py": before.split("\n\n")[1]})) == ["test_removed"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def test_b():\n    assert 1 == tax(2)\n", "", "test_removed"),
        ("    assert add(1, 2) == 3\n", "", "assertion_empty"),
        ("add(1, 2) == 3", "add(1, 2) in (3, 4)", "assertion_loosened"),
        ("def test_b", "@skip\ndef test_b", "test_skipped"),
    ],
)
def test_what_no_parser_reads_is_still_read(old: str, new: str, expected: str) -> None:
    torn = "def test_a():\n    print 'x'\n    assert add(1, 2) == 3\n\ndef test_b():\n    assert 1 == tax(2)\n"
    assert kinds(changes({"test_x.py": torn}, {"test_x.py": torn.replace(old, new)})) == [expected]


SNIPPETS = st.sampled_from(
    [
        *(
            "def test_a():\n",
            "    assert x == 1\n",
            "    assert True or (\n",
            "class TestA:\n",
            "    def test_b(self):\n",
        ),
        *("@skip\n", "        self.assertEqual(1,", "\0", "((((", "    try:\n", "    except:\n        pass\n", "é\n"),
    ]
)
TEXTS = st.none() | st.lists(SNIPPETS | st.text(max_size=8), max_size=12).map(lambda parts: "".join(parts))


@given(TEXTS, TEXTS)
def test_nothing_raises(old: str | None, new: str | None) -> None:
    encoded = [None if text is None else text.encode(errors="replace") for text in (old, new)]
    weakened_findings([ChangedFile("tests/test_a.py", encoded[0], encoded[1])])


@pytest.mark.parametrize(
    "deep",
    [
        "(" * 100_000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "a." * 80_000 + "b",
        "def test_a():\n    assert " + "1 + " * 50_000 + "1 == 2",
        "def test_a():\n    if a: pass\n" + "    elif b: pass\n" * 10_000,
        "f" + "()" * 80_000,
        "@a\n" * 50_000 + "def test_a(): pass",
    ],
    ids=["brackets", "signs", "members", "sum", "branches", "calls", "decorators"],
)
def test_deep_nesting_ends_in_a_finding(deep: str) -> None:
    before = b"def test_a():\n    assert add(1, 2) == 3\n"
    assert weakened_findings([ChangedFile("tests/test_a.py", before, deep.encode())])
