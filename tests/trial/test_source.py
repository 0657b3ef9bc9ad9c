"""The person's repository in every shape: what is used, what is said, what is refused, and how a branch comes back."""

import os
from pathlib import Path

import pytest

from bot.demo.forge.forge import wall_clock
from bot.demo.forge.git.bare import BareRepo, Signature
from bot.settings import Settings, SettingsError
from bot.trial.issue import IssueText, parse
from bot.trial.source import Source, look
from bot.trial.trial import with_agent
from bot.trial.unfit import Unfit
from tests.trial.people import everything, git, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "my project")


def there_and_back(source: Source, tmp_path: Path) -> str:
    """Lend it, let somebody commit on a branch there, and take that branch back; its name."""
    forge = BareRepo.create(tmp_path / "forge.git", source.branch)
    source.lend(forge)
    assert forge.refs() == {f"refs/heads/{source.branch}": source.head}
    who = Signature("bot", "bot@example.org", wall_clock())
    made = forge.write("agent/1-x", {"new.txt": "new\n"}, "Add", who, source.head)
    name = source.take_back(forge.path, "refs/heads/agent/1-x", made, "agent/1-x")
    assert git(source.top, "show", f"{name}:new.txt") == "new"
    assert git(source.top, "rev-parse", f"{name}^") == source.head
    return name


def test_an_ordinary_repository_is_lent_without_a_copy(repo: Path, tmp_path: Path) -> None:
    before = everything(repo)
    source = look(repo)
    assert (source.top, source.branch, source.name, source.notes) == (repo, "trunk", "my-project", ())
    assert there_and_back(source, tmp_path) == "agent/1-x"
    assert everything(repo) == before
    assert not list((tmp_path / "forge.git" / "objects" / "pack").glob("*.pack"))[1:], "only the new commit"


def test_a_subfolder_and_a_linked_worktree(repo: Path, tmp_path: Path) -> None:
    (repo / "sub").mkdir()
    assert look(repo / "sub").notes == (f"{repo / 'sub'} lies in the repository {repo}: all of that is used.",)
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "feature/x", str(linked))
    source = look(linked)
    assert (source.top, source.branch) == (linked, "feature/x")
    assert there_and_back(source, tmp_path) == "agent/1-x"
    assert git(repo, "rev-parse", "agent/1-x^") == source.head


