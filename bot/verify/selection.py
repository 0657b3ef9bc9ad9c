"""Which tests are run, and how: settings of runners, check commands, CI. Narrowing is told apart from editing."""

import configparser
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from bot.task.evidence import ChangedFile, Finding, FindingKind
from bot.verify.changed import added, json_table, member, text_of, toml_table
from bot.verify.harness import is_harness
from bot.verify.plain import one_line
from bot.verify.sections import MERGED, with_sections_of

_FEWER = re.compile(
    r"-[km]|-[kmx]\S+|--(?:ignore|ignore-glob|deselect|co|collect-only|lf|last-failed|sw|exitfirst|maxfail)(?:=.*)?"
    r"|--noconftest"
)
_TAINTED = re.compile(
    r"--(?:reruns|force-flaky|retries|only-rerun)(?:=.*)?|--(?:passWithNoTests|suppress-no-test-exit-code)"
)
_PLACES = ("roots", "files", "projects", "ignore", "spec")
_PYTEST_LISTS = ("testpaths", "python_files", "python_classes", "python_functions")
_COMMANDS = re.compile(
    r"(?:.*/)?(?:GNUmakefile|[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile|noxfile\.py|runtests?\.(?:py|sh))"
    r"|(?:.*/)?(?:mvnw|gradlew)|\.github/(?:workflows/|actions/|issuewright\.yml).*|\.gitlab-ci.*|\.circleci/.*"
    r"|\.ci/.*|\.travis\.yml|azure-pipelines.*"
    r"|Jenkinsfile|bitbucket-pipelines\.yml|\.buildkite/.*"
)
_SILENCED = re.compile(
    r"\|\|\s?(?:true|exit 0|echo)\b|\|\|\s?:|;\s?(?:true|exit 0)\s*$|continue-on-error:\s?true|\bset \+e\b"
    r"|^\s{0,80}exit 0\b"
    r"|allow_failure:\s?true|passWithNoTests|\bif:\s?(?:false|\$\{\{\s?false)|--no-fail-fast=false|-DskipTests"
    r"|-Dmaven\.test\.skip"
    r"|(?:pytest|py\.test)\b.*\s(?:-k|-m|--ignore|--deselect|--co\b|--collect-only)"
    r"|\bgo test\b.*\s-(?:run|skip|short)\b"
    r"|cargo\b.*\stest\b.*\s--skip\b|(?:jest|vitest)\b.*\s(?:-t|--testNamePattern|--testPathIgnorePatterns|--exclude)\b"
    r"|\brspec\b.*\s(?:--tag|-t) ~|phpunit\b.*\s--(?:filter|exclude-group)"
)
_NARROWING = re.compile(
    r"testPathIgnorePatterns|testNamePattern|testRegex|testMatch|\bexclude\b|\bexcludes?>|passWithNoTests|\bgrep\b|\binvert\b"
    r"|\bspec:"
    r"|--tag\s?~|--exclude|--pattern|--example|<skip(?:Tests|ITs)?>|testFailureIgnore|maven\.test\.skip"
    r"|ignoreFailures\s?=?\s?true"
    r"|enabled\s?=\s?false|onlyIf|default-filter|excludeTags|<exclude|filter_run_excluding|collect_ignore|harness\s?=\s?false"
    r"|(?:auto)?tests?\s?=\s?false",
    re.IGNORECASE,
)
_BUILD_FILES = re.compile(
    r"(?:.*/)?(?:pom\.xml|build\.gradle(?:\.kts)?|Cargo\.toml|phpunit\.xml(?:\.dist)?|\.rspec|nextest\.toml)"
)
_JS_CONFIG = re.compile(
    r"(?:.*/)?(?:(?:jest|vitest|vite|karma|ava|playwright|cypress)\.(?:config|conf|setup|workspace)\.\w+|\.mocharc\.?\w*)"
)


def selection_findings(change: ChangedFile) -> Iterator[Finding]:
    """Of one file; nothing for a file that has no say in what is run."""
    path, name = change.path, change.path.rpartition("/")[2]
    if _COMMANDS.fullmatch(path):
        yield from _lines(change, _SILENCED)
        if change.old is not None:
            yield _edited(change, FindingKind.COMMAND_CHANGED, "decides what is run as a check, and is changed")
    elif name in MERGED or name in ("pytest.ini", ".pytest.ini", "tox.ini", "pytest.toml"):
        yield from _settings(change, name)
    elif _BUILD_FILES.fullmatch(path) or _JS_CONFIG.fullmatch(path):
        yield from _lines(change, _NARROWING)
        if is_harness(path) and change.old is not None:
            yield _edited(change, FindingKind.HARNESS_CHANGED, "is a setting of the test runner, and is changed")
    elif is_harness(path):
        how = "is new" if change.old is None else "is removed" if change.new is None else "is changed"
        yield _edited(change, FindingKind.HARNESS_CHANGED, f"is what tests stand on, and {how}")


