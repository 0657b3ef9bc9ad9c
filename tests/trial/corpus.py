"""Try `issuewright try` on real projects: `python -m tests.trial.corpus`. By hand: it asks a package index for sources.

Two released source archives and a clone of this repository become repositories with a planted bug. On each, agents of
a few lines try their luck: one mends it, one does nothing, one breaks the checks, one never ends, one leaves a huge
file and one a binary one. Every line says what was reached and whether that was expected; the exit code says it of all.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.trial.people import Person, everything, git

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A project, a bug to plant, and the check that finds it (None: it is guessed)."""

    name: str
    version: str
    file: str
    right: str
    wrong: str
    check: str | None


PROJECTS = (
    Project("xmltodict", "0.13.0", "xmltodict.py", "if not self.force_list:", "if self.force_list:", None),
    Project(
        "idna", "3.10", "idna/core.py", 'label[2:4] == "--"', 'label[1:3] == "--"',
        "python3 -m unittest discover -s tests -t .",
    ),
    Project(
        "issuewright", "", "bot/words/plain.py", "if number == 1 else", "if number == 2 else",
        "python3 -c \"from bot.words.plain import count; assert [count(1, 'a'), count(2, 'a')] == ['1 a', '2 as']\"",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Try:
    """An agent, and the exit code that it should lead to."""

    name: str
    agent: str
    code: int
    options: tuple[str, ...] = ()


def tries(project: Project) -> tuple[Try, ...]:
    mend = (
        "exec python3 -c 'import pathlib, sys; f = pathlib.Path(sys.argv[1]); "
        'f.write_text(f.read_text().replace(sys.argv[3], sys.argv[2])); print("Mended.")\' '
        f"{project.file} {_quoted(project.right)} {_quoted(project.wrong)}\n"
    )
    return (
        Try("mends it", mend, 0),
        Try("does nothing", "echo I would rather not.\n", 3),
        Try("breaks the checks", f"echo 'raise SystemExit(7)' >> {project.file}\n", 1),
        Try("never ends", "echo thinking; sleep 3600\n", 4, ("--timeout", "0.2")),
        Try("leaves a huge file", "truncate -s 60M huge.bin\n", 4),
        Try("leaves a binary file", mend.replace("exec ", "head -c 9999 /dev/urandom > logo.bin; exec "), 0),
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def unpacked(project: Project, folder: Path) -> Path:
    """The sources of the project, as a repository whose HEAD has the bug."""
    if project.version:
        wanted = f"{project.name}=={project.version}"
        download = ("download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", project.name)
        subprocess.run([sys.executable, "-m", "pip", *download, "-d", str(folder), wanted], check=True)
        [archive] = folder.glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        repo = folder / f"{project.name}-{project.version}"
        git(repo, "init", "-q", "-b", "main")
    else:
        repo = folder / project.name
        git(folder, "clone", "-q", "--single-branch", str(_ROOT), str(repo))
    if project.check:
        (repo / ".github").mkdir(exist_ok=True)
        (repo / ".github" / "issuewright.yml").write_text(json.dumps({"checks": {"tests": project.check}}))
    source = repo / project.file
    assert project.right in source.read_text()
    source.write_text(source.read_text().replace(project.right, project.wrong))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "As released, with a bug")
    return repo


def play(project: Project, folder: Path) -> Iterator[bool]:
    repo, person = unpacked(project, folder), Person(folder)
    commits = git(repo, "rev-list", "--count", "HEAD")
    print(f"\n{project.name} {project.version}: {commits} commits, {len(git(repo, 'ls-files').splitlines())} files")
    for each in tries(project):
        person.agent(f"cat > /dev/null\n{each.agent}")
        before, began = everything(repo), time.monotonic()
        running = person.types(repo, "--timeout", "5", *each.options, "--json")
        said, complaint = running.communicate()
        told = json.loads(said) if said else {}
        untouched = everything(repo) == before and not person.leftovers()
        good = running.returncode == each.code and untouched
        checks = " ".join(f"{check['name']}={check['exit_code']}" for check in told.get("checks", ()))
        print(
            f"  {'ok ' if good else 'BAD'} {each.name:<20} exit {running.returncode}, {told.get('state')}, "
            f"{time.monotonic() - began:.1f} s, attempts {told.get('attempts')}, {checks or 'no check ran'}, "
            f"branch {told.get('branch')}{'' if untouched else ', TOUCHED OR LEFT SOMETHING'}"
        )
        if complaint:
            print(f"      {complaint.strip()}")
        yield good


def main() -> int:
    good = True
    for project in PROJECTS:
        with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
            good = all([*play(project, Path(folder))]) and good
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
