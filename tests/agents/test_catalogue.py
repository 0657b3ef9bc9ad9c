"""The known agents: their files are good, their versions are found, their configuration is written inside alone."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agents.catalogue import Choice, Known, known
from bot.agents.profiles import AcpProfile, CommandProfile, configured
from bot.sandbox.box import Bind, Limits
from bot.sandbox.process import Sandbox
from tests.agents.world import World

pytestmark = pytest.mark.anyio
FIRST_CLASS = {"claude", "codex", "opencode", "qwen", "vibe", "copilot"}


def test_the_first_class_ones_are_known() -> None:
    assert {name for name, agent in known().items() if agent.first_class} == FIRST_CLASS
    assert {"gemini", "aider", "mini-swe-agent"} <= set(known())


@pytest.mark.parametrize("name", sorted(known()))
def test_everything_is_filled_in(name: str, tmp_path: Path) -> None:
    profile = known()[name].profile(name, Choice(tmp_path, "some-model"))
    words = [*profile.argv, *profile.env.values(), *profile.files.values()]
    assert [word for word in words if re.search(r"\{\w+\}", word)] == []
    assert any("some-model" in word for word in words)
    assert Bind(tmp_path, str(tmp_path)) in profile.binds
    assert isinstance(profile, CommandProfile if known()[name].protocol == "command" else AcpProfile)


@pytest.mark.parametrize("name", sorted(known()))
def test_no_secret_and_no_other_address_than_the_relay(name: str) -> None:
    agent = known()[name]
    for word in [*agent.argv, *agent.env.values(), *agent.files.values()]:
        assert [url for url in re.findall(r"https?://[^/\s\"']+", word) if url != "https://opencode.ai"] == []


def test_how_to_install_names_the_tested_version() -> None:
    claude, vibe = known()["claude"], known()["vibe"]
    assert claude.installing(Path("/opt/my agents")) == (
        f"npm install --ignore-scripts --prefix '/opt/my agents' @agentclientprotocol/claude-agent-acp@{claude.version}"
    )
    assert vibe.installing(Path("/opt/vibe")) == (
        f"python3.12 -m venv /opt/vibe && /opt/vibe/bin/pip install mistral-vibe=={vibe.version}"
    )


def test_the_installed_version_is_found(tmp_path: Path) -> None:
    npm, pip = known()["copilot"], known()["mini-swe-agent"]
    assert (npm.installed(tmp_path), pip.installed(tmp_path)) == (None, None)
    manifest = tmp_path / "node_modules" / "@github" / "copilot" / "package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"name": "@github/copilot", "version": "9.8.7"}')
    (tmp_path / "lib" / "python3.12" / "site-packages" / "mini_swe_agent-2.0.1.dist-info").mkdir(parents=True)
    assert (npm.installed(tmp_path), pip.installed(tmp_path)) == ("9.8.7", "2.0.1")


def test_a_virtual_environment_brings_its_python_along(tmp_path: Path) -> None:
    vibe = known()["vibe"]
    (tmp_path / "pyvenv.cfg").write_text("home = /opt/python/3.12/bin\nversion = 3.12.1\n")
    python = Path("/opt/python/3.12")
    assert Bind(python, str(python)) in vibe.profile("vibe", Choice(tmp_path, "m")).binds
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert len(vibe.profile("vibe", Choice(tmp_path, "m")).binds) == 1


def test_what_was_filled_in_is_not_filled_in_again(tmp_path: Path) -> None:
    agent = Known(
        about="-", first_class=False, licence="-", package="npm:x", version="1", argv=("{model}",), wire="anthropic"
    )
    assert agent.profile("x", Choice(tmp_path, "{key}")).argv == ("{key}",)


async def test_configuration_is_written_inside_where_a_link_leads_nowhere(
    world: World, contained: Sandbox, tmp_path: Path
) -> None:
    """Written from outside, a configuration would follow the link that an agent left in its HOME."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    (world.home / ".codex").symlink_to(outside)
    profile = replace(known()["codex"].profile("codex", Choice(tmp_path, "m")), argv=("cat",), binds=())

    for name, text in profile.files.items():  # the naive half
        (world.home / name).write_text(text)
    assert (outside / "config.toml").exists()
    (outside / "config.toml").unlink()

    ran = await contained.run(world.box, configured(profile, ["/bin/true"]), Limits(seconds=20))
    assert ran.exit_code != 0
    assert list(outside.iterdir()) == []


async def test_configuration_is_renewed_at_each_start(world: World, contained: Sandbox) -> None:
    profile = AcpProfile("x", ("true",), files={".some/deep/file.toml": "a = 'b'\n%s $HOME\n", "plain": "1"})
    argv = configured(profile, ["/bin/sh", "-c", 'cat "$HOME/.some/deep/file.toml" "$HOME/plain"'])
    for _ in range(2):
        ran = await contained.run(world.box, argv, Limits(seconds=20))
        assert ran.output == b"a = 'b'\n%s $HOME\n1"
        spoil = ["/bin/sh", "-c", 'echo spoilt > "$HOME/plain"']
        assert (await contained.run(world.box, spoil, Limits(seconds=20))).exit_code == 0
