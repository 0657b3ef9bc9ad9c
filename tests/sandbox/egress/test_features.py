"""What a vendor may be allowed to do is told in the documentation, name by name."""

import re
from pathlib import Path

import pytest

from bot.sandbox.egress.features import NAMED, family, known
from bot.sandbox.egress.registries import Most

PAGE = Path(__file__).parents[3] / "docs" / "egress.md"


def test_every_name_is_told_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", PAGE.read_text(), re.M))
    assert rows == NAMED


def test_the_bounds_of_registries_are_told() -> None:
    text, most = " ".join(PAGE.read_text().split()), Most()
    assert f"at most {most.requests:,} requests and {most.bytes >> 30} GiB" in text
    assert f"{most.path_chars} characters each" in text


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("web_search_20991231", "web_search"),
        ("googleSearch", "web_search"),
        ("urlContext", "web_fetch"),
        ("codeExecution", "code_execution"),
        ("mcp-client-2031-01-01", "mcp"),
        ("brand new!", "tool:brand_new_"),
    ],
)
def test_new_versions_of_known_things_keep_their_name(name: str, feature: str) -> None:
    assert family("tool", name).feature == feature
    assert known(feature)


def test_made_up_names_are_no_features() -> None:
    assert not any(known(name) for name in ("web", "", "tool:", "tool:a b", "other:x"))
