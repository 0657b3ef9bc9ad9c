"""Patterns of paths."""

import pytest

from bot.task.globs import glob


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
        ("**/**/**/b", "a/x/b", True),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(path)) is matches
