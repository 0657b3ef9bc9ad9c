"""The rules about links and names, case by case."""

import pytest

from bot.workspace.policy import Entry, clashes, leaves_tree


@pytest.mark.parametrize("target", ["b", "./b", "../b", "../x/b", "..", "../", "b//c", "...", "../.github/x"])
def test_a_link_may_point_into_the_tree(target: str) -> None:
    assert not leaves_tree(b"src/link", target.encode())


@pytest.mark.parametrize(
    "target", ["/", "/etc/passwd", "../..", "../../x", "./../../x", "x/../y", "../x/../../y", ".git/config", "../.GIT"]
)
def test_a_link_may_not_lead_out(target: str) -> None:
    assert leaves_tree(b"src/link", target.encode())


@pytest.mark.parametrize(
    ("new", "names", "other"),
    [
        ("readme.md", ["README.md"], "README.md"),
        ("SRC/y.py", ["src/x.py"], "src"),
        ("caf\u00e9", ["cafe\u0301"], "cafe\u0301"),
        ("src/new.py", ["src/x.py"], ""),
        ("a", ["b"], ""),
    ],
)
def test_names_that_are_one_elsewhere(new: str, names: list[str], other: str) -> None:
    entry = Entry(new.encode(), "A", "000000", "100644", "1")
    found = clashes([entry], [name.encode() for name in (*names, new)])
    assert found == ((f"The name `{new}` differs from `{other}` only by the case of letters.",) if other else ())


def test_names_that_were_there_before_are_nobodys_fault() -> None:
    entry = Entry(b"readme.md", "M", "100644", "100644", "1", "2")
    assert clashes([entry], [b"readme.md", b"README.md"]) == ()
