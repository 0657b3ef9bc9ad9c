"""Pull requests against real git: merging, conflicts, following pushes, closing issues, inline comments."""

from typing import Any

import pytest

from bot.demo.forge import Refused
from bot.demo.forge.git.diff import changed_files
from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio


async def get(place: Place, path: str) -> Any:
    async with place.client() as client:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def main_tip(place: Place) -> str:
    return place.repo.git.refs()["refs/heads/main"]


def show(place: Place, path: str, ref: str = "main") -> str:
    return place.repo.git.run("show", f"{ref}:{path}").decode()


def refusal(refused: pytest.ExceptionInfo[Refused]) -> tuple[int, str]:
    rows = refused.value.errors
    return refused.value.status, rows[0].get("message", rows[0].get("field", "")) if rows else refused.value.message


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
async def test_merging_keeps_both_sides(place: Place, method: Any, parents: int) -> None:
    world = place.forge.world
    number = place.open_pull()
    world.push_files(REPO, "topic", {"c.txt": "c\n"}, by="wright[bot]", message="More")
    world.push_files(REPO, "main", {"docs/b.md": "# changed\n"}, by="octocat")
    sha = world.merge_pull(REPO, number, method=method, by="maintainer")
    assert main_tip(place) == sha
    assert len(place.repo.git.commit(sha).parents) == parents
    assert (show(place, "a.txt"), show(place, "c.txt")) == ("one\nTWO\nthree\n", "c\n")
    assert show(place, "docs/b.md") == "# changed\n", "what the base got meanwhile is kept"
    pull = await get(place, f"/pulls/{number}")
    assert (pull["merged"], pull["state"], pull["merged_by"]["login"]) == (True, "closed", "maintainer")
    assert pull["merge_commit_sha"] == sha
    assert pull["changed_files"] == 2, "the diff stays what was merged"
    issue = await get(place, "/issues/1")
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed"), "Closes #1"


async def test_rebase_replays_each_commit(place: Place) -> None:
    number = place.open_pull()
    place.forge.world.push_files(REPO, "topic", {"c.txt": "c\n"}, by="reviewer", message="More")
    place.forge.world.push_files(REPO, "main", {"d.txt": "d\n"}, by="octocat")
    place.forge.world.merge_pull(REPO, number, method="rebase", by="maintainer")
    log = place.repo.git.log("-3", "main")
    assert [one.message for one in log] == ["More", "Change", "Update files"]
    assert [one.author.name for one in log] == ["reviewer", "wright[bot]", "octocat"]
    assert log[0].committer.name == "maintainer"


async def test_a_conflict_is_seen_and_not_merged(place: Place) -> None:
    world = place.forge.world
    number = place.open_pull()
    assert (await get(place, f"/pulls/{number}"))["mergeable_state"] == "clean"
    world.push_files(REPO, "main", {"a.txt": "one\n2\nthree\n"}, by="octocat")
    pull = await get(place, f"/pulls/{number}")
    assert (pull["mergeable"], pull["mergeable_state"]) == (False, "dirty")
    assert world.trial(world.pull(REPO, number)).conflicts == ("a.txt",)
    before = main_tip(place)
    for method in ("merge", "squash", "rebase"):
        async with place.client(world.create_user_token("maintainer")) as client:
            answer = await client.put(f"/pulls/{number}/merge", json={"merge_method": method})
        assert answer.status_code == 405
    assert main_tip(place) == before
    world.push_files(REPO, "topic", {"a.txt": "one\n2\nthree\n"}, by="reviewer")
    assert (await get(place, f"/pulls/{number}"))["mergeable"] is True


async def test_merge_refuses_a_stale_head(place: Place) -> None:
    number = place.open_pull()
    stale = place.forge.world.pull(REPO, number).head_sha
    place.forge.world.push_files(REPO, "topic", {"c.txt": "c\n"}, by="reviewer")
    with pytest.raises(Refused) as refused:
        place.forge.world.merge_pull(REPO, number, by="maintainer", sha=stale)
    assert refused.value.status == 409


async def test_head_follows_pushes_and_force_pushes(place: Place) -> None:
    world, git = place.forge.world, place.repo.git
    number = place.open_pull()
    first = world.pull(REPO, number).head_sha
    second = world.push_files(REPO, "topic", {"c.txt": "c\n"}, by="reviewer")
    assert (await get(place, f"/pulls/{number}"))["head"]["sha"] == second
    assert [one["sha"] for one in await get(place, f"/pulls/{number}/commits")] == [first, second]
    world.update_ref(REPO, "refs/heads/topic", first, by="reviewer", force=True)
    assert (await get(place, f"/pulls/{number}"))["commits"] == 1
    assert git.resolve(f"refs/pull/{number}/head") == first
    assert place.forge.hooks.log[-1].payload["action"] == "synchronize"
    assert place.forge.hooks.log[-2].payload["forced"] is True
    with pytest.raises(Refused, match="422"):
        world.update_ref(REPO, "refs/heads/main", git.text("commit-tree", f"{first}^{{tree}}", env=_WHO), by="reviewer")


