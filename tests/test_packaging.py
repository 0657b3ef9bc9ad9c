"""The wheel works without the checkout; what is deployed elsewhere is read as far as it can be here."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from bot.sandbox.probe import _MENDS

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as held:
        names = set(held.namelist())
        texts = {name: held.read(name).decode() for name in names}
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == wanted
    assert {"bot/sandbox/launcher.py", "bot/agents/scripted/agent.py", "bot/store/migrations/env.py"} <= names
    assert {"bot/web/static/style.css", "bot/web/templates/task.html"} <= names
    assert [name for name, text in texts.items() if str(ROOT) in text] == []


def test_it_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    unpacked, away = tmp_path / "unpacked", tmp_path / "away"
    away.mkdir()
    with zipfile.ZipFile(wheel) as held:
        held.extractall(unpacked)
    libraries = sysconfig.get_path("purelib")
    # -S: no site, so the editable install's .pth file does not lead back to the checkout
    run = [sys.executable, "-S", "-m", "bot.cli"]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(away),
        "ISSUEWRIGHT_DATA_DIR": str(away / "data"),
        "PYTHONPATH": f"{unpacked}{os.pathsep}{libraries}",
    }
    where = subprocess.run(
        [*run[:2], "-c", "import bot; print(bot.__file__)"], cwd=away, env=env, capture_output=True, text=True
    )
    assert where.stdout.strip() == str(unpacked / "bot" / "__init__.py")
    version = subprocess.run([*run, "--version"], cwd=away, env=env, capture_output=True, text=True, timeout=30)
    assert (version.returncode, version.stdout.split()[-1]) == (0, wheel.name.split("-")[1]), version.stderr
    doctor = subprocess.run([*run, "doctor"], cwd=away, env=env, capture_output=True, text=True, timeout=60)
    assert doctor.returncode == 1, doctor.stderr
    assert "Traceback" not in doctor.stderr
    assert "ISSUEWRIGHT_GITHUB_APP_ID" in doctor.stdout


def test_the_dockerfile() -> None:
    lines = [line.split() for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    images = [words[1] for words in lines if words[0] == "FROM"]
    stages = {words[3] for words in lines if words[0] == "FROM" and "AS" in words}
    assert all(re.search(r":\d+\.\d+-\S+$", image) for image in images if image not in stages), images
    copied = [src for words in lines if words[0] == "COPY" and "--from" not in words[1] for src in words[1:-1]]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    assert all((ROOT / source).exists() for source in copied)
    server = DOCKERFILE.split(" AS server")[1].split("\nFROM ")[0]
    assert re.findall(r"^USER (\S+)", server, re.MULTILINE) == ["issuewright"]
    assert DOCKERFILE.rstrip().endswith("\nFROM server"), "what is built by default is the stage that is not root"
    assert "/readyz" in server.split("HEALTHCHECK")[1]
    assert "STOPSIGNAL SIGTERM" in server
    assert not re.search(r"SECRET|PRIVATE_KEY|TOKEN", DOCKERFILE)


def test_fly_is_one_machine_with_its_volume() -> None:
    fly = tomllib.loads((ROOT / "fly.toml").read_text())
    http = fly["http_service"]
    assert (http["min_machines_running"], http["auto_stop_machines"]) == (1, "off")
    assert [check["path"] for check in http["checks"]] == ["/readyz"]
    assert [mount["destination"] for mount in fly["mounts"]] == [fly["env"]["ISSUEWRIGHT_DATA_DIR"]]
    assert str(http["internal_port"]) == fly["env"]["ISSUEWRIGHT_PORT"]
    assert f" AS {fly['build']['build-target']}\n" in DOCKERFILE


def test_the_mends_of_the_probe_are_in_the_recipes() -> None:
    options = {word for _, mend in _MENDS for word in re.findall(r"[\w.]+=\w+", mend)}
    assert len(options) == 3
    assert [option for option in sorted(options) if option not in DEPLOYING] == []
