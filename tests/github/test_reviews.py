"""Answers in review threads, against the forge: one review, one notification, whatever happened before."""

import pytest

from bot.demo.forge.model import Pull
from bot.task.ids import PullNumber
from bot.task.observed import ThreadReply
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio


async def reviewed(town: Town) -> tuple[Pull, list[int]]:
    """A pull request with two threads."""
    await town.door().put_pull(town.repo, town.draft(head=town.push()))
    pull = town.pulls()[0]
    places = [("a.txt", 1, "first"), ("a.txt", 2, "second")]
    town.forge.world.submit_review(town.row, pull.number, "COMMENT", "Look", places, by="octocat")
    return pull, [comment.id for comment in pull.comments]


async def test_all_answers_come_in_one_review(town: Town) -> None:
    pull, threads = await reviewed(town)
    replies = [ThreadReply(thread, f"done {thread}") for thread in threads]
    for _ in range(3):
        await town.door().put_review(town.repo, PullNumber(pull.number), "updated:1:2", "All done.", replies)
    mine = [review for review in pull.reviews if review.author is town.app.bot]
    assert [review.state for review in mine] == ["COMMENTED"]
    assert mine[0].body.startswith("All done.\n\n<!-- issuewright:updated:1:2:")
    told = [(one.in_reply_to and one.in_reply_to.id, one.body) for one in pull.comments if one.review is mine[0]]
    assert told == [(thread, f"done {thread}") for thread in threads]


async def test_what_a_crash_left_unfinished_is_thrown_away(town: Town) -> None:
    pull, threads = await reviewed(town)
    world = town.forge.world
    half = world.start_review(town.row, pull.number, "All d", by=town.app.bot)
    world.reply_in_pending(half, pull.comments[0], "half", by=town.app.bot)
    await town.door().put_review(
        town.repo, PullNumber(pull.number), "updated:1:2", "All done.", [ThreadReply(threads[0], "done")]
    )
    assert pull.pending == []
    mine = [review for review in pull.reviews if review.author is town.app.bot]
    assert [comment.body for comment in pull.comments if comment.review is mine[0]] == ["done"]


async def test_a_thread_that_is_gone_is_left_out(town: Town) -> None:
    pull, threads = await reviewed(town)
    town.forge.world.delete_review_comment(town.row, threads[0], by="octocat")
    replies = [ThreadReply(thread, "done") for thread in threads]
    await town.door().put_review(town.repo, PullNumber(pull.number), "updated:1:2", "All done.", replies)
    mine = [review for review in pull.reviews if review.author is town.app.bot]
    assert len([comment for comment in pull.comments if comment.review is mine[0]]) == 1