def _lines(change: ChangedFile, pattern: re.Pattern[str]) -> Iterator[Finding]:
    for number, line in added(change):
        if pattern.search(line[:600]) and not line.lstrip().startswith(("#", "//")):
            detail = f"Line {number} makes less count than before: `{one_line(line, 100)}`."
            yield Finding(change.path, number, FindingKind.SELECTION_NARROWED, detail)


def _edited(change: ChangedFile, kind: FindingKind, words: str) -> Finding:
    return Finding(change.path, 0, kind, f"`{one_line(change.path)}` {words}.")


def _settings(change: ChangedFile, name: str) -> Iterator[Finding]:
    before, after = _pytest(name, change.old), _pytest(name, change.new)
    for what in (*_options(before, after), *_lists(before, after)):
        yield Finding(change.path, 0, FindingKind.SELECTION_NARROWED, f"`{one_line(change.path)}` {what}.")
    if name == "package.json":
        yield from _package(change)
    elif change.old is not None and _harness_differs(change, name):
        yield _edited(change, FindingKind.HARNESS_CHANGED, "holds settings of the test runner, and they are changed")


def _harness_differs(change: ChangedFile, name: str) -> bool:
    if name not in MERGED:
        return change.old != change.new
    if change.new is None:
        return bool(_pytest(name, change.old))
    return with_sections_of(name, change.old, change.new) is not None


def _pytest(name: str, data: bytes | None) -> Mapping[str, list[str]]:
    """The settings of pytest as lists of words; empty when there are none."""
    if name.endswith(".toml"):
        table = toml_table(data)
        options = (
            member(table, "pytest") or member(table, "tool", "pytest", "ini_options") or member(table, "tool", "pytest")
        )
        return {key: _words(value) for key, value in options.items()} if isinstance(options, dict) else {}
    if name.endswith(".json"):
        return {}
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text_of(data))
    except (configparser.Error, ValueError, AttributeError):
        return {}
    section = next((one for one in ("tool:pytest", "pytest") if parser.has_section(one)), "")
    return {key: _words(value) for key, value in parser.items(section)} if section else {}


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    text = str(value or "")[:20_000]
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _options(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterator[str]:
    old = before.get("addopts", [])
    new = after.get("addopts", [])
    pairs = set(zip(old, [*old[1:], ""], strict=False))
    for word, following in zip(new, [*new[1:], ""], strict=False):
        fresh = word not in old or (word in ("-k", "-m") and (word, following) not in pairs)
        if fresh and (_FEWER.fullmatch(word) or _TAINTED.fullmatch(word)):
            shown = f"{word} {following}" if word in ("-k", "-m") else word
            yield f"gives the option `{one_line(shown, 80)}` to every run of pytest"


def _lists(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterator[str]:
    for key in _PYTEST_LISTS:
        old, new = before.get(key, []), after.get(key, [])
        if new and set(new) != set(old) and not (old and set(new) > set(old)):
            yield f"sets `{key}` to `{one_line(' '.join(new), 80)}`: other tests may not be found"
    grown = set(after.get("norecursedirs", [])) - set(before.get("norecursedirs", []))
    if grown:
        yield f"keeps pytest out of `{one_line(' '.join(sorted(grown)), 80)}`"


def _package(change: ChangedFile) -> Iterator[Finding]:
    before, after = json_table(change.old), json_table(change.new)
    for tool in ("jest", "vitest", "mocha", "ava"):
        old, new = before.get(tool), after.get(tool)
        if change.old is None or old == new:
            continue
        keys = sorted(key for key in _keys(new) if member(old, key) != member(new, key))
        narrow = [
            key for key in keys if _NARROWING.search(key) or key in ("roots", "files", "projects", "ignore", "spec")
        ]
        kind = FindingKind.SELECTION_NARROWED if narrow else FindingKind.HARNESS_CHANGED
        words = f"changes `{tool}`" + (f": `{one_line(', '.join(narrow), 80)}`" if narrow else "")
        yield Finding(change.path, 0, kind, f"`{one_line(change.path)}` {words}.")
    for key, old in sorted(
        (member(before, "scripts") or {}).items() if isinstance(before.get("scripts"), dict) else ()
    ):
        new = member(after, "scripts", key)
        if new != old and re.match(r"(?:pre|post)?(?:test|check|lint|ci|verify)", key):
            silenced = _SILENCED.search(str(new)[:600]) and not _SILENCED.search(str(old)[:600])
            kind = FindingKind.SELECTION_NARROWED if silenced else FindingKind.COMMAND_CHANGED
            detail = (
                f"The script `{one_line(key, 60)}` was `{one_line(str(old), 80)}` and is `{one_line(str(new), 80)}`."
            )
            yield Finding(change.path, 0, kind, detail)


def _keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []
