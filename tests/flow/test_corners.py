"""What an adversary found: each of these once lost work, doubled it, or said what was not so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.github.errors import Refused, Unavailable
from bot.task.effects import Sweep
from bot.task.ids import PullNumber, ReviewId
from bot.task.model import Phase
from bot.task.observed import Conclusion, PullDraft
from tests.flow.conversations import FILES, script, turn, write
from tests.tester import SmallBot
from tests.worlds.small_doors import Script
from tests.worlds.small_world import REPO

pytestmark = pytest.mark.anyio

Begin = Callable[[Script], "SmallBot"]
GOOD = turn(write("fix.py", "good\n"), {"say": "Fixed it."})


@pytest.fixture
def begin(quick_path: Path) -> Begin:
    def made(what: Script) -> SmallBot:
        return SmallBot(quick_path, what, dict(FILES))

    return made


async def in_review(bot: SmallBot) -> tuple[int, int]:
    await bot.start()
    issue = bot.world.open_issue("Fix the widget", "It is broken.")
    bot.world.label(issue)
    await bot.settle()
    return issue, await bot.pull_of(issue)


async def test_what_a_question_left_behind_is_verified_before_it_is_published(begin: Begin) -> None:
    bot = begin(
        script(
            turn({"say": "Nothing more to do."}, when="Yes, fine"),
            turn(write("fix.py", "BUG\n"), {"ask": "Is that all right?"}, when="Please rename it"),
            GOOD,
        )
    )
    issue, pull = await in_review(bot)
    bot.world.review(pull, "Please rename it")
    await bot.settle()
    bot.world.comment(issue, "Yes, fine")
    await bot.settle()
    head = bot.world.pulls[pull].head
    [run] = [run for run in bot.world.check_runs.values() if run.head == head]
    assert run.conclusion is Conclusion.FAILURE
    assert bot.world.pulls[pull].draft
    await bot.must_hold()


async def test_a_publication_that_failed_after_the_push_is_taken_up_again(begin: Begin) -> None:
    bot = begin(script(GOOD))
    put_pull = bot.github.put_pull

    async def refused(repo: object, draft: PullDraft) -> object:
        raise Refused(403, "Resource not accessible", "open a pull request")

    bot.github.put_pull = refused  # type: ignore[assignment, method-assign]
    await bot.start()
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.FAILED
    bot.github.put_pull = put_pull  # type: ignore[method-assign]
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert bot.head_files(await bot.pull_of(issue))["fix.py"] == "good\n"
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW
    await bot.must_hold()


async def test_an_answer_counts_though_feedback_came_before_the_question(begin: Begin) -> None:
    bot = begin(
        script(
            turn(write("fix.py", "left\n"), when="Left!"),
            turn({"ask": "Left or right?"}, when="Please rename it"),
            GOOD,
        )
    )
    issue, pull = await in_review(bot)
    bot.world.review(pull, "Please rename it")

    async def meanwhile(*_: object) -> None:
        bot.agents.before_turn = None
        review = bot.world.review(pull, "And add tests")
        await bot.worker.steps.observer.review(REPO, PullNumber(pull), ReviewId(review))

    bot.agents.before_turn = meanwhile
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.NEEDS_INPUT
    bot.world.comment(issue, "Left!")
    await bot.settle()
    assert bot.head_files(pull)["fix.py"] == "left\n"
    assert any("And add tests" in prompt for prompt in bot.agents.prompts)
    await bot.must_hold()


async def test_words_beside_a_retry_reach_the_agent(begin: Begin) -> None:
    bot = begin(script(turn(write("fix.py", "mutex\n"), when="Use a mutex"), GOOD))
    issue, pull = await in_review(bot)
    bot.clock.advance(seconds=5)
    bot.world.comment(pull, "Use a mutex instead.\n\n/agent retry")
    await bot.settle()
    assert bot.head_files(pull)["fix.py"] == "mutex\n"
    assert (await bot.task(issue)).run == 2
    await bot.must_hold()


async def test_a_command_in_a_review_is_a_command(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, pull = await in_review(bot)
    bot.world.review(pull, "/agent stop", state="COMMENTED")
    await bot.settle()
    stopped = await bot.task(issue)
    assert (stopped.phase, stopped.run) == (Phase.CANCELLED, 1)
    assert any(said.startswith("Stopped.") for said in bot.said(pull))
    await bot.must_hold()


async def test_feedback_on_a_stopped_task_waits_for_its_retry(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, pull = await in_review(bot)
    bot.world.comment(issue, "/agent stop")
    await bot.settle()
    bot.world.comment(pull, "Use a mutex")
    bot.world.review(pull, "And tests")
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.CANCELLED
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert "Use a mutex" in bot.agents.prompts[-1]
    assert "And tests" in bot.agents.prompts[-1]
    assert (await bot.task(issue)).run == 2
    await bot.must_hold()


async def test_an_edited_command_is_not_given_twice(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, pull = await in_review(bot)
    bot.clock.advance(seconds=5)
    comment = bot.world.comment(pull, "/agent retry")
    await bot.settle()
    run = (await bot.task(issue)).run
    bot.world.edit_comment(comment, "/agent retry\n")
    await bot.settle()
    assert (await bot.task(issue)).run == run
    await bot.must_hold()


async def test_a_label_toggled_during_a_run_starts_nothing_after_a_stop(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, _ = await in_review(bot)
    bot.world.unlabel(issue)
    bot.world.label(issue)
    await bot.settle()
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent stop")
    await bot.settle()
    bot.disturbance.sweep = True
    await bot.settle()
    assert len(await bot.store.tasks()) == 1
    assert "agent:run" not in bot.world.issues[issue].labels


async def test_a_stop_right_after_the_label_is_heard_by_the_sweep_alone(begin: Begin) -> None:
    bot = begin(script(GOOD))
    bot.disturbance.deliver = lambda webhooks: []
    bot.disturbance.sweep = True
    await bot.start()
    await bot.settle()
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    bot.world.comment(issue, "/agent stop")
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.CANCELLED
    assert not bot.world.pulls
    await bot.must_hold()


async def test_a_repository_in_trouble_does_not_stop_the_sweep_of_another(begin: Begin) -> None:
    bot = begin(script(GOOD))
    await bot.start()
    sick = type(REPO)(2002, "octo/sick", REPO.installation)
    comments_since = bot.github.comments_since
    labelled = bot.github.labelled_issues

    async def both() -> list[object]:
        return [sick, REPO]

    async def ill(repo: object, *more: object) -> object:
        if repo == sick:
            raise Unavailable("502")
        return await labelled(repo, *more)  # type: ignore[arg-type]

    bot.github.repositories = both  # type: ignore[assignment, method-assign]
    bot.github.labelled_issues = ill  # type: ignore[assignment, method-assign]
    assert comments_since is not None
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    bot.world.webhooks.clear()
    await bot.store.want("world", Sweep())
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW


async def test_a_retry_on_a_closed_issue_is_answered(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, _ = await in_review(bot)
    bot.world.close_issue(issue)
    await bot.settle()
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert bot.said(issue)[-1] == "The issue is closed. Reopen it first, then ask me again."
    assert (await bot.task(issue)).phase is Phase.CANCELLED
    await bot.must_hold()


async def test_strangers_are_answered_once(begin: Begin) -> None:
    bot = begin(script(GOOD))
    issue, _ = await in_review(bot)
    for _ in range(10):
        bot.world.comment(issue, "/agent stop", by="stranger")
    await bot.settle()
    assert bot.said(issue).count("Only people with write access to this repository can command me.") == 1


async def test_a_turn_that_takes_everything_back_opens_no_empty_pull_request(begin: Begin) -> None:
    bot = begin(
        script(turn({"write": {"path": "fix.py", "text": None}}, when="does not pass"), turn(write("fix.py", "BUG\n")))
    )
    await bot.start()
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    assert not bot.world.pulls
    assert (await bot.task(issue)).phase is Phase.DECLINED
    await bot.must_hold()


async def test_a_pull_request_shows_only_its_own_changes_after_the_base_moved(begin: Begin) -> None:
    bot = begin(script(turn(write("fix.py", "better\n"), when="Please rename it"), GOOD))
    _, pull = await in_review(bot)
    bot.world.push("main", {f"other{number}.py": "x\n" * 50 for number in range(3)})
    bot.world.review(pull, "Please rename it")
    await bot.settle()
    assert "1 file +1" in bot.world.pulls[pull].body
    assert "other" not in bot.world.pulls[pull].body
    await bot.must_hold()
