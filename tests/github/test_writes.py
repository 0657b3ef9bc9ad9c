"""The door's writing verbs, against the forge: done twice they leave one, and a lost answer changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.github.body import BEGIN, END
from bot.github.cut import SUMMARY_LIMIT
from bot.github.door import Door
from bot.github.errors import RateLimited, Refused, Unavailable
from bot.github.labels import LABELS
from bot.github.marker import Marks
from bot.task.ids import BranchName, CommentId, CommitSha, IssueNumber, Login, PullNumber
from bot.task.observed import Annotation, CheckRunDraft, Conclusion
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio


async def twice(town: Town, verb: Callable[[Door], Awaitable[object]]) -> None:
    """The verb, by one process and then by another, as after a crash."""
    await verb(town.door())
    await verb(town.door())


# ── comments ──


async def test_a_comment_is_made_once_and_edited_in_place(town: Town) -> None:
    ref = town.issue()
    await twice(town, lambda door: door.put_comment(ref, "status:1", "Working", None))
    (said,) = town.comments(ref)
    assert said.body.startswith("Working\n\n<!-- issuewright:status:1:")
    assert said.author is town.app.bot
    known = await town.door().put_comment(ref, "status:1", "Done", CommentId(said.id))
    assert (known, said.body.splitlines()[0]) == (said.id, "Done")
    await town.door().put_comment(ref, "status:2", "Another", None)
    assert len(town.comments(ref)) == 2


async def test_an_edit_that_changes_nothing_is_not_sent(town: Town) -> None:
    ref, door = town.issue(), town.door()
    known = await door.put_comment(ref, "status:1", "Working\r\nhard", None)
    before = town.writes()
    await door.put_comment(ref, "status:1", "Working\nhard", known)
    await door.put_comment(ref, "status:1", "Working\nhard", None)
    assert town.writes() == before


async def test_a_comment_whose_answer_was_lost_is_found(town: Town) -> None:
    ref = town.issue()
    town.forge.faults.lose_answer("POST", "/comments$")
    with pytest.raises(Unavailable):
        await town.door().put_comment(ref, "reply:9", "Hello", None)
    await town.door().put_comment(ref, "reply:9", "Hello", None)
    assert len(town.comments(ref)) == 1


async def test_our_comment_is_found_behind_a_hundred_others(town: Town) -> None:
    ref = town.issue()
    for number in range(120):
        town.forge.world.comment(town.row, ref.number, f"+{number}", by="stranger", silent=True)
    await twice(town, lambda door: door.put_comment(ref, "reply:1", "Here", None))
    assert len(town.comments(ref)) == 121


async def test_a_deleted_comment_is_made_anew(town: Town) -> None:
    ref, door = town.issue(), town.door()
    known = await door.put_comment(ref, "status:1", "Working", None)
    town.forge.world.delete_comment(town.row, known, by="maintainer")
    again = await door.put_comment(ref, "status:1", "Working", known)
    assert again != known
    assert [said.id for said in town.comments(ref)] == [again]


async def test_a_marker_in_a_stranger_s_comment_is_not_ours(town: Town) -> None:
    ref = town.issue()
    first = await town.door().put_comment(ref, "status:1", "Working", None)
    copied = town.comments(ref)[0].body
    town.forge.world.delete_comment(town.row, first, by="maintainer")
    stranger = town.forge.world.comment(town.row, ref.number, copied, by="stranger")
    ours = await town.door().put_comment(ref, "status:1", "Mine", None)
    assert ours != stranger.id
    assert stranger.body == copied
    again = await town.door().put_comment(ref, "status:1", "Mine again", CommentId(stranger.id))
    assert (again, stranger.body) == (ours, copied)


async def test_an_unsigned_marker_under_our_name_is_not_trusted(town: Town) -> None:
    ref, elsewhere = town.issue(), town.issue()
    world = town.forge.world
    world.comment(town.row, ref.number, "<!-- issuewright:status:1:" + "0" * 32 + " -->", by=town.app.bot)
    carried = Marks(b"sesame").line(elsewhere, "status:1")
    world.comment(town.row, ref.number, f"It wrote {carried}", by=town.app.bot)
    await town.door().put_comment(ref, "status:1", "Working", None)
    assert len(town.comments(ref)) == 3


async def test_a_long_comment_is_cut_in_the_middle(town: Town) -> None:
    ref = town.issue()
    await twice(town, lambda door: door.put_comment(ref, "log:1", "begin" + "x" * 90_000 + "end", None))
    (said,) = town.comments(ref)
    assert said.body.startswith("begin")
    assert "end\n\n<!-- issuewright:log:1:" in said.body
    assert "left out" in said.body


async def test_a_comment_on_what_is_gone_is_refused(town: Town) -> None:
    ref = replace(town.issue(), number=IssueNumber(404))
    with pytest.raises(Refused, match="comment on octocat/hello#404"):
        await town.door().put_comment(ref, "status:1", "Working", None)


async def test_reactions(town: Town) -> None:
    ref = town.issue()
    said = town.forge.world.comment(town.row, ref.number, "/agent stop", by="maintainer")
    await twice(town, lambda door: door.react(ref, None, "eyes"))
    town.forge.faults.lose_answer("POST", "/reactions$")
    await town.door().react(ref, CommentId(said.id), "+1")
    issue = town.forge.world.issue(town.row, ref.number)
    assert [reaction.content for reaction in issue.reactions] == ["eyes"]
    assert [reaction.content for reaction in said.reactions] == ["+1"]


# ── labels ──


async def test_our_labels_are_made_and_others_left(town: Town) -> None:
    world = town.forge.world
    world.create_label(town.row, "Agent:Plan", "123456", "Ours already")
    before = town.writes()
    await twice(town, lambda door: door.ensure_labels(town.repo))
    assert town.writes() == before + len(LABELS) - 1
    assert (town.row.labels["agent:plan"].color, town.row.labels["agent:plan"].description) == (
        "123456",
        "Ours already",
    )
    run = town.row.labels["agent:run"]
    assert (run.color, run.description) == LABELS["agent:run"]
    assert "agent:needs-input" in town.row.labels
    assert all(len(description) <= 100 for _, description in LABELS.values())


async def test_a_label_whose_answer_was_lost_is_there(town: Town) -> None:
    town.forge.faults.lose_answer("POST", "/labels$")
    await town.door().ensure_labels(town.repo)
    assert LABELS.keys() <= town.row.labels.keys()


async def test_labels_go_on_and_off(town: Town) -> None:
    ref = town.issue()
    issue = town.forge.world.issue(town.row, ref.number)
    await twice(town, lambda door: door.add_label(ref, "agent:needs-input"))
    assert [label.name for label in issue.labels] == ["agent:needs-input"]
    assert issue.labels[0].color == LABELS["agent:needs-input"][0]
    await twice(town, lambda door: door.remove_label(ref, "agent:needs-input"))
    assert issue.labels == []
    await town.door().remove_label(ref, "never was")


# ── pull requests ──


async def test_a_pull_request_is_opened_once(town: Town) -> None:
    town.push()
    await twice(town, lambda door: door.put_pull(town.repo, town.draft()))
    (pull,) = town.pulls()
    assert pull.issue.body == f"{BEGIN}\nReport one\n{END}"
    assert pull.issue.title == "Fix it"


async def test_a_pull_request_whose_answer_was_lost_is_found(town: Town) -> None:
    town.push()
    town.forge.faults.lose_answer("POST", "/pulls$")
    with pytest.raises(Unavailable):
        await town.door().put_pull(town.repo, town.draft())
    await town.door().put_pull(town.repo, town.draft())
    assert len(town.pulls()) == 1


async def test_only_our_part_of_the_body_is_renewed(town: Town) -> None:
    town.push()
    made = await town.door().put_pull(town.repo, town.draft())
    world = town.forge.world
    body = town.pulls()[0].issue.body
    world.edit_pull(town.row, made.number, by="maintainer", title="Better title", body=f"Note\n\n{body}\n\nThanks")
    await twice(town, lambda door: door.put_pull(town.repo, town.draft(title="Other", ours="Report two")))
    issue = town.pulls()[0].issue
    assert issue.body == f"Note\n\n{BEGIN}\nReport two\n{END}\n\nThanks"
    assert issue.title == "Better title"
    world.edit_pull(town.row, made.number, by="maintainer", body="All mine")
    await twice(town, lambda door: door.put_pull(town.repo, town.draft(ours="Report two")))
    assert town.pulls()[0].issue.body == f"{BEGIN}\nReport two\n{END}\n\nAll mine"


async def test_unchanged_is_not_sent(town: Town) -> None:
    town.push()
    await town.door().put_pull(town.repo, town.draft(draft=True))
    before = town.writes()
    await town.door().put_pull(town.repo, town.draft(draft=True))
    assert town.writes() == before


async def test_the_draft_state_follows(town: Town) -> None:
    town.push()
    for draft in (True, False, True):
        made = await town.door().put_pull(town.repo, town.draft(draft=draft))
        assert made.draft is draft
        assert town.pulls()[0].draft is draft
    town.forge.faults.lose_answer("POST", "/graphql$")
    await town.door().put_pull(town.repo, town.draft(draft=False))
    assert town.pulls()[0].draft is False


async def test_where_there_are_no_drafts_it_is_ready(town: Town) -> None:
    town.push()
    message = {"message": "Draft pull requests are not supported in this repository."}
    town.forge.faults.refuse("POST", "/pulls$", 422, times=1, body=message)
    made = await town.door().put_pull(town.repo, town.draft(draft=True))
    assert (made.draft, len(town.pulls())) == (False, 1)
    errors = {"data": None, "errors": [{"type": "UNPROCESSABLE", **message}]}
    town.forge.faults.refuse("POST", "/graphql$", 200, times=1, body=errors)
    assert (await town.door().put_pull(town.repo, town.draft(draft=True))).draft is False
    town.forge.faults.refuse("POST", "/graphql$", 200, times=1, body={"errors": [{"message": "Something else"}]})
    with pytest.raises(Refused, match="Something else"):
        await town.door().put_pull(town.repo, town.draft(draft=True))
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    town.forge.faults.refuse("POST", "/graphql$", 200, times=1, body=limited)
    with pytest.raises(RateLimited):
        await town.door().put_pull(town.repo, town.draft(draft=True))


async def test_a_closed_one_stays_closed(town: Town) -> None:
    town.push()
    made = await town.door().put_pull(town.repo, town.draft())
    town.forge.world.close_pull(town.row, made.number, by="maintainer")
    before = town.writes()
    again = await town.door().put_pull(town.repo, town.draft(ours="Report two", draft=True))
    assert (again.number, again.is_open, again.body) == (made.number, False, made.body)
    assert town.writes() == before
    assert len(town.pulls()) == 1


async def test_the_open_one_counts_when_there_were_several(town: Town) -> None:
    town.push()
    world = town.forge.world
    first = world.open_pull(town.row, "A", "agent/1-fix", "main", by=town.app.bot)
    world.close_pull(town.row, first.number, by="maintainer")
    second = world.open_pull(town.row, "B", "agent/1-fix", "main", by="maintainer")
    made = await town.door().put_pull(town.repo, town.draft())
    assert made.number == second.number


async def test_one_opened_between_looking_and_making_is_taken(town: Town) -> None:
    town.push()
    made = town.forge.world.open_pull(town.row, "Theirs", "agent/1-fix", "main", by="maintainer")
    town.forge.faults.refuse("GET", "/pulls$", 404, times=1)  # the list did not show it yet
    assert (await town.door().put_pull(town.repo, town.draft())).number == made.number
    assert "Report one" in (made.issue.body or "")


async def test_nothing_to_merge_is_refused(town: Town) -> None:
    with pytest.raises(Refused) as told:
        await town.door().put_pull(town.repo, town.draft())
    assert told.value.status == 422
    main = town.row.git.refs()["refs/heads/main"]
    town.forge.world.create_ref(town.row, "refs/heads/agent/1-fix", main, by=town.app.bot)
    with pytest.raises(Refused, match="No commits between main and agent/1-fix"):
        await town.door().put_pull(town.repo, town.draft())


async def test_reviewers_who_cannot_be_asked_are_left_out(town: Town) -> None:
    town.push()
    made = await town.door().put_pull(town.repo, town.draft())
    people = [Login(login) for login in ("reviewer", "stranger", "wright[bot]", "maintainer", "reviewer")]
    await twice(town, lambda door: door.request_review(town.repo, made.number, people))
    assert [user.login for user in town.pulls()[0].requested_reviewers] == ["reviewer", "maintainer"]
    await town.door().request_review(town.repo, made.number, [])
    await town.door().request_review(town.repo, made.number, [Login("stranger")])
    with pytest.raises(Refused):
        await town.door().request_review(town.repo, PullNumber(404), [Login("reviewer")])


async def test_a_branch_is_deleted(town: Town) -> None:
    branch = town.push("agent/1-ünï#x")
    await twice(town, lambda door: door.delete_branch(town.repo, branch))
    assert f"refs/heads/{branch}" not in town.row.git.refs()
    await town.door().delete_branch(town.repo, BranchName("never-was"))


# ── check runs, credentials ──


def report(town: Town, **changes: object) -> CheckRunDraft:
    head = CommitSha(town.row.git.refs()["refs/heads/main"])
    return replace(CheckRunDraft(head, "Issuewright", "run-1", Conclusion.FAILURE, "Red", "It fails"), **changes)  # type: ignore[arg-type]


async def test_a_check_run_is_made_once_and_renewed(town: Town) -> None:
    await twice(town, lambda door: door.put_check_run(town.repo, report(town)))
    runs = town.forge.world.check_runs_of(town.row, report(town).head, latest=False)
    (run,) = runs
    assert (run.status, run.conclusion, run.external_id) == ("completed", "failure", "run-1")
    before = town.writes()
    url = await town.door().put_check_run(town.repo, report(town))
    assert town.writes() == before
    renewed = report(town, conclusion=Conclusion.SUCCESS, title="Green", summary="✓" * 30_000)
    assert await town.door().put_check_run(town.repo, renewed) == url
    assert (run.conclusion, run.output["title"]) == ("success", "Green")
    assert SUMMARY_LIMIT - 8 < len(run.output["summary"].encode()) <= SUMMARY_LIMIT
    await town.door().put_check_run(town.repo, report(town, external_id="run-2"))
    assert len(town.forge.world.check_runs_of(town.row, report(town).head, latest=False)) == 2


async def test_annotations_arrive_once_and_at_most_fifty(town: Town) -> None:
    said = tuple(Annotation("a.py", line, "Broken", "1 != 2", line == 1) for line in range(1, 61))
    await twice(town, lambda door: door.put_check_run(town.repo, report(town, annotations=said)))
    (run,) = town.forge.world.check_runs_of(town.row, report(town).head, latest=False)
    assert [row["start_line"] for row in run.annotations] == list(range(1, 51))
    assert [row["annotation_level"] for row in run.annotations[:2]] == ["failure", "warning"]
    assert (run.annotations[0]["path"], run.annotations[0]["message"]) == ("a.py", "1 != 2")


async def test_a_check_run_whose_answer_was_lost_is_found(town: Town) -> None:
    town.forge.faults.lose_answer("POST", "/check-runs$")
    with pytest.raises(Unavailable):
        await town.door().put_check_run(town.repo, report(town))
    await town.door().put_check_run(town.repo, report(town))
    assert len(town.forge.world.check_runs_of(town.row, report(town).head, latest=False)) == 1


async def test_another_app_s_check_run_is_left_alone(town: Town) -> None:
    world = town.forge.world
    other = world.create_app("other", "Other", permissions={"checks": "write"}, events=[])
    theirs = world.create_check_run(town.row, other, "Issuewright", report(town).head, external_id="run-1")
    await town.door().put_check_run(town.repo, report(town))
    assert theirs.conclusion is None
    assert len(world.check_runs_of(town.row, report(town).head, latest=False)) == 2


async def test_a_credential_may_push_here_and_nothing_else(town: Town) -> None:
    other = town.forge.world.create_repository("octocat", "other")
    town.forge.world.add_to_installation(town.repo.installation, other, by="octocat", silent=True)
    token = town.forge.world.tokens[await town.door().credential(town.place)]
    assert token.repositories == [town.row]
    assert token.permissions == {"metadata": "read", "contents": "write"}
    assert await town.door().credential(town.place) != token.value


async def test_a_lost_permission_says_so(town: Town) -> None:
    town.app.permissions["issues"] = town.app.permissions["pull_requests"] = "read"
    with pytest.raises(Refused, match="give the App this permission `issues: write` in its settings"):
        await town.door().react(town.issue(), None, "eyes")
