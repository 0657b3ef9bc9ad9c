"""Settings: where they come from, and one sentence for each wrong one."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.forge.world.apps import new_private_key
from bot.github.credentials import path_in, write
from bot.settings import Settings, SettingsError, load
from bot.wiring import make_data_dir
from tests.github.test_credentials import SECRETS, app

NAMES = (
    *("HOST", "AGENT_SCRIPT", "DATA_DIR", "PORT", "GITHUB_API_URL", "GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_FILE"),
    *("GITHUB_APP_ID", "GITHUB_WEBHOOK_SECRET"),
)


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


# ── the App of the set-up page ──


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ISSUEWRIGHT_DATA_DIR", str(tmp_path))
    return tmp_path


def set_env(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"ISSUEWRIGHT_{name}", value)


def of_app(settings: Settings) -> tuple[str, bytes, str]:
    return settings.app_id(), settings.webhook_secret(), settings.github_api_url


def test_the_app_in_the_data_folder_is_taken(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().names_no_app()
    write(data, app().model_copy(update={"api_url": "https://git.example/api/v3"}))
    settings = load()
    assert not settings.names_no_app()
    assert of_app(settings) == ("12", SECRETS[1].encode(), "https://git.example/api/v3")
    assert settings.html_url() == "https://git.example"
    assert not [secret for secret in SECRETS if secret in repr(settings)]


def test_the_environment_wins(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data, app())
    key = new_private_key()
    set_env(monkeypatch, GITHUB_APP_ID="99", GITHUB_PRIVATE_KEY=key, GITHUB_WEBHOOK_SECRET="other")
    assert of_app(load()) == ("99", b"other", "https://api.github.com")
    path_in(data).write_text("broken")
    assert of_app(load()) == ("99", b"other", "https://api.github.com")


@pytest.mark.parametrize(
    "name", ["GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_FILE", "GITHUB_WEBHOOK_SECRET"]
)
def test_half_of_an_app_is_an_error_and_is_not_filled_up(
    name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data, app())
    set_env(monkeypatch, **{name: "12"})
    with pytest.raises(SettingsError, match="set all three, or none of them") as told:
        load().names_no_app()
    assert str(told.value).count("ISSUEWRIGHT_GITHUB_") == 3
    assert load().github_app_id in ("", "12")


def test_an_app_of_another_github_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data, app())
    set_env(monkeypatch, GITHUB_API_URL="https://git.example/api/v3")
    settings = load()
    for ask in (settings.app_id, settings.private_key, settings.webhook_secret, settings.names_no_app):
        with pytest.raises(SettingsError, match=r"is one of https://api\.github\.com"):
            ask()
    set_env(monkeypatch, GITHUB_API_URL="https://api.github.com/")
    assert load().app_id() == "12"


def test_a_file_that_may_not_be_used_opens_no_set_up(data: Path) -> None:
    """Or whoever can put a link there could make the server ask for a new App. Commands without GitHub go on."""
    path_in(data).symlink_to(data / "elsewhere")
    settings = load()
    with pytest.raises(SettingsError, match="is a symbolic link"):
        settings.names_no_app()
    with pytest.raises(SettingsError, match="is a symbolic link"):
        settings.app_id()
    assert settings.data_dir == data
