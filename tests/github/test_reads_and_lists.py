"""The door's reading verbs, against the forge."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.github.errors import RateLimited
from bot.github.limits import WriteLimits
from bot.github.payloads import parse
from bot.task.hints import HANDLED_EVENTS, CommentHint, InstallationHint, IssueHint, PullHint, ReviewHint
from bot.task.ids import CommentId, IssueNumber, IssueRef, Login, PullNumber, ReviewId
from bot.task.observed import InlineComment, ReviewState
from tests.github.canned import START
from tests.github.conftest import NAME, Town

pytestmark = pytest.mark.anyio


async def test_a_repository(town: Town) -> None:
    found = await town.door().repository(town.repo)
    assert found is not None
    assert (found.ref, found.default_branch, found.private, found.archived) == (town.repo, "main", False, False)
    assert found.clone_url == f"{town.forge.base_url}/{NAME}.git"
    assert await town.door().repository(replace(town.repo, id=1, full_name="octocat/none")) is None


async def test_an_issue(town: Town) -> None:
    ref = town.issue()
    town.forge.world.label_issue(town.row, ref.number, "bug", by="maintainer")
    found = await town.door().issue(ref)
    assert found is not None
    assert (found.ref, found.title, found.body, found.is_open, found.is_pull) == (
        ref,
        "It breaks",
        "Often.",
        True,
        False,
    )
    assert (found.labels, found.author.login, found.author.is_bot) == (frozenset({"bug"}), "stranger", False)
    assert await town.door().issue(replace(ref, number=IssueNumber(404))) is None


async def test_label_changes_oldest_first(town: Town) -> None:
    ref = town.issue()
    world = town.forge.world
    world.create_label(town.row, "agent:run")
    for turn in range(60):  # two pages of history
        town.clock.advance(minutes=1)
        world.label_issue(town.row, ref.number, "agent:run", "bug", by="maintainer")
        world.unlabel_issue(town.row, ref.number, "agent:run", by="octocat" if turn else "stranger")
        world.unlabel_issue(town.row, ref.number, "bug", by="maintainer")
    changes = await town.door().label_changes(ref, "Agent:Run")
    assert [change.added for change in changes] == [True, False] * 60
    assert [change.by.login for change in changes[:4]] == ["maintainer", "stranger", "maintainer", "octocat"]
    assert {change.label for change in changes} == {"agent:run"}
    assert [change.at for change in changes] == sorted(change.at for change in changes)
    assert changes[0].at == START + timedelta(minutes=1)


async def test_a_comment(town: Town) -> None:
    ref = town.issue()
    said = town.forge.world.comment(town.row, ref.number, "Hello", by="reader")
    found = await town.door().comment(town.repo, CommentId(said.id))
    assert found is not None
    assert (found.issue, found.on_pull, found.body, found.author.login) == (ref.number, False, "Hello", "reader")
    town.forge.world.delete_comment(town.row, said.id, by="reader")
    assert await town.door().comment(town.repo, CommentId(said.id)) is None


async def test_a_review_with_its_inline_comments_only(town: Town) -> None:
    town.push()
    door = town.door()
    pull = await door.put_pull(town.repo, town.draft())
    submit = town.forge.world.submit_review
    submit(town.row, pull.number, "COMMENT", "", [("a.txt", 2, "Other")], by="maintainer")
    given = submit(town.row, pull.number, "REQUEST_CHANGES", "Please", [("a.txt", 2, "Why?")], by="reviewer")
    found = await door.review(town.repo, pull.number, ReviewId(given.id))
    assert found is not None
    assert (found.pull, found.state, found.body) == (pull.number, ReviewState.CHANGES_REQUESTED, "Please")
    assert found.author.login == "reviewer"
    (inline,) = found.comments
    assert inline == InlineComment(inline.id, "a.txt", 2, inline.hunk, "Why?")
    assert "+TWO" in inline.hunk
    assert list(await door.reviews(town.repo, pull.number)) == [review.id for review in town.pulls()[0].reviews]
    assert await door.review(town.repo, pull.number, ReviewId(1)) is None


async def test_a_pull_request_through_its_life(town: Town) -> None:
    head = town.push()
    made = await town.door().put_pull(town.repo, town.draft(draft=True))
    found = await town.door().pull(town.repo, made.number)
    assert found == made
    assert (found.head_branch, found.base_branch, found.draft, found.is_open, found.merged) == (
        head,
        "main",
        True,
        True,
        False,
    )
    assert found.author.is_bot
    world = town.forge.world
    world.set_draft(town.row, made.number, False, by="maintainer")
    world.merge_pull(town.row, made.number, by="maintainer")
    merged = await town.door().pull(town.repo, made.number)
    assert merged is not None
    assert (merged.is_open, merged.merged) == (False, True)
    assert await town.door().pull(town.repo, PullNumber(404)) is None


async def test_who_may_write(town: Town) -> None:
    door = town.door()
    may = {
        login: await door.may_write(town.repo, Login(login))
        for login in ("octocat", "maintainer", "reviewer", "reader", "stranger", "nobody")
    }
    assert [login for login, can in may.items() if can] == ["octocat", "maintainer", "reviewer"]


async def test_our_own_user_id(town: Town) -> None:
    door = town.door()
    assert await door.own_user_id() == await door.own_user_id() == town.app.bot.id
    assert sum(1 for one in town.forge.requests if one.path.endswith("/app")) == 1


async def test_repositories_of_living_installations(town: Town) -> None:
    world = town.forge.world
    other = world.create_repository("octocat", "other")
    world.create_user("elsewhere")
    asleep = world.install_app(town.app, [world.create_repository("elsewhere", "asleep")], silent=True)
    world.suspend_installation(asleep, by="elsewhere", silent=True)
    assert list(await town.door().repositories()) == [town.repo]
    world.add_to_installation(town.repo.installation, other, by="octocat", silent=True)
    assert {repo.full_name for repo in await town.door().repositories()} == {NAME, "octocat/other"}


async def test_labelled_issues_and_pull_requests(town: Town) -> None:
    world = town.forge.world
    refs = [town.issue() for _ in range(103)]
    town.push()
    pull = await town.door().put_pull(town.repo, town.draft())
    for ref in refs:
        world.label_issue(town.row, ref.number, "bug", by="maintainer", silent=True)
    world.label_issue(town.row, pull.number, "bug", by="maintainer", silent=True)
    world.close_issue(town.row, refs[0].number, by="maintainer", silent=True)
    door = town.door()
    found = await door.labelled_issues(town.repo, "bug")
    assert {issue.ref.number for issue in found} == {*(ref.number for ref in refs[1:]), pull.number}
    assert [int(issue.ref.number) for issue in found if issue.is_pull] == [int(pull.number)]
    again = await door.labelled_issues(town.repo, "bug")
    assert all(new is old for new, old in zip(again, found, strict=True))
    assert [one.status for one in town.forge.requests[-2:]] == [304, 304]
    world.edit_issue(town.row, refs[5].number, by="stranger", title="Changed")
    renewed = await door.labelled_issues(town.repo, "bug")
    assert "Changed" in {issue.title for issue in renewed}
    assert await door.labelled_issues(replace(town.repo, full_name="octocat/none"), "bug") == ()


async def test_comments_since(town: Town) -> None:
    world, ref = town.forge.world, town.issue()
    town.push()
    pull = await town.door().put_pull(town.repo, town.draft())
    old = world.comment(town.row, ref.number, "Old", by="reader")
    edited = world.comment(town.row, ref.number, "Was old", by="reader")
    town.clock.advance(hours=1)
    fresh = world.comment(town.row, pull.number, "Fresh", by="reader")
    town.clock.advance(hours=1)
    world.edit_comment(town.row, edited.id, "Is new", by="reader")
    found = await town.door().comments_since(town.repo, START + timedelta(minutes=30))
    assert [(comment.id, comment.on_pull) for comment in found] == [(fresh.id, True), (edited.id, False)]
    assert old.id not in {comment.id for comment in found}


async def test_the_forge_s_webhooks_are_read(town: Town) -> None:
    world, ref = town.forge.world, IssueRef(town.repo, IssueNumber(1))
    world.open_issue(town.row, "It breaks", None, by="stranger")
    world.label_issue(town.row, 1, "bug", by="maintainer")
    said = world.comment(town.row, 1, "Hi", by="reader")
    world.push_files(town.row, "agent/1-fix", {"a.txt": "one\nTWO\nthree\n"}, by=town.app.bot)
    pull = PullNumber(world.open_pull(town.row, "Fix", "agent/1-fix", "main", by=town.app.bot).number)
    review = world.submit_review(town.row, pull, "COMMENT", "Hm", [("a.txt", 2, "Why?")], by="reviewer")
    world.push_files(town.row, "agent/1-fix", {"a.txt": "one\n2\nthree\n"}, by="reviewer")
    world.delete_comment(town.row, said.id, by="maintainer")
    world.merge_pull(town.row, pull, by="maintainer")
    world.create_repository("octocat", "other")
    world.add_to_installation(town.repo.installation, "octocat/other", by="octocat")
    parsed = [one for one in (parse(sent.event, sent.body) for sent in town.forge.hooks.log) if one]
    hints = [one.hint for one in parsed]
    assert hints.count(IssueHint(ref)) == 2
    assert CommentHint(ref, CommentId(said.id), deleted=False) in hints
    assert CommentHint(ref, CommentId(said.id), deleted=True) in hints
    assert hints.count(ReviewHint(town.repo, pull, ReviewId(review.id))) == 2
    assert hints.count(PullHint(town.repo, pull)) >= 2
    assert [len(one.repos) for one in hints if isinstance(one, InstallationHint)] == [1]
    assert {sent.event for sent in town.forge.hooks.log} - HANDLED_EVENTS == {"push"}
    assert all(one.sender for one in parsed)


async def test_reading_by_graphql_takes_nothing_of_the_write_budget(town: Town) -> None:
    ref, door = town.issue(), town.door(WriteLimits(per_minute=1, per_hour=1))
    town.forge.world.edit_issue(town.row, ref.number, body="Seldom.", by="maintainer", silent=True)
    for _ in range(5):
        edit = await door.last_edit(ref)
        assert edit is not None
        assert edit.by.login == "maintainer"
    await door.react(ref, None, "eyes")
    with pytest.raises(RateLimited):
        await door.react(ref, None, "+1")
