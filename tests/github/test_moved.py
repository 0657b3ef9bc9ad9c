"""A repository under a name that it had: redirects are followed, and whoever has the name by now gets nothing."""

import pytest

from bot.github.errors import Refused
from bot.task.ids import IssueNumber, IssueRef
from tests.github.conftest import NAME, Town

pytestmark = pytest.mark.anyio


async def test_reads_and_writes_follow_a_renamed_repository(town: Town) -> None:
    ref, door = town.issue(), town.door()
    town.forge.world.rename_repository(NAME, "renamed")
    seen = await door.repository(town.repo)
    assert seen is not None
    assert seen.ref.full_name == "octocat/renamed"
    assert seen.clone_url.endswith("/octocat/renamed.git")
    first = await door.put_comment(ref, "status:1", "Working", None)
    assert await door.put_comment(ref, "status:1", "Done", first) == first
    pull = await door.put_pull(town.repo, town.draft(head=town.push()))
    assert (pull.is_open, len(town.comments(ref))) == (True, 1)
    assert {one.status for one in town.forge.requests if "/octocat/hello" in one.path} == {301, 307}


async def test_whoever_took_the_name_gets_no_word(town: Town) -> None:
    """With a token for the whole installation the comment would stand on another repository's issue."""
    ref, world, door = town.issue(), town.forge.world, town.door()
    world.rename_repository(NAME, "renamed")
    decoy = world.create_repository("octocat", "hello")
    world.installation(town.repo.installation).repositories.append(decoy)
    theirs = world.open_issue(decoy, "Another", by="stranger")
    assert theirs.number == ref.number
    with pytest.raises(Refused):
        await door.put_comment(IssueRef(town.repo, IssueNumber(theirs.number)), "status:1", "Working", None)
    with pytest.raises(Refused):
        await door.add_label(ref, "agent:run")
    assert (theirs.comments, theirs.labels) == ([], [])


async def test_a_repository_that_left_the_installation_is_gone(town: Town) -> None:
    ref, world, door = town.issue(), town.forge.world, town.door()
    world.create_user("newcomer")
    world.transfer_repository(NAME, "newcomer", by="octocat")
    with pytest.raises(Refused, match="the App's installation does not include it") as told:
        await door.put_comment(ref, "status:1", "Working", None)
    assert told.value.gone
