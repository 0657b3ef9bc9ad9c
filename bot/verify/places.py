"""Changed files that matter by where they stand and what they are called, whatever their language."""

import re
import sys
from collections.abc import Collection, Iterator

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.verify.plain import one_line

_PROGRAMS = frozenset(
    {
        "pytest",
        "py.test",
        "python",
        "python3",
        "pip",
        "uv",
        "tox",
        "nox",
        "coverage",
        "node",
        "npm",
        "npx",
        "yarn",
        "pnpm",
    }
    | {"jest", "vitest", "mocha", "tsc", "eslint", "deno", "bun", "go", "gotestsum", "cargo", "rustc", "java", "mvn"}
    | {"gradle", "ruby", "bundle", "rake", "php", "phpunit", "composer", "make", "sh", "bash", "env", "git", "sudo"}
)
_PROGRAM_FOLDERS = frozenset({"", "bin", ".bin", "sbin", ".local/bin", "tools", "usr/bin", "scripts", "vendor/bin"})
_INSTALLED = re.compile(r"(?:.*/)?(?:node_modules|site-packages|dist-packages|\.venv|venv)/.*")
_IMPORT_FOLDERS = frozenset({"", "src", "lib", "tests", "test"})
_RUNNERS = frozenset({"pytest", "_pytest", "pluggy", "unittest2", "nose", "hypothesis", "xdist", "coverage", "mock"})
_ORDINARY = frozenset(
    {"test", "tests", "this", "antigravity", "idlelib", "lib2to3", "turtledemo", "__main__", "__init__"}
)
_START = re.compile(
    r"(?:.*/)?(?:sitecustomize|usercustomize)\.py|.*\.pth|(?:.*/)?\.(?:bash|zsh)(?:rc|_profile|env)|(?:.*/)?\.npmrc"
)
_SNAPSHOT = re.compile(
    r".*\.(?:snap|ambr|approved\.\w+|golden|verified\.\w+)|(?:.*/)?(?:__snapshots__|snapshots|goldens?)/.*"
)
_SAMPLES = re.compile(r"(?:.*/)?(?:testdata|fixtures?|samples?|examples?|data|resources)/.*", re.IGNORECASE)
_REPORT_NAME = re.compile(r"(?:.*/)?(?:junit[^/]*|TEST-[^/]*|test-results?|testresults?|pytest-report|report)\.xml")
_REPORT_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,500}?-->\s{0,100})?<testsuites?\b",
    re.DOTALL,
)


def place_findings(change: ChangedFile, scripts: Collection[str] = ()) -> Iterator[Finding]:
    """`scripts` are paths that the check commands name."""
    path, new, shown = change.path, change.new, one_line(change.path)
    if new is not None and (what := _shadows(path, change.old is None)):
        yield Finding(path, 0, FindingKind.RUNNER_SHADOWED, f"`{shown}` {what}.")
    if _START.fullmatch(path) and new is not None:
        detail = f"`{shown}` is run at the start of every program of its kind, the test runner among them."
        yield Finding(path, 0, FindingKind.RUNNER_TOUCHED, detail)
    if (
        new is not None
        and not _SAMPLES.fullmatch(path)
        and (_REPORT_START.match(new[:2000]) or _REPORT_NAME.fullmatch(path))
    ):
        detail = f"`{shown}` is a test report; reports are made by runs, not by changes."
        yield Finding(path, 0, FindingKind.REPORT_COMMITTED, detail)
    if change.old is not None and _SNAPSHOT.fullmatch(path):
        how = "renewed" if new is not None else "removed"
        yield Finding(path, 0, FindingKind.SNAPSHOT_CHANGED, f"The recorded expectation `{shown}` is {how}.")
    if path in scripts and change.old is not None:
        yield Finding(path, 0, FindingKind.COMMAND_CHANGED, f"`{shown}` is named by a check's command and is changed.")


def _shadows(path: str, fresh: bool) -> str:
    """What a file would be taken for; empty when for nothing but itself."""
    folder, _, name = path.rpartition("/")
    if _INSTALLED.fullmatch(path):
        return "stands where installed packages stand, and would be used in their place"
    if name in _PROGRAMS and folder.lower() in _PROGRAM_FOLDERS and fresh:
        return f"bears the name of the program `{name}` and may be run in its place"
    if folder.rpartition("/")[0] in ("", "src", "lib") and name == "__init__.py":
        return _module(folder.rpartition("/")[2], fresh)
    return _module(name.removesuffix(".py"), fresh) if folder in _IMPORT_FOLDERS and name.endswith(".py") else ""


def _module(name: str, fresh: bool) -> str:
    known = (sys.stdlib_module_names | _RUNNERS) - _ORDINARY
    return f"would be imported in place of the module `{name}`" if fresh and name in known else ""
