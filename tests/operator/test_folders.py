"""Toolchain folders: what may be shown to agents, and what not."""

import os
from pathlib import Path

import pytest

from bot.operator.decided import Toolchains
from bot.settings import SettingsError
from tests.operator.conftest import Says


def toolchains(says: Says, *folders: object, path: tuple[str, ...] = ()) -> Toolchains:
    return says(f"[toolchains]\nfolders = {[str(folder) for folder in folders]}\npath = {list(path)}").toolchains


def refused(says: Says, *folders: object, path: tuple[str, ...] = ()) -> str:
    with pytest.raises(SettingsError) as caught:
        toolchains(says, *folders, path=path)
    return str(caught.value)


def test_a_folder_and_its_entry_on_the_path(says: Says, tmp_path: Path) -> None:
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    found = toolchains(says, tools.parent, path=(str(tools), "/usr/bin"))
    assert found == Toolchains((tools.parent,), (str(tools), "/usr/bin"))


@pytest.mark.parametrize(
    "folder", ["/", "/home", "/root", "/etc", "/var", "/etc/ssl", "/proc/self", "/usr/..", "/usr/../etc"]
)
def test_too_much_of_the_machine(says: Says, folder: str) -> None:
    assert refused(says, folder).startswith(f"`toolchains.folders`: {folder} ")


def test_folders_that_are_none(says: Says, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is not absolute" in refused(says, "tools")
    assert "is not there" in refused(says, tmp_path / "nowhere")
    assert "is no folder" in refused(says, tmp_path / "file")


def test_nothing_of_the_bots(says: Says, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "work").mkdir(parents=True)
    for folder in (data, data / "work", tmp_path):
        assert "it holds ISSUEWRIGHT_DATA_DIR or lies in it" in refused(says, folder)
    (tmp_path / "link").symlink_to(data)
    assert "ISSUEWRIGHT_DATA_DIR" in refused(says, tmp_path / "link")
    keys = tmp_path / "keys"
    keys.mkdir()
    key = keys / "app.pem"
    key.write_text("")
    with pytest.raises(SettingsError, match="ISSUEWRIGHT_GITHUB_PRIVATE_KEY_FILE"):
        says(f"[toolchains]\nfolders = ['{keys}']", github_private_key_file=key)


def test_a_folder_that_the_inside_cannot_read(says: Says, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    tools.chmod(0o700 if os.geteuid() == 0 else 0o000)
    assert "cannot be read inside the sandbox" in refused(says, tools)
    tools.chmod(0o755)


def test_entries_of_the_path(says: Says, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "lies in none of `toolchains.folders`" in refused(says, path=(str(elsewhere),))
    assert "is no folder with an absolute path" in refused(says, path=("bin",))


def test_an_agents_own_folder_is_held_to_the_same(says: Says, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"`agents.mine.folders`: .*DATA_DIR"):
        says(f"[agents.mine]\ncommand = 'x'\nfolders = ['{tmp_path}/data']", agent_command="")
