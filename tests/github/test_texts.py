"""Markers, the body of a pull request, and the limits of length."""

from dataclasses import replace

import pytest

from bot.github.body import BEGIN, END, renewed
from bot.github.cut import BODY_LIMIT, TITLE_LIMIT, cut_middle, cut_middle_bytes, cut_title
from bot.github.marker import Marks
from bot.task.ids import IssueNumber
from tests.github.canned import ISSUE, REPO

MARKS = Marks(b"sesame")


def test_a_marker_is_read_again() -> None:
    assert MARKS.read(ISSUE, f"Hello\n\n{MARKS.line(ISSUE, 'status:12')}") == "status:12"
    assert MARKS.read(ISSUE, "Hello") is None


def test_a_marker_holds_for_one_issue_of_one_repository() -> None:
    line = MARKS.line(ISSUE, "status:12")
    assert MARKS.read(replace(ISSUE, number=IssueNumber(4)), line) is None
    assert MARKS.read(replace(ISSUE, repo=replace(REPO, id=78)), line) is None
    assert Marks(b"other").read(ISSUE, line) is None
    assert MARKS.read(replace(ISSUE, repo=replace(REPO, full_name="acme/renamed")), line) == "status:12"


def test_the_last_marker_counts_so_that_quoting_one_does_not() -> None:
    quoted, own = MARKS.line(ISSUE, "status:1"), MARKS.line(ISSUE, "reply:5")
    assert MARKS.read(ISSUE, f"It said {quoted}\n\n{own}\nwords of a person") == "reply:5"


@pytest.mark.parametrize("key", ["", "a b", "x-->", "<", "a" * 101, ":a"])
def test_only_plain_keys_are_markers(key: str) -> None:
    with pytest.raises(ValueError, match="not a marker"):
        MARKS.line(ISSUE, key)


def test_a_secret_is_needed() -> None:
    with pytest.raises(ValueError, match="secret"):
        Marks(b"")


def test_our_part_is_renewed_in_place() -> None:
    first = renewed("", "one")
    assert first == f"{BEGIN}\none\n{END}"
    around = f"Before\n{first}\nAfter"
    assert renewed(around, "two") == f"Before\n{BEGIN}\ntwo\n{END}\nAfter"
    assert renewed(renewed(around, "two"), "two") == renewed(around, "two")


@pytest.mark.parametrize("body", ["Mine", f"Mine {BEGIN} x", f"Mine {END} x"])
def test_without_both_markers_our_part_goes_on_top(body: str) -> None:
    assert renewed(body, "ours") == f"{BEGIN}\nours\n{END}\n\n{body}"


def test_our_words_cannot_hold_a_marker() -> None:
    assert renewed("", f"a {END} b {BEGIN}") == f"{BEGIN}\na  b\n{END}"


def test_a_body_stays_under_the_limit_and_people_keep_theirs() -> None:
    people = "p" * 60_000
    body = renewed(f"{renewed('', 'x')}\n{people}", "o" * 50_000)
    assert len(body) == BODY_LIMIT
    assert body.endswith(f"{END}\n{people}")


@pytest.mark.parametrize("limit", [1000, 400, 101, 90, 10, 0])
def test_the_middle_is_cut_to_the_limit(limit: int) -> None:
    assert len(cut_middle("a" * 5000, limit)) <= limit


@pytest.mark.parametrize("limit", [65_534, 1000, 200, 3, 0])
@pytest.mark.parametrize("sign", ["a", "é", "✓", "🌈"])
def test_bytes_are_counted_where_github_counts_them(sign: str, limit: int) -> None:
    cut = cut_middle_bytes(sign * 70_000, limit)
    assert len(cut.encode()) <= limit
    assert len(cut.encode()) > limit - 8 or limit < 200


def test_both_ends_stay() -> None:
    cut = cut_middle("begin" + "x" * 5000 + "end", 1000)
    assert cut.startswith("begin")
    assert cut.endswith("end")
    assert "left out" in cut
    assert cut_middle("short", 5) == "short"


def test_what_cannot_be_sent_is_replaced() -> None:
    assert cut_middle("a\udcffb\0c ✓", 100) == cut_title("a\udcffb\0c ✓") == "a?bc ✓"


def test_a_title_is_one_line() -> None:
    assert cut_title("a\n b") == "a b"
    assert len(cut_title("a" * 300)) == TITLE_LIMIT
