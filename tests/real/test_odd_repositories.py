"""Repositories that change under a task, or that are not as the bot would like them: one sentence each, or none needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.task.effects import Sweep
from bot.task.model import Phase
from tests.flow.conversations import GOOD, RENAME, script
from tests.worlds.real_bot import RealBot
from tests.worlds.real_world import OWNER, REPO

pytestmark = pytest.mark.anyio

NEW = f"{OWNER}/gadgets"


@asynccontextmanager
async def begun(folder: Path) -> AsyncIterator[RealBot]:
    bot = RealBot(folder, script(RENAME, GOOD))
    async with bot.on_stage():
        yield bot


async def labelled(bot: RealBot) -> int:
    issue = bot.world.open_issue("Fix the widget", "It is broken.")
    bot.world.label(issue)
    return issue


def announced(bot: RealBot, issue: int) -> str:
    """The newest words of the bot beside its status."""
    return next(text for text in reversed(bot.said(issue)) if "issuewright:status" not in text)


async def until(bot: RealBot, phase: Phase, issue: int) -> None:
    """Work until the task of the issue is so far."""
    await bot.deliver()
    for _ in range(50):
        if await bot.store.tasks() and (await bot.task(issue)).phase is phase:
            return
        assert await bot.step()
    raise AssertionError(f"never {phase}")


# ── another name, another owner ──


async def test_a_renamed_repository_goes_on(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        bot.world.forge.world.rename_repository(REPO, "gadgets")
        await bot.settle()
        task = await bot.task(issue)
        assert (task.phase, task.issue.repo.full_name) == (Phase.IN_REVIEW, NEW)
        pushed = [one.path for one in bot.world.forge.requests if one.path.endswith("git-receive-pack")]
        assert pushed == [f"/{NEW}.git/git-receive-pack"]
        [pull] = bot.world.forge.world.repo(NEW).pulls()
        bot.world.forge.world.submit_review(NEW, pull.number, "REQUEST_CHANGES", "Please rename it", by="reviewer")
        await bot.settle()
        assert bot.world.forge.world.repo(NEW).git.blob(f"{pull.head_sha}:fix.py") == b"better\n"


async def test_another_repository_under_the_old_name_is_left_alone(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        world = bot.world.forge.world
        world.rename_repository(REPO, "gadgets")
        decoy = world.create_repository(OWNER, "widgets", {"README.md": "another\n"})
        world.installation(bot.world.installation).repositories.append(decoy)
        world.open_issue(decoy, "Not yours", by="stranger")
        await bot.store.want("world", Sweep())
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.IN_REVIEW
        assert len(world.repo(NEW).pulls()) == 1
        assert decoy.pulls() == []
        assert decoy.issues[1].comments == []


async def test_a_repository_that_moves_to_an_owner_with_the_app_goes_on(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        world = bot.world.forge.world
        world.create_user("newcomer")
        other = world.create_repository("newcomer", "other")
        there = world.install_app(bot.world.app, [other], silent=True)
        world.transfer_repository(REPO, "newcomer", by=OWNER)
        await bot.settle()
        task = await bot.task(issue)
        assert task.issue.repo.installation == there
        assert (task.phase, task.issue.repo.full_name) == (Phase.IN_REVIEW, "newcomer/widgets")


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "sweep"])
async def test_a_repository_that_moves_out_of_reach_ends_its_task(
    quick_path: Path, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        world = bot.world.forge.world
        world.create_user("newcomer")
        world.transfer_repository(REPO, "newcomer", by=OWNER, silent=not told)
        if not told:
            await bot.store.want("world", Sweep())
        asked = len(world.issue("newcomer/widgets", issue).comments)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.CANCELLED
        assert len(world.issue("newcomer/widgets", issue).comments) == asked
        assert any("does not see octo/widgets any more: task 1 is cancelled" in line for line in caplog.messages)
        assert list((bot.folder / "data" / "work" / "tasks").glob("*")) == []


# ── the default branch ──


async def test_a_default_branch_that_is_renamed_during_a_task(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        bot.world.forge.world.rename_default_branch(REPO, "trunk")
        await bot.settle()
        [pull] = bot.world.pulls
        assert pull.base_ref == "trunk"
        bot.world.review(pull.number, "Please rename it")
        await bot.settle()
        assert bot.world.tree(pull.head_sha)["fix.py"] == "better\n"
        bot.world.merge(pull.number)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.DONE
        await bot.must_hold()


# ── rules ──


@pytest.mark.parametrize(
    ("code", "rule", "mend"),
    [
        ("GH013", "Commits must have verified signatures.", "Take `agent/**` out of the rule that requires signed commits"),
        ("GH006", "You're not authorized to push to this branch.", "bypass this rule"),
    ],
)  # fmt: skip
async def test_a_rule_that_rejects_the_branch_is_named(quick_path: Path, code: str, rule: str, mend: str) -> None:
    async with begun(quick_path) as bot:
        bot.world.forge.world.restrict(REPO, "agent/**", rule, code=code)
        issue = await labelled(bot)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.FAILED
        said = announced(bot, issue)
        assert f"{code}: " in said
        assert rule in said
        assert mend.casefold() in said.casefold()
        bot.world.forge.world.unrestrict(REPO)
        bot.clock.advance(seconds=5)
        bot.world.comment(issue, "/agent retry")
        await bot.settle()
        assert bot.world.tree((await bot.task(issue)).head or "")["fix.py"] == "good\n"
        await bot.must_hold()


async def test_rules_for_other_branches_are_no_obstacle(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        bot.world.forge.world.restrict(REPO, "main", 'Required status check "ci" is expected.', code="GH006")
        issue = await labelled(bot)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.IN_REVIEW


# ── permissions and installations ──


@pytest.mark.parametrize("name", ["contents", "pull_requests", "checks"])
async def test_a_permission_that_is_lacking_is_named(quick_path: Path, name: str) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        bot.world.app.permissions[name] = "read"
        await bot.crash()
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.FAILED
        said = announced(bot, issue)
        assert "app.yml lists" in said
        assert "in the settings of the installation" in said
        if name != "contents":
            assert f"`{name}: write`" in said


async def test_a_suspended_installation_ends_the_run_and_is_told_when_it_is_back(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.PREPARING, issue)
        world = bot.world.forge.world
        world.suspend_installation(bot.world.installation, by=OWNER)
        await bot.crash()
        before = len(bot.world.forge.requests)
        await bot.settle()
        for _ in range(5):
            bot.clock.advance(minutes=11)
            await bot.settle()
        assert (await bot.task(issue)).phase is Phase.FAILED
        assert len(bot.world.forge.requests) - before < 120, "it asks too often"
        world.unsuspend_installation(bot.world.installation, by=OWNER)
        bot.clock.advance(minutes=11)
        await bot.settle()
        assert "is suspended; whoever suspended it can take that back" in announced(bot, issue)
        await bot.must_hold()


async def test_a_task_in_review_outlives_a_suspension_and_ends_with_the_installation(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await bot.settle()
        world = bot.world.forge.world
        world.suspend_installation(bot.world.installation, by=OWNER)
        await bot.crash()
        await bot.store.want("world", Sweep())
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.IN_REVIEW
        world.uninstall_app(bot.world.installation, by=OWNER)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.CANCELLED


# ── archived, private, without issues ──


async def test_a_repository_that_turns_private_and_public_goes_on(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        bot.world.forge.world.repo(REPO).private = True
        await bot.settle()
        pull = await bot.pull_of(issue)
        bot.world.forge.world.repo(REPO).private = False
        bot.world.review(pull, "Please rename it")
        await bot.settle()
        assert bot.world.tree(bot.world.pulls[0].head_sha)["fix.py"] == "better\n"
        await bot.must_hold()


async def test_a_repository_that_is_archived_during_a_task(quick_path: Path) -> None:
    async with begun(quick_path) as bot:
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        bot.world.forge.world.repo(REPO).archived = True
        await bot.settle()
        task = await bot.task(issue)
        assert task.phase is Phase.FAILED
        told = [recorded.event for recorded in await bot.store.history(task.id)]
        assert any("Unarchive the repository" in str(event) for event in told)
        assert task.commit is not None


async def test_issues_that_are_switched_off_during_a_task(quick_path: Path) -> None:
    """As forks are by default: what cannot be said on the issue is said on the pull request."""
    async with begun(quick_path) as bot:
        place = bot.world.forge.world.repo(REPO)
        place.fork = True
        issue = await labelled(bot)
        await until(bot, Phase.VERIFYING, issue)
        place.has_issues = False
        await bot.settle()
        [pull] = bot.world.pulls
        assert (await bot.task(issue)).phase is Phase.IN_REVIEW
        assert any("Ready for review" in said for said in bot.said(pull.number))
        bot.world.review(pull.number, "Please rename it")
        await bot.settle()
        bot.world.merge(pull.number)
        await bot.settle()
        assert (await bot.task(issue)).phase is Phase.DONE


async def test_a_greeting_says_that_issues_are_off(quick_path: Path) -> None:
    bot = RealBot(quick_path, script(GOOD), {"Makefile": "test:\n\ttrue\n"})
    async with bot.on_stage():
        bot.world.forge.world.repo(REPO).has_issues = False
        bot.world.name_repository()
        await bot.settle()
        [pull] = bot.world.pulls
        assert "Issues are switched off in this repository" in (pull.issue.body or "")