_WHO = {f"GIT_{role}_{key}": "x" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


async def test_pushing_the_head_to_the_base_merges(place: Place) -> None:
    number = place.open_pull()
    head = place.forge.world.pull(REPO, number).head_sha
    place.forge.world.update_ref(REPO, "refs/heads/main", head, by="maintainer")
    pull = await get(place, f"/pulls/{number}")
    assert (pull["merged"], pull["changed_files"]) == (True, 1)


async def test_closing_by_commit_message_on_the_default_branch_only(place: Place) -> None:
    world = place.forge.world
    for text in ("c\n", "cc\n"):
        world.push_files(REPO, "topic", {"c.txt": text}, by="octocat", message="Fixes #1")
    assert world.issue(REPO, 1).state == "open"
    world.push_files(REPO, "main", {"c.txt": "c\n"}, by="octocat", message="Fixes #1")
    assert world.issue(REPO, 1).state == "closed"
    closed = world.issue(REPO, 1).events[-1]
    assert (closed.event, closed.extra["commit_id"]) == ("closed", main_tip(place))


async def test_a_deleted_branch_closes_its_pull_request(place: Place) -> None:
    world = place.forge.world
    number = place.open_pull()
    world.delete_branch(REPO, "topic", by="maintainer")
    pull = await get(place, f"/pulls/{number}")
    assert (pull["state"], pull["merged"], pull["changed_files"]) == ("closed", False, 1)
    with pytest.raises(Refused) as refused:
        world.reopen_pull(REPO, number, by="maintainer")
    assert refused.value.status == 422


async def test_what_cannot_be_opened(place: Place) -> None:
    world = place.forge.world
    place.open_pull()
    world.create_ref(REPO, "refs/heads/same", main_tip(place), by="octocat")
    for head, base, words in [
        ("nowhere", "main", "head"),
        ("topic", "nowhere", "base"),
        ("topic", "main", "A pull request already exists for octocat:topic."),
        ("same", "main", "No commits between main and same"),
        ("main", "main", "No commits between main and main"),
        ("--output=x", "main", "head"),
    ]:
        with pytest.raises(Refused) as refused:
            world.open_pull(REPO, "T", head, base, by="octocat")
        assert refusal(refused) == (422, words)
    assert len(place.repo.pulls()) == 1


async def test_files_come_from_git(place: Place) -> None:
    world = place.forge.world
    files = {"a.txt": None, "docs/b.md": "# b\nmore\n", "moved.bin": b"\0\1", "run sh": "#!\n"}
    world.push_files(REPO, "topic", files, by="reviewer", executable=["run sh"])
    number = world.open_pull(REPO, "T", "topic", "main", by="reviewer").number
    rows = {row["filename"]: row for row in await get(place, f"/pulls/{number}/files")}
    shape = {name: (row["status"], row["additions"], row["deletions"]) for name, row in rows.items()}
    assert shape == {
        "a.txt": ("removed", 0, 3), "docs/b.md": ("modified", 1, 0), "moved.bin": ("added", 0, 0),
        "run sh": ("added", 1, 0),
    }  # fmt: skip
    assert rows["docs/b.md"]["patch"] == "@@ -1 +1,2 @@\n # b\n+more"
    assert "patch" not in rows["moved.bin"]
    async with place.client(accept="application/vnd.github.diff") as client:
        diff = (await client.get(f"/pulls/{number}")).text
    assert diff.startswith("diff --git a/a.txt b/a.txt\n")
    base = main_tip(place)
    renamed = world.push_files(REPO, "moved", {"a.txt": None, "z.txt": "one\ntwo\nthree\n"}, by="reviewer")
    (moved,) = changed_files(place.repo.git, base, renamed)
    assert (moved.status, moved.previous, moved.path) == ("renamed", "a.txt", "z.txt")


async def test_inline_comments_stand_on_the_diff_and_move_with_it(place: Place) -> None:
    world = place.forge.world
    number = place.open_pull()
    for path, line in (("a.txt", 99), ("docs/b.md", 1)):
        with pytest.raises(Refused) as refused:
            world.submit_review(REPO, number, "COMMENT", "x", [(path, line, "?")], by="reviewer")
        assert refused.value.status == 422
    assert world.pull(REPO, number).reviews == [], "a refused review leaves nothing behind"
    world.submit_review(REPO, number, "REQUEST_CHANGES", "", [("a.txt", 2, "Why?")], by="reviewer")
    (comment,) = await get(place, f"/pulls/{number}/comments")
    assert comment["diff_hunk"] == "@@ -1,3 +1,3 @@\n one\n-two\n+TWO"
    world.push_files(REPO, "topic", {"a.txt": "zero\none\nTWO\nthree\n"}, by="reviewer")
    (comment,) = await get(place, f"/pulls/{number}/comments")
    assert (comment["line"], comment["original_line"]) == (3, 2)
    world.push_files(REPO, "topic", {"a.txt": "zero\none\n2\nthree\n"}, by="reviewer")
    (comment,) = await get(place, f"/pulls/{number}/comments")
    assert (comment["line"], comment["position"]) == (None, None), "outdated"
    reply = world.reply_in_thread(REPO, number, comment["id"], "Done", by="wright[bot]")
    assert reply.in_reply_to is not None
    assert len(world.pull(REPO, number).reviews) == 2


async def test_nobody_approves_their_own(place: Place) -> None:
    number = place.open_pull()
    with pytest.raises(Refused) as refused:
        place.forge.world.submit_review(REPO, number, "APPROVE", by="wright[bot]")
    assert refusal(refused) == (422, "Can not approve your own pull request")
