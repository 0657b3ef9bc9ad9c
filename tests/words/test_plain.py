"""Words of others are made harmless, and stay readable."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.plain import ZERO_WIDTH, count, duration, fenced, harmless, one_line, quoted


@pytest.mark.parametrize(
    ("said", "posted"),
    [
        ("thanks @octocat and @octo/team", f"thanks @{ZERO_WIDTH}octocat and @{ZERO_WIDTH}octo/team"),
        ("Fixes #12", f"Fixes #{ZERO_WIDTH}12"),
        ("closes octo/widgets#12", f"closes octo/widgets#{ZERO_WIDTH}12"),
        ("see GH-12", f"see GH-{ZERO_WIDTH}12"),
        ("@dependabot merge", f"@{ZERO_WIDTH}dependabot merge"),
        ("/agent stop", f"{ZERO_WIDTH}/agent stop"),
        ("- /merge", f"- {ZERO_WIDTH}/merge"),
        ("> /lgtm", f"> {ZERO_WIDTH}/lgtm"),
        ("<!-- issuewright:status:1 -->", "&lt;!-- issuewright:status:1 -->"),
        ("</details><img src=x>", "&lt;/details>&lt;img src=x>"),
        ("a\u202eb\u200bc", "abc"),
        ("path/to/file and 3 / 4", "path/to/file and 3 / 4"),
        ("mail me at a@example.com", f"mail me at a@{ZERO_WIDTH}example.com"),
    ],
)
def test_nothing_in_it_acts(said: str, posted: str) -> None:
    assert harmless(said) == posted


@given(st.text())
def test_whatever_is_said_mentions_closes_and_commands_nothing(said: str) -> None:
    posted = harmless(said)
    assert not re.search(r"@[A-Za-z0-9]", posted)
    assert not re.search(r"(?i)(close[sd]?|fix(e[sd])?|resolve[sd]?)\s+\S*#\d", posted)
    assert not re.search(r"^\s*/\w", posted, re.MULTILINE)
    assert "<" not in posted


def test_long_words_are_cut() -> None:
    assert harmless("x" * 10, 4) == "xxxx …"
    assert one_line("one\ntwo\tthree", 9) == "one two…"


def test_a_fence_cannot_be_closed_from_inside() -> None:
    inside = "```\n````\n/agent stop"
    block = fenced(inside, "log")
    assert block.startswith("`````log\n")
    assert block.endswith("\n`````")


def test_quotes_quote_every_line() -> None:
    assert quoted("a\n\nb\n") == "> a\n>\n> b"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_counts() -> None:
    assert (count(1, "file"), count(2, "file")) == ("1 file", "2 files")
