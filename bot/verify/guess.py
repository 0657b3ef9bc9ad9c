"""Guess a repository's checks from its files: few rules, one answer, no cleverness.

The order is from the most to the least explicit: a `test` target in a Makefile is what people type; a `test` script in
package.json is declared for exactly this purpose; then come the tools that have one way to run tests; Python comes
after them, because many repositories hold a few Python files beside something else. Only the first match is taken:
one command that is right is worth more than three of which one cannot run.
"""

import json
import re
from collections.abc import Callable, Sequence

from bot.verify.command import Command

Read = Callable[[str], bytes | None]
"""The content of a file of the repository; None if it cannot be read."""

_TARGET = re.compile(rb"^(test|check)[ \t]*:(?!=)", re.MULTILINE)
_PLACEHOLDER = "no test specified"
_PYTEST_FILES = ("pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py")
_PYTHON_FILES = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "noxfile.py",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
)
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_NODE_LOCKS = (("pnpm-lock.yaml", "pnpm test"), ("yarn.lock", "yarn test"))
TELLING = frozenset({"package.json", *_MAKEFILES, *_PYTHON_FILES})
"""Files whose content a guess may need."""
_PYTHON_TEST = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")


def guess(paths: Sequence[str], read: Read) -> tuple[Command, ...]:
    """The one check that these files speak for, or none."""
    there = frozenset(paths)
    for rule in (_make, _npm, _go, _cargo, _jvm, _python):
        if command := rule(there, read):
            return (Command("tests", command, required=True),)
    return ()


def _make(paths: frozenset[str], read: Read) -> str:
    for name in _MAKEFILES:
        targets = {found.decode() for found in _TARGET.findall(read(name) or b"")} if name in paths else set()
        if targets:
            return "make test" if "test" in targets else "make check"
    return ""


def _npm(paths: frozenset[str], read: Read) -> str:
    if "package.json" not in paths:
        return ""
    try:
        package = json.loads(read("package.json") or b"{}")
        script = package.get("scripts", {}).get("test", "")
    except (ValueError, AttributeError):
        return ""
    if not isinstance(script, str) or not script.strip() or _PLACEHOLDER in script:
        return ""
    return next((command for lock, command in _NODE_LOCKS if lock in paths), "npm test")


def _go(paths: frozenset[str], read: Read) -> str:
    return "go test ./..." if "go.mod" in paths else ""


def _cargo(paths: frozenset[str], read: Read) -> str:
    return "cargo test" if "Cargo.toml" in paths else ""


def _jvm(paths: frozenset[str], read: Read) -> str:
    if "pom.xml" in paths:
        return "sh ./mvnw -q -o test" if "mvnw" in paths else "mvn -q -o test"
    if paths & {"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"}:
        return "sh ./gradlew --offline test" if "gradlew" in paths else "gradle --offline test"
    return ""


def _python(paths: frozenset[str], read: Read) -> str:
    tests = [path for path in paths if _PYTHON_TEST.fullmatch(path)]
    if not tests:
        return ""
    mentioned = any(b"pytest" in (read(name) or b"") for name in _PYTHON_FILES if name in paths)
    if mentioned or any(name in paths for name in _PYTEST_FILES):
        return "python3 -m pytest -q"
    folder = next((name for name in ("tests", "test") if any(path.startswith(f"{name}/test") for path in tests)), "")
    if not folder:
        return "python3 -m unittest discover"
    # A package of tests may import relatively, so its top is named; a plain folder may not have a top above it.
    top = " -t ." if f"{folder}/__init__.py" in paths else ""
    return f"python3 -m unittest discover -s {folder}{top}"
