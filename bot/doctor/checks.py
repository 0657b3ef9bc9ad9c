"""Are the programs of the checks there, as seen from inside? For repositories that this machine has worked on."""

from collections.abc import Callable, Iterator
from datetime import datetime

from bot.doctor.finding import Finding, ok, warn
from bot.doctor.sandbox import furnished, which
from bot.flow.steps.bench import commands
from bot.operator.decided import decide
from bot.sandbox.box import Box
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.store.errors import StoreError
from bot.store.reads import ReadStore
from bot.task.ids import CommitSha, RepoRef
from bot.verify.command import Command
from bot.verify.words import first_word
from bot.words.plain import count
from bot.workspace.workspaces import GitWorkspaces

_MEND = "Install it below /usr, or name its folder in `toolchains.folders` and `toolchains.path` of issuewright.toml."


async def examine(settings: Settings, clock: Callable[[], datetime], capability: Capability) -> list[Finding]:
    """Read from the mirrors, as the default branch was when it was fetched last."""
    if not capability.admits_strangers:
        return []
    try:
        decided = decide(settings)
        store = await ReadStore.open_read_only(settings.database_url, clock=clock, data_dir=settings.data_dir)
    except (SettingsError, StoreError):
        return []  # told elsewhere
    try:
        repositories = await store.repositories()
    finally:
        await store.close()
    sandbox = furnished(capability, decided)
    workspaces = GitWorkspaces(settings.data_dir / "work", sandbox)
    found: list[Finding] = []
    for repo in repositories:
        newest = await workspaces.newest(repo)
        if newest is not None:
            found += await _repository(workspaces, sandbox, repo, newest)
    return found


async def _repository(workspaces: GitWorkspaces, sandbox: Sandbox, repo: RepoRef, commit: CommitSha) -> list[Finding]:
    named, _ = await commands(workspaces, repo, commit)
    paths = frozenset(await workspaces.paths(repo, commit))
    found: list[Finding] = []
    for command in named:
        word = first_word(command.command)
        if word is None:
            continue
        if "/" in word and not word.startswith("/"):
            found += _in_the_tree(repo, command, word, paths)
            continue
        there, told = await which(sandbox, Box((), "/"), word)
        if not there:
            start = f"{repo.full_name}: the check {command.name} starts `{word}`"
            found.append(warn(f"{start}, which is not found inside the sandbox (PATH {told}).", _MEND))
    if named and not found:
        return [ok(f"{repo.full_name}: the programs of {count(len(named), 'check')} are found inside the sandbox.")]
    return found


def _in_the_tree(repo: RepoRef, command: Command, word: str, paths: frozenset[str]) -> Iterator[Finding]:
    """A set-up may make what is not there yet, so this is only worth a word."""
    if word.removeprefix("./") not in paths:
        yield warn(f"{repo.full_name}: the check {command.name} starts `{word}`, which is not in the repository.")
