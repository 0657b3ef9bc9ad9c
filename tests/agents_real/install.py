"""Install the agents of `locks/` into `.agents/` of the checkout, each exactly as its lock file says; done once.

    python -m tests.agents_real.install [NAME…]

An agent that cannot be installed here is named with the reason, and its tests are skipped. Install scripts are not run.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"
FOLDER = Path(__file__).parents[2] / ".agents"
_PYTHONS = ("python3.12", "python3.13", "python3.14")


class NotHere(Exception):
    """It cannot be installed on this machine; the text says why."""


def names() -> list[str]:
    """Every agent that has a lock file."""
    return sorted(folder.name for folder in LOCKS.iterdir() if folder.is_dir())


def install(name: str) -> Path:
    """The folder that it is installed in. Raises NotHere."""
    folder, wanted = FOLDER / name, _digest(LOCKS / name)
    done = folder / ".installed"
    if done.exists() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if (LOCKS / name / "package-lock.json").exists():
        _npm(LOCKS / name, folder)
    else:
        _pip(LOCKS / name / "requirements.lock", folder)
    done.write_text(wanted)
    return folder


def installed(name: str) -> Path | None:
    """The folder, if it is there as its lock file says."""
    done = FOLDER / name / ".installed"
    return FOLDER / name if done.exists() and done.read_text() == _digest(LOCKS / name) else None


def _digest(lock: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(lock.iterdir()))).hexdigest()


def _npm(lock: Path, folder: Path) -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise NotHere("needs Node and npm")
    for file in lock.iterdir():
        shutil.copy(file, folder)
    # `npm ci` refuses a lock file that lacks optional packages of other platforms, which npm itself left out of it.
    _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)


def _pip(lock: Path, folder: Path) -> None:
    python = next((found for name in _PYTHONS for found in _interpreters(name)), None)
    if python is None:
        raise NotHere(f"needs one of {', '.join(_PYTHONS)}")
    _run([python, "-m", "venv", str(folder)], folder)
    pip = [str(folder / "bin" / "pip"), "--disable-pip-version-check", "--quiet", "install"]
    _run([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)], folder)


def _interpreters(name: str) -> list[str]:
    """Programs of this name that work (a version manager's stand-in may not), by the path of the program itself."""
    found = [shutil.which(name), *map(str, Path.home().glob(f".pyenv/versions/*/bin/{name}"))]
    good = []
    for program in filter(None, found):
        ran = subprocess.run([program, "-c", "import sys; print(sys.executable)"], capture_output=True, check=False)
        if ran.returncode == 0:
            good.append(ran.stdout.decode().strip())
    return good


def _run(argv: list[str], folder: Path) -> None:
    try:
        ran = subprocess.run(argv, cwd=folder, capture_output=True, timeout=600, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotHere(f"`{argv[0]}` took more than ten minutes") from error
    if ran.returncode != 0:
        lines = (ran.stderr or ran.stdout).decode(errors="replace").strip().splitlines()
        raise NotHere(f"`{' '.join(argv[:2])}` failed: {lines[-1] if lines else ran.returncode}")


def main(wanted: list[str]) -> int:
    """Exit code 1 when one of the wanted could not be installed."""
    missing = 0
    for name in wanted or names():
        try:
            install(name)
            sys.stdout.write(f"{name}: installed\n")
        except NotHere as reason:
            missing += 1
            sys.stdout.write(f"{name}: cannot be installed here: {reason}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
