"""What an operator is told when `issuewright serve` cannot start: one sentence, exit code 2, no traceback."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.real.live import live
from tests.real.served import environment, run, words
from tests.worlds.real_world import RealWorld

pytestmark = pytest.mark.anyio

SCRIPT = {"turns": [{"steps": [{"say": "Nothing."}]}]}


async def told(env: dict[str, str], folder: Path) -> str:
    """What `serve` says before it ends with exit code 2."""
    log = folder / "told.log"
    process = await run(env, log, "serve")
    assert await process.wait() == 2, words(log)
    said = words(log)
    assert "Traceback" not in said
    assert said.count("\n") == 1, said
    assert said.startswith("issuewright: ")
    return said


async def test_settings_are_missing(tmp_path: Path) -> None:
    whole = environment(RealWorld(tmp_path, {"README.md": "x"}).settings(SCRIPT))
    env = {name: value for name, value in whole.items() if not name.endswith(("PRIVATE_KEY", "WEBHOOK_SECRET"))}
    said = await told(env, tmp_path)
    assert "ISSUEWRIGHT_GITHUB_PRIVATE_KEY (or …_FILE) and ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET are missing" in said
    assert "beside ISSUEWRIGHT_GITHUB_APP_ID" in said


async def test_a_setting_is_wrong(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "ISSUEWRIGHT_DATA_DIR": str(tmp_path / "data"), "ISSUEWRIGHT_PORT": "many"}
    assert "ISSUEWRIGHT_PORT" in await told(env, tmp_path)


async def test_the_port_is_in_use(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        env = environment(RealWorld(tmp_path, {"README.md": "x"}).settings(SCRIPT, port=port))
        assert f"ISSUEWRIGHT_PORT {port}" in await told(env, tmp_path)


async def test_another_server_has_the_data(tmp_path: Path) -> None:
    async with live(tmp_path, {"README.md": "x"}, SCRIPT) as both:
        said = await told(environment(both.settings), tmp_path)
        assert f"in use by another process (pid {both.served.process.pid})" in said
        assert both.served.process.returncode is None
