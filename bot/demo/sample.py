"""The sample repository, its issue, and what the scripted agent replays on it."""

from typing import Any

OWNER = "octo"
NAME = "slugs"
FULL_NAME = f"{OWNER}/{NAME}"
MAINTAINER = "maintainer"

ISSUE_TITLE = "slugify drops every second space"
ISSUE_BODY = """\
`slugify("Fix  the   race")` gives `fix--the---race`. Runs of spaces should become one dash.

- [ ] several spaces become one dash
- [ ] dashes at the ends are cut
"""
REVIEW_BODY = "Thank you! One thing before I merge:"
REVIEW_PLACE = ("slugs.py", 6)
REVIEW_COMMENT = "Please treat tabs and line ends like spaces, and add a test for it."

_BUGGY = '''\
"""Turn titles into slugs."""


def slugify(title: str) -> str:
    """`Fix the race` becomes `fix-the-race`."""
    return title.lower().replace(" ", "-")
'''

_TESTS = """\
import unittest

from slugs import slugify


class SlugifyTest(unittest.TestCase):
    def test_words(self):
        self.assertEqual(slugify("Fix the race"), "fix-the-race")
"""

FILES = {
    "README.md": "# slugs\n\nTurn titles into slugs.\n",
    "slugs.py": _BUGGY,
    "test_slugs.py": _TESTS,
    ".github/issuewright.yml": "checks:\n  tests: python3 -m unittest -v\n  compiles: python3 -m compileall -q .\n",
    ".gitignore": "__pycache__/\n",
}

_SPACES_TEST = """
    def test_runs_of_spaces(self):
        self.assertEqual(slugify("Fix  the   race"), "fix-the-race")

    def test_ends(self):
        self.assertEqual(slugify("  race "), "race")
"""
_FIRST_TRY = '''\
"""Turn titles into slugs."""


def slugify(title: str) -> str:
    """`Fix the race` becomes `fix-the-race`."""
    return "-".join(title.lower().split(" "))
'''
_SECOND_TRY = '''\
"""Turn titles into slugs."""


def slugify(title: str) -> str:
    """`Fix  the race` becomes `fix-the-race`."""
    return "-".join(word for word in title.lower().split(" ") if word)
'''
_AFTER_REVIEW = '''\
"""Turn titles into slugs."""


def slugify(title: str) -> str:
    """Words joined by dashes; any white space parts words: `Fix  the\\\\trace` becomes `fix-the-race`."""
    return "-".join(title.lower().split())
'''
_TABS_TEST = """
    def test_tabs_and_line_ends(self):
        self.assertEqual(slugify("Fix\\tthe\\nrace"), "fix-the-race")
"""

SCRIPT: dict[str, Any] = {
    "turns": [
        {
            "when": "# Your last attempt does not pass",
            "steps": [
                {"plan": [{"text": "Read the failing test", "status": "completed"}, "Leave out empty words"]},
                {"think": 1.0},
                {"write": {"path": "slugs.py", "text": _SECOND_TRY}},
                {"say": "Empty words between spaces are left out now."},
            ],
        },
        {
            "when": REVIEW_COMMENT,
            "steps": [
                {"plan": ["Split on any white space", "Add the test"]},
                {"think": 1.0},
                {"write": {"path": "slugs.py", "text": _AFTER_REVIEW}},
                {"append": {"path": "test_slugs.py", "text": _TABS_TEST}},
                {"run": "python3 -m unittest"},
                {"say": "Any white space parts words now, tabs and line ends included; a test shows it."},
            ],
        },
        {
            "steps": [
                {"plan": ["Write the tests of the issue", "Change slugify", "Run the tests"]},
                {"think": 1.0},
                {"append": {"path": "test_slugs.py", "text": _SPACES_TEST}},
                {"think": 1.0},
                {"write": {"path": "slugs.py", "text": _FIRST_TRY}},
                {"say": "Split and join instead of replace. I assumed that upper case stays folded."},
            ],
        },
    ]
}
"""Its first attempt does not pass, on purpose: the story shows how a failing check goes back to the agent."""
