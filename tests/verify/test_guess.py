"""What the files of a repository say about its checks."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.verify.guess import TELLING, guess


def guessed(files: dict[str, str]) -> str:
    commands = guess(list(files), lambda path: files[path].encode() if path in files and path in TELLING else None)
    assert len(commands) <= 1
    return commands[0].command if commands else ""


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"README.md": "test: this"}, ""),
        ({"Makefile": "all:\n\techo\ntest: all\n\techo\n"}, "make test"),
        ({"Makefile": "check : all\n"}, "make check"),
        ({"Makefile": "test := x\ntesting:\n"}, ""),
        ({"package.json": '{"scripts": {"test": "vitest"}}'}, "npm test"),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, ""),
        ({"package.json": '["odd"]'}, ""),
        ({"package.json": "{broken"}, ""),
        ({"package.json": '{"scripts": {"test": "jest"}}', "Makefile": "test:\n"}, "make test"),
        ({"package.json": '{"scripts": {"test": " "}}'}, ""),
        ({"package.json": '{"scripts": {"test": "vitest"}}', "pnpm-lock.yaml": ""}, "pnpm test"),
        ({"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""}, "yarn test"),
        ({"GNUmakefile": "test:\n"}, "make test"),
        ({"settings.gradle": "", "app/build.gradle": ""}, "gradle --offline test"),
        ({"tests/test_a.py": "", "requirements/test.txt": "pytest==9"}, "python3 -m pytest -q"),
        ({"tests/test_a.py": "", "noxfile.py": 'session.run("pytest")'}, "python3 -m pytest -q"),
        ({"go.mod": ""}, "go test ./..."),
        ({"Cargo.toml": ""}, "cargo test"),
        ({"pom.xml": ""}, "mvn -q -o test"),
        ({"pom.xml": "", "mvnw": ""}, "sh ./mvnw -q -o test"),
        ({"build.gradle.kts": "", "gradlew": ""}, "sh ./gradlew --offline test"),
        ({"go.mod": "", "scripts/test_x.py": ""}, "go test ./..."),
        ({"a.py": "", "pyproject.toml": "pytest"}, ""),
        ({"tests/test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]"}, "python3 -m pytest -q"),
        ({"tests/test_a.py": "", "tests/conftest.py": ""}, "python3 -m pytest -q"),
        ({"tests/test_a.py": "", "pyproject.toml": ""}, "python3 -m unittest discover -s tests"),
        ({"tests/test_a.py": "", "tests/__init__.py": ""}, "python3 -m unittest discover -s tests -t ."),
        ({"test_a.py": "", "a.py": ""}, "python3 -m unittest discover"),
    ],
)
def test_guesses(files: dict[str, str], command: str) -> None:
    assert guessed(files) == command


TEST = "import unittest\nfrom app import x\nclass T(unittest.TestCase):\n    def test_x(self): self.assertEqual(x, 1)\n"


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("folder", ["tests/", "test/", ""])
def test_the_unittest_guess_really_finds_the_tests(tmp_path: Path, folder: str, package: bool) -> None:
    files = {"app.py": "x = 1\n", f"{folder}test_a.py": TEST, **({f"{folder}__init__.py": ""} if package else {})}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    argv = guessed(files).split()
    done = subprocess.run([sys.executable, *argv[1:]], cwd=tmp_path, capture_output=True, text=True)
    assert "Ran 1 test" in done.stderr
    assert done.returncode == 0
