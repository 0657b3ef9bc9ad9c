"""The file with the App's credentials: whole or not at all, for its owner alone, and never somebody else's."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.github import credentials
from bot.github.credentials import Credentials, Unusable, exposed, path_in, read, rehearse, write

SECRETS = ("a private key", "a webhook secret")


def app(slug: str = "wright") -> Credentials:
    return Credentials(
        app_id="12",
        slug=slug,
        api_url="https://api.github.com",
        html_url="https://github.com",
        private_key=SecretStr(SECRETS[0]),
        webhook_secret=SecretStr(SECRETS[1]),
    )


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whoever relies on the umask makes files that everybody reads."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path / "nowhere") is None
    write(tmp_path, app())
    assert read(tmp_path) == app()
    assert os.listdir(tmp_path) == ["github-app.json"]


def test_a_second_app_does_not_replace_the_first(tmp_path: Path) -> None:
    write(tmp_path, app())
    with pytest.raises(FileExistsError):
        write(tmp_path, app("other"))
    assert read(tmp_path) == app()


def test_it_is_for_its_owner_alone(tmp_path: Path, open_umask: None) -> None:
    (tmp_path / "naive").write_text("x")
    assert (tmp_path / "naive").stat().st_mode & 0o077, "the attack works on a naive file"
    write(tmp_path, app())
    assert stat.S_IMODE(path_in(tmp_path).stat().st_mode) == 0o600
    assert not exposed(tmp_path)


WATCHED = """
import os, sys
from pathlib import Path
from tests.github.test_credentials import app
from bot.github.credentials import write
os.umask(int(sys.argv[2], 8))
folder = sys.argv[1]
def hook(event, args):
    if event == "os.rename":
        before = {name: oct(os.stat(os.path.join(folder, name)).st_mode & 0o777) for name in os.listdir(folder)}
        print(sorted(before.values()), "github-app.json" in before)
    if event == "open" and isinstance(args[0], str) and args[2] & os.O_CREAT:
        print("exclusive" if args[2] & os.O_EXCL else "shared", "named" if args[0] == "github-app.json" else "aside")
sys.addaudithook(hook)
write(Path(folder), app())
"""


@pytest.mark.parametrize("umask", ["000", "077", "777"])
def test_it_appears_whole_and_was_never_open_to_others(tmp_path: Path, umask: str) -> None:
    """Looked at from inside, in the moment before the file gets its name."""
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path), umask],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-2:] == ["exclusive aside", "['0o600'] False"], ran.stderr


def test_what_a_crash_left_goes_away(tmp_path: Path) -> None:
    left = tmp_path / ".github-app.json.0123"
    left.write_text(SECRETS[0])
    (tmp_path / "issuewright.toml").write_text("")
    rehearse(tmp_path)
    assert os.listdir(tmp_path) == ["issuewright.toml"]
    with pytest.raises(OSError, match="No such file"):
        rehearse(tmp_path / "nowhere")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    write(planted, app("evil"))
    folder = tmp_path / "data"
    folder.mkdir()
    path_in(folder).symlink_to(path_in(planted))
    naive = Credentials.model_validate_json(path_in(folder).read_text())
    assert naive.slug == "evil", "the attack works on whoever just reads"
    with pytest.raises(Unusable, match="is a symbolic link"):
        read(folder)
    path_in(folder).unlink()
    path_in(folder).symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        write(folder, app())
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_change_is_not_used(tmp_path: Path, mode: int) -> None:
    write(tmp_path, app())
    path_in(tmp_path).chmod(mode)
    with pytest.raises(Unusable, match="can be changed by others"):
        read(tmp_path)


def test_what_others_may_read_is_used_and_told(tmp_path: Path) -> None:
    write(tmp_path, app())
    path_in(tmp_path).chmod(0o644)
    assert read(tmp_path) == app()
    assert exposed(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_others_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, app())
    os.chown(path_in(tmp_path), 12345, 12345)
    with pytest.raises(Unusable, match="belongs to uid 12345"):
        read(tmp_path)


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(path_in(tmp_path))
    with pytest.raises(Unusable, match="is no plain file"):
        read(tmp_path)
    path_in(tmp_path).unlink()
    path_in(tmp_path).mkdir()
    with pytest.raises(Unusable, match="is no plain file"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"version": 2}', "\x00" * 100_000, f'{{"app_id": 1, "private_key": "{SECRETS[0]}", "slug": 7}}'],
)
def test_anything_else_is_told_without_its_content(tmp_path: Path, content: str) -> None:
    path_in(tmp_path).write_text(content)
    path_in(tmp_path).chmod(0o600)
    with pytest.raises(Unusable, match="does not hold the credentials") as told:
        read(tmp_path)
    assert SECRETS[0] not in str(told.value)


def test_secrets_are_not_shown() -> None:
    shown = f"{app()!r} {app()} {app().model_dump_json()}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert credentials.NAME == "github-app.json"