def test_a_bare_repository_and_a_git_folder(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    source = look(bare)
    assert (source.top, source.bare, source.name) == (bare, True, "bare")
    assert there_and_back(source, tmp_path) == "agent/1-x"
    assert look(repo / ".git").name == "my-project"


def test_objects_that_are_borrowed_themselves(repo: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    git(tmp_path, "clone", "-q", "--shared", str(repo), str(shared))
    assert there_and_back(look(shared), tmp_path) == "agent/1-x"


def test_a_detached_head_and_a_branch_of_ours_as_base(repo: Path, tmp_path: Path) -> None:
    git(repo, "checkout", "-q", "-b", "agent/1-x")
    assert look(repo).branch == "main"
    git(repo, "checkout", "-q", "--detach")
    source = look(repo)
    assert (source.branch, source.notes) == (
        "main",
        ("HEAD is detached: the commit that is checked out is the base.",),
    )
    assert there_and_back(source, tmp_path) == "agent/1-x-2"


def test_a_branch_called_agent_is_in_the_way_of_no_one(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "agent")
    assert there_and_back(look(repo), tmp_path) == "agent-1-x"


def test_what_is_not_part_of_a_trial_is_said(repo: Path, tmp_path: Path) -> None:
    git(repo, "submodule", "add", "-q", str(repository(tmp_path / "other")), "other")
    (repo / "data").mkdir()
    (repo / "data" / ".gitattributes").write_text("*.bin filter=lfs diff=lfs\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "More")
    (repo / "adder.py").write_text("changed\n")
    assert [note.split()[0] for note in look(repo).notes] == ["Uncommitted", "Submodules", "Files"]


def test_the_agent_of_the_repository_is_known(repo: Path) -> None:
    (repo / ".github").mkdir()
    file = repo / ".github" / "issuewright.yml"
    file.write_text("agent: codex\n")
    assert look(repo).agent is None
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Name it")
    assert look(repo).agent == "codex"
    file.write_text("agnet: codex\n")
    git(repo, "commit", "-q", "-a", "-m", "Misspell it")
    with pytest.raises(Unfit, match="did you mean `agent`"):
        look(repo)


def test_variables_of_a_surrounding_git_lead_nowhere(repo: Path, tmp_path: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    os.environ["GIT_DIR"] = str(repository(tmp_path / "other", {"else": ""}) / ".git")
    try:
        assert look(repo).head == head
    finally:
        del os.environ["GIT_DIR"]


def test_what_cannot_be_tried(repo: Path, tmp_path: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "Second")
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repo}", "partial")
    repository(tmp_path / "sha256", {"a": ""}, "--object-format=sha256")
    told = {
        "missing": "is not there.",
        "file": "is no folder.",
        "plain": "is in no git repository",
        "empty": "has no commit yet",
        "shallow": "fetch --unshallow",
        "partial": "is a partial clone",
        "sha256": "by SHA-256",
    }
    for name, sentence in told.items():
        with pytest.raises(Unfit) as refused:
            look(tmp_path / name)
        assert sentence in str(refused.value)
        assert str(tmp_path / name) in str(refused.value)


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser can give a repository away")
def test_the_repository_of_another_user(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 4711, 4711)
    with pytest.raises(Unfit, match=r"belongs to another user.*safe\.directory"):
        look(repo)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("# Title\n\nBody\n", IssueText("Title", "Body")),
        ("\n\nplain  title\r\nline 1\r\n# line 2\n", IssueText("plain title", "line 1\n# line 2")),
        ("## Title", IssueText("Title", "")),
        ("#12 is wrong", IssueText("#12 is wrong", "")),
        ("long " * 50, IssueText("long " * 39 + "long…", ("long " * 50).strip())),
    ],
)
def test_an_issue(text: str, issue: IssueText) -> None:
    assert parse(text) == issue


@pytest.mark.parametrize("text", ["", " \n\t\n", "#\nbody", "a\0b", "x\n" * 40_000])
def test_no_issue(text: str) -> None:
    with pytest.raises(Unfit, match="The issue"):
        parse(text)


def settings_of(tmp_path: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, **values)  # type: ignore[arg-type, call-arg]


def test_the_command_goes_by_the_name_that_the_repository_asks_for(repo: Path, tmp_path: Path) -> None:
    (repo / ".github").mkdir()
    (repo / ".github" / "issuewright.yml").write_text("agent: codex\n")
    plain = look(repo)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Name it")
    mine = settings_of(tmp_path, agent="mine", agent_command="agent --acp")
    told = with_agent(mine, look(repo), "other", "true")
    assert (told.agent, told.agent_command, told.agent_protocol) == ("codex", "true", "command")
    assert with_agent(mine, plain, None, None).agent == "mine"
    assert with_agent(mine, plain, "other", "true").agent == "other"
    assert with_agent(mine, plain, None, "true").agent == "command"


def test_the_agents_of_the_operators_file_can_be_tried(repo: Path, tmp_path: Path) -> None:
    source = look(repo)
    (tmp_path / "issuewright.toml").write_text('[agents.slow]\ncommand = "slow"\n[agents.quick]\ncommand = "quick"\n')
    settings = with_agent(settings_of(tmp_path), source, "quick", None)
    assert (settings.agent, settings.config) == ("quick", tmp_path / "issuewright.toml")
    with pytest.raises((Unfit, SettingsError), match=r"third.*quick.*slow"):
        with_agent(settings_of(tmp_path), source, "third", None)
    with pytest.raises(Unfit, match="No agent: give one with --agent-command"):
        with_agent(settings_of(tmp_path / "elsewhere"), source, None, None)
