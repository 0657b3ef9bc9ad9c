"""Settings: where they come from, and one sentence for each wrong one."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.forge.world.apps import new_private_key
from bot.settings import SettingsError, load
from bot.wiring import make_data_dir

NAMES = ("HOST", "AGENT_SCRIPT", "DATA_DIR", "PORT", "GITHUB_API_URL", "GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_FILE")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"ISSUEWRIGHT_{name}", raising=False)


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(f"ISSUEWRIGHT_{name}", "")
    settings = load()
    assert (settings.host, settings.port, settings.agent_script) == ("127.0.0.1", 8080, None)
    assert settings.data_dir.name == "issuewright"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "99999", "ISSUEWRIGHT_PORT: input should be less than or equal to 65535"),
        ("GITHUB_API_URL", "ftp://x", "ISSUEWRIGHT_GITHUB_API_URL: value error, must begin with https://"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ISSUEWRIGHT_{name}", value)
    with pytest.raises(SettingsError, match=said):
        load()


def test_a_key_is_looked_at_before_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nnothing")
    with pytest.raises(SettingsError, match="no RSA private key in PEM"):
        load().private_key()
    monkeypatch.delenv("ISSUEWRIGHT_GITHUB_PRIVATE_KEY")
    (tmp_path / "app.der").write_bytes(b"\x30\x82\xff\xfe")
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_PRIVATE_KEY_FILE", str(tmp_path / "app.der"))
    with pytest.raises(SettingsError, match="PEM is wanted, not DER"):
        load().private_key()
    (tmp_path / "app.pem").write_text(new_private_key())
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_PRIVATE_KEY_FILE", str(tmp_path / "app.pem"))
    assert "PRIVATE KEY" in load().private_key()


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    assert make_data_dir(tmp_path / "there").stat().st_mode & 0o777 == 0o755
    assert make_data_dir(tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", ["serve", "demo", "doctor"])
def test_a_wrong_setting_is_a_sentence_and_exit_2(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bot.cli", command],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ISSUEWRIGHT_PORT": "many"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("issuewright: ISSUEWRIGHT_PORT: ")
