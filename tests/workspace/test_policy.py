"""The rules about links and names, case by case."""

import pytest

from bot.workspace.policy import leaves_tree


@pytest.mark.parametrize("target", ["b", "./b", "../b", "../x/b", "..", "../", "b//c", "...", "../.github/x"])
def test_a_link_may_point_into_the_tree(target: str) -> None:
    assert not leaves_tree(b"src/link", target.encode())


@pytest.mark.parametrize(
    "target", ["/", "/etc/passwd", "../..", "../../x", "./../../x", "x/../y", "../x/../../y", ".git/config", "../.GIT"]
)
def test_a_link_may_not_lead_out(target: str) -> None:
    assert leaves_tree(b"src/link", target.encode())
