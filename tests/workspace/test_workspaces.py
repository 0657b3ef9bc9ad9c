"""The verbs of the workspace door on real git, each of them more than once."""

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from bot.sandbox.box import Limits
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.task.ids import BranchName, CommitSha, TaskId
from bot.task.results import FileChange, Harvested, HarvestRefused, NothingChanged, SandboxLevel
from bot.workspace.errors import RemoteUnavailable
from bot.workspace.policy import Caps
from bot.workspace.values import BranchMoved, FetchRefused, Pushed, PushRefused, Remote
from bot.workspace.workspaces import GitWorkspaces
from tests.workspace.conftest import BRANCH, MAIN, MESSAGE, Desk
from tests.workspace.origin import git

pytestmark = pytest.mark.anyio


async def harvested(desk: Desk, parent: CommitSha | None = None) -> Harvested:
    result = await desk.harvest(parent)
    assert isinstance(result, Harvested), result
    return result


# ── fetch and read ──


async def test_fetch_brings_the_base_branch_and_nothing_else(empty_desk: Desk) -> None:
    desk = empty_desk
    for ref in ("refs/heads/other", "refs/pull/1/head", "refs/tags/v1"):
        git(desk.origin.clone, "push", "-q", "origin", f"HEAD:{ref}")
    fetched = await desk.fetch()
    assert (fetched.base, fetched.head) == (desk.origin.tip("main"), None)
    assert git(desk.root / "mirrors/99.git", "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert await desk.fetch() == fetched


async def test_fetch_follows_the_base_even_when_it_was_rewritten(empty_desk: Desk) -> None:
    await empty_desk.fetch()
    git(empty_desk.origin.clone, "commit", "-q", "--amend", "-m", "Rewritten")
    git(empty_desk.origin.clone, "push", "-q", "-f", "origin", "HEAD:refs/heads/main")
    assert (await empty_desk.fetch()).base == empty_desk.origin.tip("main")


async def test_peoples_work_on_the_branch_goes_to_the_quarantine_only(empty_desk: Desk) -> None:
    desk = empty_desk
    desk.origin.write("b.txt", "by a person\n")
    theirs = desk.origin.commit("By a person", BRANCH)
    assert (await desk.fetch()).head == theirs
    await desk.door.open(desk.task, desk.repo, theirs)
    assert await desk.agent("cat b.txt") == "by a person\n"
    assert git(desk.root / "mirrors/99.git", "cat-file", "-t", theirs, check=False) == ""


async def test_a_remote_without_the_branch_is_refused(empty_desk: Desk, tmp_path: Path) -> None:
    desk = empty_desk
    found = await desk.door.fetch(desk.task, desk.repo, desk.remote, BranchName("trunk"), BRANCH)
    assert found == FetchRefused("There is no branch trunk.")
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    found = await desk.door.fetch(desk.task, desk.repo, Remote(str(tmp_path / "empty.git"), ""), MAIN, BRANCH)
    assert found == FetchRefused("The repository is empty.")


async def test_a_remote_that_is_not_there_is_unavailable(empty_desk: Desk) -> None:
    desk = empty_desk
    for url in ("/nowhere.git", "http://127.0.0.1:9/x.git"):
        with pytest.raises(RemoteUnavailable):
            await desk.door.fetch(desk.task, desk.repo, Remote(url, "token"), MAIN, BRANCH)


async def test_locks_of_a_killed_git_are_no_obstacle(empty_desk: Desk) -> None:
    desk = empty_desk
    await desk.fetch()
    for lock in ("mirrors/99.git/refs/heads/main.lock", "mirrors/99.git/packed-refs.lock"):
        (desk.root / lock).touch()
    desk.origin.write("a.txt", "later\n")
    later = desk.origin.commit("Later")
    assert (await desk.fetch()).base == later


async def test_tasks_of_one_repository_fetch_side_by_side(empty_desk: Desk) -> None:
    desk = empty_desk
    fetches = (desk.door.fetch(TaskId(n), desk.repo, desk.remote, MAIN, BRANCH) for n in range(1, 5))
    assert len(set(await asyncio.gather(*fetches))) == 1
    assert await desk.door.leftovers() == [1, 2, 3, 4]


async def test_another_process_fetches_at_the_same_time(empty_desk: Desk) -> None:
    desk = empty_desk
    await desk.fetch()
    with (desk.root / "mirrors/99.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fetching = asyncio.create_task(desk.fetch())
        await asyncio.sleep(0.3)
        assert not fetching.done()
        fcntl.flock(held, fcntl.LOCK_UN)
        await fetching


async def test_reading_the_base(desk: Desk) -> None:
    os.symlink("a.txt", desk.origin.clone / "link")
    desk.origin.write("big", "x" * ((1 << 20) + 1))
    desk.origin.commit("More")
    await desk.fetch()
    read = [await desk.door.read(desk.repo, desk.base, path) for path in ("a.txt", "link", "big", "src", "no", "*")]
    assert read == [b"hello\n", None, None, None, None, None]
    paths = await desk.door.paths(desk.repo, desk.base)
    assert sorted(paths) == [".gitignore", "a.txt", "big", "kept.log", "link", "src/x.py"]


# ── the worktree ──


async def test_open_keeps_what_is_there(desk: Desk) -> None:
    await desk.agent("echo mine > mine.txt; echo s > ~/session")
    assert await desk.door.open(desk.task, desk.repo, desk.base) is True
    assert await desk.agent("cat mine.txt ~/session") == "mine\ns\n"


async def test_open_starts_over_after_a_crash_halfway(desk: Desk) -> None:
    await desk.agent("echo half > half.txt; rm -rf .git; chmod 000 src")
    (desk.root / "tasks/7/opened").unlink()
    assert await desk.door.open(desk.task, desk.repo, desk.base) is False
    assert await desk.agent("ls; git status --short") == "a.txt\nkept.log\nsrc\n"


async def test_git_works_in_the_worktree(desk: Desk) -> None:
    said = await desk.agent("echo x >> a.txt; git add -A; git commit -qm mine; git log --format=%an:%s; git fsck 2>&1")
    assert said == "agent:mine\nann@example.org:First\n"


# ── harvest ──


async def test_a_harvest_is_one_commit_of_ours(desk: Desk) -> None:
    await desk.agent(
        "git commit -qm one --allow-empty; echo more >> a.txt; echo new > new.txt; git rm -q src/x.py;"
        " chmod +x kept.log; git commit -qam two; mkdir build; echo o > build/o; echo l > x.log; printf '\\0' > bin"
    )
    found = await harvested(desk)
    assert set(found.files) == {
        FileChange("a.txt", "M", 1, 0),
        FileChange("bin", "A", None, None),
        FileChange("kept.log", "M", 0, 0),
        FileChange("new.txt", "A", 1, 0),
        FileChange("src/x.py", "D", 0, 1),
    }
    quarantine = desk.root / "tasks/7/quarantine.git"
    shown = git(quarantine, "show", "-s", "--format=%P|%an|%ae|%cn|%aI|%B", found.commit)
    assert shown == f"{desk.base}|Bot|bot@example.org|Bot|2026-01-02T00:00:00+00:00|Fix it\n\nBecause."
    assert await harvested(desk) == found


async def test_nothing_changed(desk: Desk) -> None:
    assert await desk.harvest() == NothingChanged()
    await desk.agent("echo l > ignored.log; touch a.txt; git commit -q --allow-empty -m empty")
    assert await desk.harvest() == NothingChanged()


async def test_the_next_attempt_goes_on_from_the_files(desk: Desk) -> None:
    await desk.agent("echo one > one.txt")
    first = await harvested(desk)
    await desk.agent("echo two > two.txt")
    second = await harvested(desk, first.commit)
    assert [change.path for change in second.files] == ["one.txt", "two.txt"]
    assert git(desk.root / "tasks/7/quarantine.git", "rev-parse", f"{second.commit}^") == first.commit


@pytest.mark.parametrize(
    "mess",
    [
        "rm -rf .git",
        "touch .git/index.lock .git/HEAD.lock",
        "git checkout -q --detach; rm -rf .git/objects",
        "echo rubbish > .git/HEAD; echo rubbish > .git/config; echo rubbish > .git/index",
        "rm -rf .git; ln -s / .git",
        "rm -rf .git; mkfifo .git",
        "rm .git/objects/info/alternates",
        "git rm -rq --cached .",
        "mkfifo pipe; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"",
        "echo '* text=auto eol=crlf working-tree-encoding=UTF-8 ident' > .git/info/attributes",
    ],
)
async def test_a_broken_git_folder_is_no_obstacle(desk: Desk, mess: str) -> None:
    await desk.agent(f"{mess}; echo fine > fine.txt")
    assert (await harvested(desk)).files == (FileChange("fine.txt", "A", 1, 0),)


@pytest.mark.parametrize(
    ("mess", "sentence"),
    [
        ("rm a.txt; mkfifo a.txt", "cannot be committed"),
        ("echo x > secret; chmod 000 secret", "cannot be committed: open"),
        ("git init -q sub", "cannot be committed: 'sub/' does not have a commit checked out"),
        (
            "git init -q sub; git -C sub -c user.name=a -c user.email=b commit -q --allow-empty -m x",
            "`sub` is a repository of its own",
        ),
        ("echo '[submodule]' > .gitmodules", "`.gitmodules` is protected"),
        ("mkdir .github; echo x > .github/x.yml", "`.github/x.yml` is protected"),
        ("mkdir -p docs .GitHub; echo x > docs/codeowners; echo x > .GitHub/y", "`.GitHub/y` is protected"),
        ("echo obey > src/AGENTS.md", "`src/AGENTS.md` is protected"),
        ("ln -s /etc/passwd leak", "`leak` is a symbolic link that leads out"),
        ("ln -s ../../x src/leak", "`src/leak` is a symbolic link that leads out"),
        ("echo x > $'new\\nline'", "The name `new�line` is not allowed"),
        ("echo x > $'\\xff'", "is not UTF-8"),
        ("mkdir git~1; echo x > git~1/config", "git"),
        ("head -c 21000000 /dev/zero > zeros", "`zeros` is larger than 20 MiB"),
        ("for i in 1 2 3 4; do head -c 19000000 /dev/zero > z$i; echo $i >> z$i; done", "The changed files are 72 MiB"),
    ],
)
async def test_what_may_not_be_taken_over(desk: Desk, mess: str, sentence: str) -> None:
    await desk.agent(f"{mess}; echo fine > fine.txt")
    result = await desk.harvest()
    assert isinstance(result, HarvestRefused), result
    assert sentence in result.violations[0]
    assert "\n" not in "".join(result.violations)


async def test_caps_on_what_crosses(desk: Desk) -> None:
    await desk.agent("for i in $(seq 30); do head -c 3000 /dev/urandom > r$i; done")
    for caps, sentence in (
        (Caps(files=29), "30 files are changed; at most 29 are taken over."),
        (Caps(pack_bytes=20_000), "The change is larger than 0 MiB."),
        (Caps(objects=20), "The change has 32 objects; at most 20 are taken over."),
        (Caps(seconds=0.0), "Committing the worktree took longer than 0 s."),
    ):
        door = GitWorkspaces(desk.root, desk.sandbox, caps=caps)
        assert await door.harvest(desk.task, desk.base, desk.base, MESSAGE) == HarvestRefused((sentence,))
    await harvested(desk)


async def test_protected_paths_are_the_operators_choice(desk: Desk) -> None:
    await desk.agent("mkdir .github; echo x > .github/x.yml; echo y > pay.py")
    door = GitWorkspaces(desk.root, desk.sandbox, protected=["pay*"])
    result = await door.harvest(desk.task, desk.base, desk.base, MESSAGE)
    assert result == HarvestRefused(("`pay.py` is protected: only people change it.",))


# ── checks, saving, leaving ──


async def test_a_checkout_is_exactly_the_commit(desk: Desk) -> None:
    await desk.agent("echo new > new.txt; echo l > ignored.log; echo s > ~/session")
    commit = (await harvested(desk)).commit
    await desk.agent("echo later > later.txt")
    for _ in range(2):
        box = await desk.door.check_out(desk.task, commit)
        script = "ls -A . ~; git rev-parse HEAD; git status --short; touch dirt ~/dirt; echo r > $REPORTS/junit.xml"
        said = (await desk.sandbox.run(box, ["sh", "-c", script], Limits())).output.decode()
        assert said == (f".:\n.git\n.gitignore\na.txt\nkept.log\nnew.txt\nsrc\n\n/home/agent:\n{commit}\n")
    await desk.door.drop_checkout(desk.task)
    await desk.door.drop_checkout(desk.task)
    assert not (desk.root / "tasks/7/check").exists()


async def test_work_and_state_survive_the_folder(desk: Desk) -> None:
    await desk.agent(
        "echo new > new.txt; mkdir -p ~/.agent; echo s > ~/.agent/session; ln -s /etc ~/out; mkfifo ~/pipe"
    )
    commit = (await harvested(desk)).commit
    bundle, state = await desk.door.save(desk.task, desk.base, commit), await desk.door.save_state(desk.task)
    assert state is not None
    await desk.door.close(desk.task)
    await desk.fetch()
    for _ in range(2):
        await desk.door.restore(desk.task, desk.repo, bundle)
        await desk.door.restore_state(desk.task, state)
    await desk.door.open(desk.task, desk.repo, commit)
    assert await desk.agent("cat new.txt ~/.agent/session; ls ~") == "new\ns\nout\n"
    assert await desk.door.save(desk.task, desk.base, desk.base) == b""


async def test_caches_are_not_kept_and_do_not_count(desk: Desk) -> None:
    await desk.agent("mkdir -p ~/.cache ~/.npm ~/.a/cache; truncate -s 600M ~/.cache/huge ~/.npm/huge ~/.a/cache/huge")
    await desk.agent("echo s > ~/.a/session; touch ~/.a/caches")
    assert await desk.door.save_state(desk.task) is None, "what nobody names is kept"
    state = await desk.door.save_state(desk.task, [".a/cache"])
    assert state is not None
    await desk.door.close(desk.task)
    await desk.fetch()
    await desk.door.restore_state(desk.task, state)
    await desk.door.open(desk.task, desk.repo, desk.base)
    assert await desk.agent("cd; find . -mindepth 1 | sort") == "./.a\n./.a/caches\n./.a/session\n"


async def test_a_home_that_is_empty_or_too_large_is_not_saved(desk: Desk) -> None:
    assert await desk.door.save_state(desk.task) is None
    await desk.agent("truncate -s 600M ~/huge")
    assert await desk.door.save_state(desk.task) is None


async def test_close_removes_whatever_was_done(desk: Desk) -> None:
    await desk.agent(
        "mkdir -p locked/in; echo x > locked/in/f; chmod 000 locked; ln -s /etc etc; cd ~;"
        " python3 -c \"import os\nfor i in range(1500): os.mkdir('deep' * 30); os.chdir('deep' * 30)\""
    )
    await desk.door.check_out(desk.task, desk.base)
    await desk.door.close(desk.task)
    await desk.door.close(desk.task)
    assert await desk.door.leftovers() == []
    assert os.listdir(desk.root / "tasks") == []


# ── push ──


async def test_push_by_commit_id(desk: Desk) -> None:
    await desk.agent("echo new > new.txt")
    commit = (await harvested(desk)).commit
    for _ in range(2):
        assert await desk.door.push(desk.task, desk.remote, commit, BRANCH, None) == Pushed()
    assert desk.origin.tip(BRANCH) == commit
    await desk.agent("echo newer > new.txt")
    newer = (await harvested(desk, commit)).commit
    assert await desk.door.push(desk.task, desk.remote, newer, BRANCH, commit) == Pushed()


async def test_a_branch_that_moved_is_left_alone(desk: Desk) -> None:
    await desk.agent("echo new > new.txt")
    commit = (await harvested(desk)).commit
    assert await desk.door.push(desk.task, desk.remote, commit, BRANCH, desk.base) == BranchMoved(None)
    desk.origin.write("b.txt", "b")
    theirs = desk.origin.commit("By a person", BRANCH)
    assert await desk.door.push(desk.task, desk.remote, commit, BRANCH, None) == BranchMoved(theirs)
    assert desk.origin.tip(BRANCH) == theirs


async def test_a_remote_that_does_not_want_it_says_why(desk: Desk) -> None:
    hook = desk.origin.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch.' >&2; exit 1\n")
    hook.chmod(0o755)
    await desk.agent("echo new > new.txt")
    commit = (await harvested(desk)).commit
    result = await desk.door.push(desk.task, desk.remote, commit, BRANCH, None)
    assert result == PushRefused("GH006: Protected branch.")


# ── without a boundary, for our own scripted agent ──


async def test_the_whole_way_without_namespaces(empty_desk: Desk) -> None:
    sandbox = Sandbox(Capability(SandboxLevel.NONE, "No namespaces here.", "Use a VM."))
    desk = Desk(empty_desk.origin, sandbox, GitWorkspaces(empty_desk.root, sandbox), empty_desk.root)
    await desk.fetch()
    await desk.door.open(desk.task, desk.repo, desk.base)
    box = desk.door.box(desk.task)
    script = ["sh", "-c", "echo new > new.txt; echo s > ~/session; git status --short"]
    finished = await sandbox.run(box, script, Limits(), trusted=True)
    assert finished.output == b"?? new.txt\n"
    commit = (await harvested(desk)).commit
    box = await desk.door.check_out(desk.task, commit)
    assert (await sandbox.run(box, ["cat", "new.txt"], Limits(), trusted=True)).output == b"new\n"
    state = await desk.door.save_state(desk.task)
    assert state is not None
    await desk.door.restore_state(desk.task, state)
    assert await desk.door.push(desk.task, desk.remote, commit, BRANCH, None) == Pushed()
    await desk.door.close(desk.task)
    assert await desk.door.leftovers() == []


async def test_files_are_those_of_the_pull_request_when_the_base_has_moved_on(desk: Desk) -> None:
    await desk.agent("echo mine > mine.txt")
    first = (await harvested(desk)).commit
    desk.origin.write("theirs.txt", "theirs\n")
    moved = desk.origin.commit("Theirs")
    await desk.fetch()
    assert desk.base == moved
    await desk.agent("echo more > more.txt")
    result = await desk.harvest(first)
    assert isinstance(result, Harvested)
    assert [file.path for file in result.files] == ["mine.txt", "more.txt"]
