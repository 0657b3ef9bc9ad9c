"""The list of endpoints and permissions, against the requests that every verb really makes."""

import re
from collections.abc import Mapping

import httpx
import pytest

from bot.github.about import look
from bot.github.door import Door, Server, open_door
from bot.github.errors import Refused
from bot.github.manifest import convert
from bot.github.permissions import ENDPOINTS, PERMISSIONS
from bot.github.site import site_of_api
from bot.github.transport import AppKey
from bot.task.ids import BranchName, CommitSha, IssueRef, Login, RepoRef, ReviewId
from bot.task.observed import CheckRunDraft, Conclusion
from tests.github.canned import private_key
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio


def door_with(town: Town, permissions: Mapping[str, str]) -> Door:
    """A new door of an App that has these permissions."""
    town.app.permissions = dict(permissions)
    key = AppKey(str(town.app.id), private_key())
    return open_door(Server(key, b"sesame", town.forge.api_url), town.clock, _http(town))


def _http(town: Town) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=town.forge.app)


async def every_verb(town: Town, door: Door) -> None:
    """All of `GitHub` of bot.flow.doors, with what makes each take all of its ways."""
    ref, repo = town.issue(), town.repo
    await door.repository(repo)
    await door.repository(RepoRef(repo.id, "octocat/former-name", repo.installation))
    await door.repositories()
    await door.issue(ref)
    await door.label_changes(ref, "agent:run")
    await door.labelled_issues(repo, "agent:run")
    await door.comments_since(repo, town.clock())
    await door.may_write(repo, Login("maintainer"))
    await door.own_user_id()
    await _words(town, door, ref)
    await _a_pull_request(town, door)
    await _fetch(town, await door.credential(town.place))


async def _words(town: Town, door: Door, ref: IssueRef) -> None:
    repo = town.repo
    await door.ensure_labels(repo)
    await door.add_label(ref, "agent:run")
    await door.remove_label(ref, "agent:run")
    said = await door.put_comment(ref, "status:1", "Working", None)
    await door.put_comment(ref, "status:1", "Done", said)
    await door.comment(repo, said)
    await door.react(ref, said, "eyes")
    await door.react(ref, None, "eyes")


async def _a_pull_request(town: Town, door: Door) -> None:
    repo, branch = town.repo, town.push()
    pull = await door.put_pull(repo, town.draft(draft=True))
    await door.put_pull(repo, town.draft(ours="Report two", draft=False))
    seen = await door.pull(repo, pull.number)
    assert seen is not None
    assert seen.mergeable is True
    assert await door.tip(repo, branch) == seen.head
    assert await door.tip(repo, BranchName("agent/none")) is None
    await door.request_review(repo, pull.number, [Login("reviewer")])
    world = town.forge.world
    world.submit_review(town.row, pull.number, "COMMENT", by="reviewer", body="Hm.")
    for review in await door.reviews(repo, pull.number):
        await door.review(repo, pull.number, ReviewId(review))
    for title in ("One check passes", "Renewed"):
        draft = CheckRunDraft(CommitSha(pull.head), "Issuewright", "task:1", Conclusion.SUCCESS, title, "All of it.")
        await door.put_check_run(repo, draft)
    await door.delete_branch(repo, branch)


async def _fetch(town: Town, token: str) -> None:
    """What git asks first, as the workspace does with this token."""
    async with httpx.AsyncClient(transport=_http(town), auth=("x-access-token", token)) as client:
        path = f"{town.forge.base_url}/{town.repo.full_name}.git/info/refs"
        answer = await client.get(path, params={"service": "git-receive-pack"})
    if answer.status_code != 200:
        raise Refused(answer.status_code, answer.text, "push")


def _pattern(endpoint: str) -> re.Pattern[str]:
    pattern = re.escape(endpoint).replace(r"\{\}", "[^/]+")
    return re.compile(re.sub(r"(refs|branches)/\[\^/\]\+", r"\1/.+", pattern))


def _endpoint(method: str, path: str) -> str:
    """The endpoint that a request belongs to: the most literal one that fits."""
    asked = f"{method} {path.removeprefix('/api/v3').removeprefix('/api')}"
    fitting = [endpoint for endpoint in ENDPOINTS if _pattern(endpoint).fullmatch(asked)]
    assert fitting, f"{asked} is not in bot/github/permissions.py"
    return min(fitting, key=lambda endpoint: endpoint.count("{}"))


async def test_every_request_is_known_and_every_known_request_is_made(town: Town) -> None:
    await every_verb(town, door_with(town, PERMISSIONS))
    await convert(site_of_api(town.forge.api_url), town.forge.world.offer_credentials(town.app), _http(town))
    await look(AppKey(str(town.app.id), private_key()), town.forge.api_url, town.clock, _http(town))
    asked = {_endpoint(request.method, request.path) for request in town.forge.requests}
    assert asked == set(ENDPOINTS)


@pytest.mark.parametrize("name", [name for name in PERMISSIONS if name not in ("metadata", "issues")])
async def test_no_permission_can_be_spared(town: Town, name: str) -> None:
    """The forge, like GitHub, takes `pull_requests` for many things about issues; `metadata` is always there."""
    less = {other: level for other, level in PERMISSIONS.items() if other != name}
    with pytest.raises(Refused):
        await every_verb(town, door_with(town, {**less, name: "read"}))
