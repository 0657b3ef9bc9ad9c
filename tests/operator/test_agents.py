"""Agents of the operator's file: known ones by profile, others by command."""

from pathlib import Path

import pytest

from bot.agents.catalogue import known
from bot.agents.profiles import AcpProfile
from bot.sandbox.box import Bind
from bot.settings import SettingsError
from tests.operator.conftest import Says


@pytest.fixture
def install(tmp_path: Path) -> Path:
    folder = tmp_path / "opt" / "claude"
    folder.mkdir(parents=True)
    return folder


def refused(says: Says, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        says(text)
    return str(caught.value)


def test_a_known_agent(says: Says, install: Path) -> None:
    decided = says(
        f"[agents.best]\nprofile = 'claude'\ninstall = '{install}'\nasks_for = 'some-model'\n"
        "stall_minutes = 5\nenv = { MORE = '1', ANTHROPIC_API_KEY = 'other' }",
        agent_command="",
    )
    profile = decided.profiles["best"]
    assert isinstance(profile, AcpProfile)
    assert (profile.name, profile.resume, profile.api, profile.stall_seconds) == ("best", "load", "anthropic", 300)
    assert profile.argv[1].startswith(f"{install}/node_modules/")
    assert profile.env["ANTHROPIC_MODEL"] == "some-model"
    assert (profile.env["MORE"], profile.env["ANTHROPIC_API_KEY"]) == ("1", "other")
    assert Bind(install, str(install)) in profile.binds


MODEL = "[models.m]\nwire = 'WIRE'\nurl = 'http://127.0.0.1:9'\nkey_file = 'KEY'\nmodels = ['big-model', 'small']\n"


def test_the_model_that_is_asked_for_is_the_first_of_its_models(says: Says, install: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    agent = f"[agents.a]\nprofile = 'claude'\ninstall = '{install}'\nmodel = 'm'\n"
    model = MODEL.replace("KEY", str(key))
    decided = says(agent + model.replace("WIRE", "anthropic"), agent_command="")
    assert decided.profiles["a"].env["ANTHROPIC_MODEL"] == "big-model"
    assert "`agents.a.model` in issuewright.toml speaks openai-chat, but claude speaks anthropic." in refused(
        says, agent + model.replace("WIRE", "openai-chat")
    )


def test_resume_can_be_switched_off(says: Says, install: Path) -> None:
    text = f"[agents.a]\nprofile = 'claude'\ninstall = '{install}'\nasks_for = 'm'\nresume = 'none'"
    profile = says(text, agent_command="").profiles["a"]
    assert isinstance(profile, AcpProfile)
    assert profile.resume == "none"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("profile = 'clod'", "`agents.a.profile` in issuewright.toml is clod; known are aider or claude or "),
        ("profile = 'claude'", "`agents.a.install` in issuewright.toml is missing, the folder of `npm install "),
        ("profile = 'claude'\ninstall = 'X'", "`agents.a.asks_for` in issuewright.toml is missing"),
        ("profile = 'claude'\ninstall = '/nowhere'\nasks_for = 'm'", "`agents.a.install`: /nowhere is not there."),
        ("profile = 'claude'\ncommand = 'x'", "`agents.a.command` in issuewright.toml says how to start what"),
        ("install = 'X'", "`agents.a.profile` in issuewright.toml is missing"),
        ("protocol = 'acp'", "`agents.a.command` in issuewright.toml is missing; or set `profile` to one of"),
    ],
)
def test_what_is_wrong_is_said(says: Says, install: Path, text: str, sentence: str) -> None:
    assert sentence in refused(says, f"[agents.a]\n{text.replace('X', str(install))}")


def test_the_models_name_cannot_break_out_of_a_configuration(says: Says, install: Path) -> None:
    text = f"[agents.a]\nprofile = 'codex'\ninstall = '{install}'\nasks_for = '''a\"\\nsandbox = 1'''"
    assert "agents.a.asks_for" in refused(says, text)


def test_every_known_agent_can_be_offered(says: Says, install: Path) -> None:
    text = "agent = 'claude'\n" + "\n".join(
        f"[agents.{name}]\nprofile = '{name}'\ninstall = '{install}'\nasks_for = 'm'" for name in known()
    )
    assert set(says(text, agent_command="").profiles) == set(known())
