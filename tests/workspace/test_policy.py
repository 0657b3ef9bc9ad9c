"""The rules about links and names, case by case."""

import pytest

from bot.workspace.policy import glob, leaves_tree


@pytest.mark.parametrize("target", ["b", "./b", "../b", "../x/b", "..", "../", "b//c", "...", "../.github/x"])
def test_a_link_may_point_into_the_tree(target: str) -> None:
    assert not leaves_tree(b"src/link", target.encode())


@pytest.mark.parametrize(
    "target", ["/", "/etc/passwd", "../..", "../../x", "./../../x", "x/../y", "../x/../../y", ".git/config", "../.GIT"]
)
def test_a_link_may_not_lead_out(target: str) -> None:
    assert leaves_tree(b"src/link", target.encode())


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        (".github/**", ".github/workflows/x.yml", True),
        (".github/**", ".githubx/y", False),
        ("**/CODEOWNERS", "CODEOWNERS", True),
        ("**/CODEOWNERS", "docs/codeowners", True),
        ("**/CODEOWNERS", "docs/CODEOWNERS.md", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/b/a.py", False),
        ("a.b", "axb", False),
        ("a?", "ab", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/b", True),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(path)) is matches
