"""Which files are tests, which are the harness that tests stand on, and what of the harness comes from the base.

While a head is run, its harness is the base's: what decides how and whether tests run is not for the change to say. Of
a file that holds other things as well (pyproject.toml, setup.cfg, package.json), only the sections of the harness are
the base's.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from bot.task.evidence import ChangedFile
from bot.task.ids import CommitSha
from bot.verify.command import Command
from bot.verify.sections import MERGED, with_sections_of

_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testdata", "__snapshots__", "e2e"})
_TEST_NAME = re.compile(
    r"test_[^/]*\.py|[^/]*_tests?\.(?:py|go|rs|rb|exs|c|cc|cpp|php)|[^/]*\.(?:test|spec)\.[cm]?[jt]sx?"
    r"|[^/]*_spec\.rb|[^/]*(?:Tests?|IT|Spec)\.(?:java|kt|scala|groovy|cs|php|swift)|tests?\.py"
)
_HARNESS_NAME = re.compile(
    r"conftest\.py|\.?pytest\.ini|pytest\.toml|tox\.ini|noxfile\.py|[^/]*\.pth|(?:site|user)customize\.py"
    r"|(?:jest|vitest|karma|playwright|cypress|ava|wtr)\.(?:config|conf|setup|workspace)\.[^/]*|jest\.preset\.[^/]*"
    r"|vite\.config\.[^/]*|\.mocharc[^/]*|\.rspec|(?:spec|rails|test)_helper\.rb|phpunit\.xml(?:\.dist)?"
    r"|GNUmakefile|[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile|nextest\.toml|\.coveragerc|runtests?\.(?:py|sh)"
)
_HARNESS_FOLDERS = (".github/", ".gitlab-ci", ".circleci/", ".cargo/", ".ci/")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_WRAPPERS = frozenset(
    {"env", "exec", "time", "nice", "command", "uv", "poetry", "pdm", "hatch", "run", "npx", "bundle"}
)
_INTERPRETER = re.compile(r"(?:ba|da|z)?sh|python[0-9.]*|pypy3?|node|deno|bun|ruby|perl|php")
_NO_FILE = frozenset({"-m", "-c", "-e", "-p", "--eval"})
"""After these an interpreter's argument is no file of the repository."""
_WITH_VALUE = frozenset({"-X", "-W", "-r", "-I", "-o", "--require", "--import", "--loader"})
_RUNNERS = re.compile(r"(?:_?pytest|unittest|nose2?|doctest|coverage|pluggy|xdist)(?:\.py|/.*)")
"""At the top of a tree, `python3 -m` imports these in place of the real ones."""


def is_test(path: str) -> bool:
    """Is it a test, or a file that only tests use? The harness is none."""
    parts = path.split("/")
    in_folder = any(part.lower() in _TEST_FOLDERS for part in parts[:-1])
    return (in_folder or bool(_TEST_NAME.fullmatch(parts[-1]))) and not is_harness(path)


def is_harness(path: str) -> bool:
    """Does it decide how tests run? Files of which only sections do are not told here."""
    name = PurePosixPath(path).name
    return bool(_HARNESS_NAME.fullmatch(name) or _RUNNERS.fullmatch(path)) or path.startswith(_HARNESS_FOLDERS)


def run_by(commands: Iterable[Command]) -> frozenset[str]:
    """Scripts that the commands run: they are a part of the harness. What a program gets as an argument is not."""
    found = {_script(words) for command in commands for words in _simple(command.command)}
    return frozenset(script.removeprefix("./") for script in found if script and not script.startswith("/"))


def _simple(command: str) -> Iterator[list[str]]:
    """The simple commands of a shell line, as words."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= set("();<>|&"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:
        words = command.split()
    yield words


def _script(words: Sequence[str]) -> str:
    """What is run: the program, or the file that an interpreter is given first."""
    rest = iter(words)
    for word in rest:
        if _ASSIGNMENT.match(word) or word in _WRAPPERS:
            continue
        if not _INTERPRETER.fullmatch(PurePosixPath(word).name):
            return word
        for argument in rest:
            if not argument.startswith("-"):
                return argument
            if argument in _NO_FILE:
                return ""
            if argument in _WITH_VALUE:
                next(rest, "")
    return ""


def from_base(
    changed: Sequence[ChangedFile], base: CommitSha, commands: Sequence[Command]
) -> dict[str, bytes | CommitSha]:
    """What to lay over the head, by path: the base's file (or its absence), or the head's with the base's sections."""
    scripts = run_by(commands)
    laid: dict[str, bytes | CommitSha] = {}
    for file in changed:
        ran = file.path in scripts and file.old is not None and not is_test(file.path)
        if is_harness(file.path) or ran:
            laid[file.path] = base
        elif PurePosixPath(file.path).name in MERGED:
            merged = with_sections_of(file.path, file.old, file.new)
            if merged is not None and merged != file.new:
                laid[file.path] = merged or base
    return laid


def changed_tests(changed: Sequence[ChangedFile]) -> tuple[str, ...]:
    """The changed tests and what they bring along, that are there on the head."""
    return tuple(file.path for file in changed if file.new is not None and is_test(file.path))
