"""When a repository is offered its file, and when it is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.flow.steps.onboard import BRANCH
from bot.task.effects import Onboard
from bot.task.ids import BranchName, CommitSha, RepoRef
from bot.task.model import Phase
from bot.task.observed import Repository
from bot.task.pause import Pause
from bot.task.repo_config import PATH
from bot.workspace.values import FetchRefused, PushRefused
from tests.flow.conversations import GOOD, UNNAMED, script
from tests.tester import SmallBot
from tests.worlds.memory_git import Files
from tests.worlds.real_bot import RealBot
from tests.worlds.small_world import REPO

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def begun(folder: Path, files: Files | None = None) -> AsyncIterator[SmallBot]:
    bot = SmallBot(folder, script(GOOD), dict(UNNAMED if files is None else files))
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


def changed(bot: SmallBot, **fields: object) -> None:
    """The repository is otherwise than the small world has it."""
    before = bot.github.repository

    async def repository(repo: RepoRef) -> Repository | None:
        seen = await before(repo)
        return None if seen is None else replace(seen, **fields)  # type: ignore[arg-type]

    bot.github.repository = repository  # type: ignore[method-assign]


async def test_a_named_repository_is_offered_its_file(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        bot.world.name_repository()
        await bot.settle()
        [pull] = bot.world.pulls.values()
        assert (pull.head_branch, pull.base_branch, pull.draft) == (BRANCH, "main", False)
        assert bot.git.files(pull.head).keys() - UNNAMED.keys() == {PATH}
        assert "tests: make test" in bot.git.files(pull.head)[PATH]
        await bot.must_hold()


async def test_a_repository_that_came_with_its_account_is_not(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        bot.world.name_repository()
        for webhook in bot.world.webhooks:
            webhook.payload["installation"] = {"id": REPO.installation, "repository_selection": "all"}
        await bot.settle()
        assert not bot.world.pulls
        assert bot.world.repo_labels


async def test_an_archived_repository_gets_none(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        changed(bot, archived=True)
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls
        await bot.must_hold()


async def test_an_empty_repository_gets_it_with_its_first_guessed_task(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        fetch = bot.workspaces.fetch

        async def empty(*_: object) -> FetchRefused:
            return FetchRefused("The repository is empty.")

        bot.workspaces.fetch = empty  # type: ignore[assignment, method-assign]
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls
        bot.workspaces.fetch = fetch  # type: ignore[method-assign]
        issue = bot.world.open_issue("Fix the widget")
        bot.world.label(issue)
        await bot.settle()
        assert {pull.head_branch for pull in bot.world.pulls.values()} == {BRANCH, "agent/1-fix-the-widget"}
        await bot.must_hold()


@pytest.mark.parametrize("path", [PATH, ".github"])
async def test_where_the_path_is_taken_nothing_is_proposed(quick_path: Path, path: str) -> None:
    async with begun(quick_path, {**UNNAMED, path: "checks: {tests: make test}\n"}) as bot:
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls


async def test_a_pause_is_waited_for(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        await bot.store.declare_pauses({REPO.full_name: "not now"})
        assert await bot.store.pauses() == [Pause(REPO.full_name, "not now", in_file=True)]
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls
        await bot.store.declare_pauses({})
        bot.clock.advance(minutes=5)
        await bot.settle()
        assert len(bot.world.pulls) == 1
        await bot.must_hold()


async def test_what_was_closed_stays_closed_though_the_database_is_lost(quick_path: Path) -> None:
    (quick_path / "one").mkdir()
    async with begun(quick_path / "one") as bot:
        bot.world.name_repository()
        await bot.settle()
        [number] = bot.world.pulls
        bot.world.close_pull(number)
        bot.world.branches.pop(BRANCH)
        await bot.settle()
        (quick_path / "two").mkdir()
        bot.folder = quick_path / "two"
        await bot.crash()
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls[number].is_open
        assert len(bot.world.pulls) == 1
        assert BRANCH not in bot.world.branches


async def test_a_branch_of_someone_else_is_left_alone(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        theirs = bot.git.commit(bot.world.branches["main"], {"x": "y"}, "theirs")
        bot.world.branches[BRANCH] = theirs
        bot.world.name_repository()
        await bot.settle()
        assert not bot.world.pulls
        assert bot.world.branches[BRANCH] == theirs
        assert "there already" in (await bot.store.marked(f"onboarded:{REPO.id}") or "")


async def test_a_refused_push_is_not_tried_for_ever(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        tries = []

        async def push(*_: object) -> PushRefused:
            tries.append(1)
            return PushRefused("Cannot create ref due to creations being restricted.")

        bot.workspaces.push = push  # type: ignore[assignment, method-assign]
        for _ in range(3):
            bot.world.name_repository()
            await bot.settle()
        assert len(tries) == 1
        await bot.must_hold()


async def test_the_base_that_moves_during_a_crash_changes_nothing(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        put_pull = bot.github.put_pull

        async def dies(*_: object) -> object:
            bot.github.put_pull = put_pull  # type: ignore[method-assign]
            raise KeyboardInterrupt

        bot.github.put_pull = dies  # type: ignore[assignment, method-assign]
        bot.world.name_repository()
        with pytest.raises(KeyboardInterrupt):
            await bot.settle()
        bot.world.push("main", {"other.py": "x\n"})
        bot.clock.advance(minutes=5)
        await bot.crash()
        await bot.settle()
        [pull] = bot.world.pulls.values()
        assert pull.head == bot.world.branches[BRANCH]
        await bot.must_hold()


async def test_labels_and_commands_on_it_start_nothing(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        bot.world.name_repository()
        await bot.settle()
        [number] = bot.world.pulls
        bot.world.label(number)
        bot.world.comment(number, "Fine.")
        bot.world.merge(number)
        await bot.settle()
        assert await bot.store.tasks() == []
        assert "agent:run" not in bot.world.issues[number].labels
        assert len(bot.world.pulls) == 1
        await bot.must_hold()


async def test_it_can_be_switched_off(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        steps = bot.worker.steps
        steps = replace(steps, bench=replace(steps.bench, onboarding=False))
        bot.worker.steps = replace(steps, observer=replace(steps.observer, onboarding=False))
        bot.world.name_repository()
        issue = bot.world.open_issue("Fix the widget")
        bot.world.label(issue)
        await bot.settle()
        assert [pull.head_branch for pull in bot.world.pulls.values()] == ["agent/1-fix-the-widget"]


async def test_it_takes_no_place_of_a_run_and_only_one_goes_at_a_time(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        bot.world.name_repository()
        issue = bot.world.open_issue("Fix the widget")
        bot.world.label(issue)
        await bot.deliver()
        await _processed(bot)
        await bot.store.want("repo:77", Onboard(77, "octo/other", REPO.installation))
        [admitted] = await bot.store.admit(1)
        assert admitted.phase is Phase.PREPARING
        assert await _claimable(bot, runs=False, asides=False) == {"EnsureLabels", "React", "UpdateStatus"}
        claimed = await bot.store.claim("tester", runs=False)
        assert claimed is not None
        assert isinstance(claimed.effect, Onboard)
        assert await _claimable(bot, asides=False) == {"PrepareWorkspace"}


async def _claimable(bot: SmallBot, **places: bool) -> set[str]:
    kinds = set()
    while (claimed := await bot.store.claim("tester", **places)) is not None:
        kinds.add(type(claimed.effect).__name__)
    return kinds


async def _processed(bot: SmallBot) -> None:
    """Deliveries come first."""
    while any(effect.kind == "ProcessDelivery" for effect in await bot.store.open_effects()):
        claimed = await bot.store.claim("tester", runs=False, asides=False)
        assert claimed is not None
        await bot.worker.record(claimed, await bot.worker.perform(claimed))


RED: Files = {"Makefile": "test:\n\t@echo 'Closes #1 @octocat'; exit 3\n", "hooks/x": ""}


async def test_red_checks_are_said_in_a_real_pull_request(quick_path: Path) -> None:
    bot = RealBot(quick_path, script(GOOD), dict(RED))
    async with bot.on_stage():
        first = bot.world.open_issue("Stays open")
        bot.world.name_repository()
        await bot.settle()
        [pull] = bot.world.pulls
        text = pull.issue.body or ""
        assert "**Red on the base: 1 of 1 check fails**" in text
        assert "❌ exit 2" in text
        assert "@octocat" not in text
        assert pull.issue.author.login == "issuewright[bot]"
        [commit, *_] = bot.world.forge.world.repo("octo/widgets").git.log(pull.head_sha)
        assert commit.author.name == "issuewright[bot]"
        assert set(bot.world.tree(pull.head_sha)) == {*RED, PATH}
        bot.world.merge(pull.number)
        await bot.settle()
        assert bot.world.forge.world.issue("octo/widgets", first).state == "open"
        await bot.must_hold()


async def test_the_same_values_make_the_same_commit(quick_path: Path) -> None:
    """Pushed, and then the process dies before the pull request: the second try finds its own branch."""
    bot = RealBot(quick_path, script(GOOD), dict(UNNAMED))
    async with bot.on_stage():
        lost = bot.world.forge.faults.refuse("POST", "/pulls$", 502, times=2)
        bot.world.name_repository()
        await bot.settle()
        assert lost.hits == 2
        head = CommitSha(bot.world.branches[BranchName(BRANCH)])
        bot.clock.advance(minutes=5)
        await bot.settle()
        assert [pull.head_sha for pull in bot.world.pulls] == [head]
        await bot.must_hold()
