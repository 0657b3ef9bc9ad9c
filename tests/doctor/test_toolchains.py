"""The doctor on toolchains: programs of agents and checks, looked for inside the sandbox."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.doctor import Level, examine
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings
from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.ids import BranchName, FactKey, TaskId
from bot.verify.words import first_word
from bot.workspace.values import Remote
from bot.workspace.workspaces import GitWorkspaces
from tests.doctor.conftest import named
from tests.store.given import REPO, labelled
from tests.workspace.origin import Origin
from tests.worlds.clock import StillClock

pytestmark = pytest.mark.anyio

CONFIG = """\
checks:
  tool: X=1 mytool --check
  missing: {run: no-such-tool, required: false}
  script: ./run.sh
  here: ./check.sh
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A toolchain outside /usr."""
    program = tmp_path / "tools" / "bin" / "mytool"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho hello\n")
    for path in (program, program.parent, program.parent.parent):
        path.chmod(0o755)
    return tmp_path / "tools"


def written(settings: Settings, tools: Path) -> None:
    text = "[agents.mine]\ncommand = 'mytool --acp'\nenv = {API_TOKEN = 'x'}\n"
    toolchains = f"[toolchains]\nfolders = ['{tools}']\npath = ['{tools}/bin']\n"
    (settings.data_dir / "issuewright.toml").write_text(text + toolchains)


async def test_programs_of_a_toolchain_are_found_inside(
    settings: Callable[..., Settings], tools: Path, tmp_path: Path
) -> None:
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    here = settings(sandbox="auto", agent_script=None)
    written(here, tools)
    await _worked_on(here, tmp_path)
    findings = await examine(here)
    assert named(findings, "Agent mine:").what == f"Agent mine: {tools}/bin/mytool"
    assert named(findings, "API_TOKEN").level is Level.WARN
    told = [finding.what for finding in findings if REPO.full_name in finding.what]
    assert [what.partition(" (PATH")[0] for what in told] == [
        f"{REPO.full_name}: the check missing starts `no-such-tool`, which is not found inside the sandbox",
        f"{REPO.full_name}: the check script starts `./run.sh`, which is not in the repository.",
    ]


async def test_a_bad_file_is_a_finding(settings: Callable[..., Settings]) -> None:
    here = settings()
    (here.data_dir / "issuewright.toml").write_text("[limits]\nminuts = 3\n")
    findings = await examine(here)
    assert named(findings, "line 2: unknown key `limits.minuts`").level is Level.BAD


async def _worked_on(settings: Settings, folder: Path) -> None:
    """The bot has had a task of a repository, and fetched it."""
    origin = Origin.new(folder / "origin")
    origin.write(".github/issuewright.yml", CONFIG)
    origin.write("check.sh", "true\n")
    origin.commit("Checks")
    workspaces = GitWorkspaces(settings.data_dir / "work", Sandbox(probe("auto")))
    await workspaces.fetch(TaskId(1), REPO, Remote(str(origin.remote), ""), BranchName("main"), BranchName("agent/7"))
    store = await Store.open(settings.database_url, pace=Pace(), clock=StillClock(), data_dir=settings.data_dir)
    await store.begin(labelled(), FactKey("label:11"))
    await store.close()


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("pytest -q", "pytest"),
        ("CI=1 DEBUG= make test", "make"),
        ("cd src && npm test", "cd"),
        ("(cd src; npm test)", "cd"),
        ("'my tool' x", "my tool"),
        ("$PYTHON -m pytest", None),
        ("it's", None),
        ("A=1", None),
    ],
)
async def test_the_first_word(command: str, word: str | None) -> None:
    assert first_word(command) == word
