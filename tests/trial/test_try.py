"""`issuewright try`, as a person types it: exit codes, the branch, and that nothing else of theirs is touched."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.trial.people import FIX, Person, everything, git, only_json, repository

BRANCH = "agent/1-add-subtracts"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "adder")


def test_a_fix_whose_check_passes_comes_back_as_a_branch_and_nothing_else_changes(person: Person, repo: Path) -> None:
    for hook in ("reference-transaction", "post-checkout", "pre-auto-gc", "post-index-change"):
        (repo / ".git" / "hooks").mkdir(exist_ok=True)
        (repo / ".git" / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {person.folder}/hooked\n")
        (repo / ".git" / "hooks" / hook).chmod(0o755)
    git(repo, "config", "core.fsmonitor", f"touch {person.folder}/hooked; false")
    (repo / "staged.txt").write_text("staged\n")
    git(repo, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "add", "staged.txt")
    (repo / "loose.txt").write_text("loose\n")
    (person.folder / "hooked").unlink(missing_ok=True)
    before = everything(repo)
    person.agent(FIX)

    running = person.types(repo, "--json")
    said, complaint = running.communicate(timeout=60)

    assert (running.returncode, complaint) == (0, "")
    told = only_json(said)
    assert list(told) == [
        "state", "issue", "pull_request", "branch", "head", "runs", "attempts", "checks", "seconds",
    ]  # fmt: skip
    assert (told["state"], told["pull_request"], told["branch"]) == ("in_review", 2, BRANCH)
    assert [(check["name"], check["exit_code"]) for check in told["checks"]] == [("tests", 0)]
    assert everything(repo) == before
    assert not (person.folder / "hooked").exists()
    git(repo, "config", "--unset", "core.fsmonitor")
    assert git(repo, "rev-parse", BRANCH) == told["head"]
    assert git(repo, "rev-parse", f"{BRANCH}^") == git(repo, "rev-parse", "HEAD")
    assert "+    return a + b" in git(repo, "diff", "HEAD", BRANCH)
    assert git(repo, "for-each-ref", "--format=%(refname)") == f"refs/heads/{BRANCH}\nrefs/heads/trunk"
    assert person.leftovers() == []


def test_a_person_reads_the_story_and_an_old_branch_is_never_moved(person: Person, repo: Path) -> None:
    git(repo, "branch", BRANCH)
    (repo / "loose.txt").write_text("loose\n")
    person.agent(FIX)
    ended = person.tries(repo / ".git" / "..")
    assert ended.exit_code == 0
    assert "Uncommitted changes (1) are not part of it" in ended.stdout
    assert "1 required check passed" in ended.stdout
    assert "Plus instead of minus." in ended.stdout
    assert f"diff {git(repo, 'rev-parse', 'HEAD')[:10]} {BRANCH}-2\n" in ended.stdout
    assert git(repo, "rev-parse", BRANCH) == git(repo, "rev-parse", "HEAD")
    assert "+    return a + b" in git(repo, "diff", BRANCH, f"{BRANCH}-2")


def test_broken_checks_are_a_draft_with_their_output(person: Person, repo: Path) -> None:
    person.agent("echo 'raise SystemExit(7)' >> adder.py\n")
    (repo / ".github").mkdir()
    (repo / ".github" / "issuewright.yml").write_text("limits: {attempts: 1}\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "One attempt")
    ended = person.tries(repo)
    assert ended.exit_code == 1
    assert "1 of 1 required check failed" in ended.stderr
    assert "tests: python3 -m unittest discover (exit code 1)" in ended.stdout
    assert "SystemExit: 7" in ended.stdout
    assert git(repo, "log", "-1", "--format=%s", BRANCH) == "add() subtracts"


def test_a_change_that_nothing_checks_is_not_green(person: Person, tmp_path: Path) -> None:
    person.agent("head -c 20000 /dev/urandom > picture.png\n")
    repo = repository(tmp_path / "text", {"README": "text\n"})
    ended = person.tries(repo, "--json")
    assert ended.exit_code == 1
    assert "nothing is proven" in ended.stderr
    assert git(repo, "diff", "--numstat", "HEAD", BRANCH) == "-\t-\tpicture.png"


@pytest.mark.parametrize(
    ("agent", "sentence", "words"),
    [
        ("echo I looked around.\n", "The agent made no change.", "I looked around."),
        (
            "printf 'QUESTION: Two things:\\n\\n1. Is 1-1 two?\\n'\n",
            "The agent asks before it goes on.",
            "1. Is 1-1 two?",
        ),
    ],
    ids=["nothing", "asks"],
)
def test_no_change(person: Person, repo: Path, agent: str, sentence: str, words: str) -> None:
    person.agent(agent)
    before = everything(repo)
    ended = person.tries(repo)
    assert (ended.exit_code, ended.stderr) == (3, f"issuewright: {sentence}\n")
    assert words in ended.stdout
    assert f"Nothing was changed in {repo}." in ended.stdout
    assert everything(repo) == before
    assert git(repo, "branch", "--list", "agent/*") == ""


def test_when_the_time_is_up_the_work_so_far_is_kept(person: Person, repo: Path) -> None:
    person.agent(FIX + "mkdir shut; chmod 0 shut; setsid sleep 300 & sleep 300\n")
    running = person.types(repo, "--timeout", "0.1")
    said, complaint = running.communicate(timeout=60)
    assert running.returncode == 4
    assert complaint.startswith("issuewright: The 0.1 min of --timeout were up while the task was working, attempt 1")
    assert f"unchecked, is on the branch {BRANCH} in {repo}" in said
    assert "+    return a + b" in git(repo, "diff", "HEAD", BRANCH)
    assert person.leftovers() == []


def test_a_huge_change_is_not_taken_over(person: Person, repo: Path) -> None:
    person.agent("truncate -s 21M huge.bin\n")
    ended = person.tries(repo, "--json")
    assert ended.exit_code == 4
    assert ended.stderr == (
        "issuewright: It failed: the agent's changes may not be taken over: `huge.bin` is larger than 20 MiB.\n"
    )
    told = only_json(ended.stdout)
    assert (told["state"], told["branch"], told["head"]) == ("failed", None, None)


def test_an_interrupt_ends_everything(person: Person, repo: Path) -> None:
    person.agent("echo working; mkdir shut; touch shut/file; chmod 0 shut; setsid sleep 300 & sleep 300\n")
    before = everything(repo)
    running = person.types(repo)
    try:
        _until_it_works(running)
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=10)
    finally:
        running.kill()
    assert running.returncode == 130
    assert complaint == "issuewright: interrupted; everything that was started is gone.\n"
    assert person.leftovers() == []
    assert everything(repo) == before


def _until_it_works(running: "subprocess.Popen[str]") -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if "The worktree is ready" in line:
            time.sleep(1)  # the agent starts
            return


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--issue", "no-such-file"), "The issue no-such-file cannot be read: No such file or directory."),
        (("--agent-command", "./no-such-agent"), "no-such-agent is not there, or is no file."),
        (("--agent-command", ""), "--agent-command: The command line is empty."),
    ],
)
def test_a_mistake_is_one_sentence(person: Person, repo: Path, options: tuple[str, ...], complaint: str) -> None:
    person.agent(FIX)
    ended = person.tries(repo, *options)
    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.rstrip().endswith(complaint)
