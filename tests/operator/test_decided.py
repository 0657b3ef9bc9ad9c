"""File and environment together: what holds, and what is refused in one sentence."""

from pathlib import Path

import pytest

from bot.agents.profiles import AcpProfile, CommandProfile
from bot.settings import SettingsError
from bot.task.pause import NO_REASON, SERVER
from tests.operator.conftest import Says

MINE = '[agents.mine]\ncommand = "my-agent --acp"\nresume = "none"\nenv = {MODE = "quiet"}\n'


def test_without_a_file_the_defaults_hold(says: Says) -> None:
    decided = says("")
    rules = decided.rulebook.of("octo/widgets")
    assert (rules.limits.minutes.value, rules.limits.attempts.value, rules.limits.files.value) == (60, 3, 2000)
    assert (decided.max_parallel, decided.agent, list(decided.profiles)) == (3, "scripted", ["scripted"])
    assert decided.pauses == {}


def test_the_environment_wins(says: Says) -> None:
    text = 'agent = "mine"\n[limits]\nmax_parallel = 8\n' + MINE
    assert says(text, agent_command="").max_parallel == 8
    assert says(text, max_parallel=2).max_parallel == 2
    assert says(text, agent_command="").agent == "mine"
    assert says(text, agent="other").agent == "other"
    yours = text + "[agents.yours]\ncommand = 'x'"
    assert says(yours, agent_command="", agent="yours").agent == "yours"
    chosen = says(text, agent="mine")
    assert [profile.argv for profile in chosen.profiles.values()] == [("env-agent", "--acp")]


def test_an_agent_of_the_file(says: Says) -> None:
    profile = says(MINE, agent_command="").profiles["mine"]
    assert isinstance(profile, AcpProfile)
    assert (profile.argv, profile.resume, profile.env) == (("my-agent", "--acp"), "none", {"MODE": "quiet"})
    plain = says('[agents.plain]\ncommand = "sh -c true"\nprotocol = "command"', agent_command="").profiles["plain"]
    assert isinstance(plain, CommandProfile)
    assert plain.argv == ("sh", "-c", "true")


def test_an_agent_with_a_folder_of_its_own(says: Says, tmp_path: Path) -> None:
    program = tmp_path / "cli" / "bin" / "agent"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for protocol in ("acp", "command"):
        text = f'[agents.mine]\ncommand = "{program} go"\nfolders = ["{tmp_path}/cli"]\nprotocol = "{protocol}"'
        profile = says(text, agent_command="").profiles["mine"]
        assert profile.argv == (str(program), "go"), "shown at its own path"
        assert [bind.target for bind in profile.binds] == [f"{tmp_path}/cli"]


def test_a_repository_of_its_own(says: Says) -> None:
    text = """
    [limits]
    minutes = 30
    [budget]
    task_minutes = 100
    month_minutes = 1000
    [repositories."Octo/Widgets"]
    limits = {lines = 400}
    budget = {month_minutes = 50}
    may_override = []
    """
    decided = says(text)
    own, other = decided.rulebook.of("octo/widgets"), decided.rulebook.of("octo/other")
    assert (own.limits.minutes.value, own.limits.lines.value, own.task_minutes.value) == (30, 400, 100)
    assert (own.month_minutes.value, own.server_minutes.value) == (50, 1000)
    assert own.limits.lines.setting == '`repositories."Octo/Widgets".limits.lines` in the operator\'s issuewright.toml'
    assert own.overrides_setting.startswith('`repositories."Octo/Widgets".may_override`')
    assert own.may_override == ()
    assert other.limits.lines.value == other.month_minutes.value == float("inf")
    assert other.limits.minutes.setting == "`limits.minutes` in the operator's issuewright.toml"


def test_pauses(says: Says) -> None:
    text = 'paused = true\n[repositories."Octo/Widgets"]\npaused = "release week"\n[repositories."a/b"]\npaused = false'
    assert says(text).pauses == {SERVER: NO_REASON, "octo/widgets": "release week"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('agent = "other"\n' + MINE, "`agent` is other, but the agents are mine"),
        (MINE + '[agents.yours]\ncommand = "x"', "Set `agent` in issuewright.toml to mine or yours."),
        (MINE + '[repositories."a/b"]\nagent = "other"', '`repositories."a/b".agent` in issuewright.toml names other'),
        (MINE + '[repositories."a/b"]\nagents = ["no"]', '`repositories."a/b".agents` in issuewright.toml names no'),
        (MINE + '[repositories."a/b"]\nagent = "mine"\nagents = []', "which `agents` there leaves out"),
        ('[agents.mine]\ncommand = "it\'s"', "`agents.mine.command` in issuewright.toml: No closing quotation"),
        ('[agents.mine]\ncommand = " "', "the command line is empty"),
        ('[agents.mine]\ncommand = "x"\nprotocol = "command"\nresume = "load"', "a plain command has no session"),
        ("", "No agent: set ISSUEWRIGHT_AGENT_COMMAND"),
    ],
)
def test_what_cannot_be_is_one_sentence(says: Says, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        says(text, agent_command="")
    assert sentence in str(caught.value)
