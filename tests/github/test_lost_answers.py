"""Every writing verb with each of its answers lost in turn: repeated, it leaves what one undisturbed call leaves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx
import pytest

from bot.demo.forge import Forge
from bot.flow.doors import GitHub
from bot.github.api import Patience
from bot.github.door import Door, Server, open_door
from bot.github.errors import Unavailable
from bot.github.transport import AppKey
from bot.task.ids import CommitSha, IssueNumber, IssueRef, Login, PullNumber
from bot.task.observed import CheckRunDraft, Conclusion
from tests.github.canned import private_key
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio

Verb = Callable[[Door, Town], Awaitable[object]]


def first(town: Town) -> IssueRef:
    return IssueRef(town.repo, IssueNumber(1))


def check(town: Town) -> CheckRunDraft:
    head = CommitSha(town.row.git.refs()["refs/heads/agent/1-fix"])
    return CheckRunDraft(head, "Issuewright", "run-1", Conclusion.SUCCESS, "Green", "All of it")


VERBS: dict[str, Verb] = {
    "comment": lambda door, town: door.put_comment(first(town), "reply:1", "Hello", None),
    "edit": lambda door, town: door.put_comment(first(town), "status:0", "Done", None),
    "react": lambda door, town: door.react(first(town), None, "eyes"),
    "ensure_labels": lambda door, town: door.ensure_labels(town.repo),
    "add_label": lambda door, town: door.add_label(first(town), "agent:needs-input"),
    "remove_label": lambda door, town: door.remove_label(first(town), "bug"),
    "open_pull": lambda door, town: door.put_pull(town.repo, town.draft(draft=True)),
    "renew_pull": lambda door, town: door.put_pull(town.repo, town.draft(head="agent/2-x", ours="New", draft=True)),
    "check_run": lambda door, town: door.put_check_run(town.repo, check(town)),
    "review": lambda door, town: door.request_review(town.repo, PullNumber(2), [Login("reviewer"), Login("reader")]),
    "delete_branch": lambda door, town: door.delete_branch(town.repo, town.draft().head),
}


async def furnish(town: Town) -> None:
    """An issue with a label and our status, two branches, and a pull request of the second."""
    ref = town.issue()
    town.forge.world.label_issue(town.row, ref.number, "bug", by="maintainer")
    await town.door().put_comment(ref, "status:0", "Working", None)
    town.push()
    town.push("agent/2-x")
    await town.door().put_pull(town.repo, town.draft(head="agent/2-x"))


def picture(town: Town) -> object:
    """What a person sees, without ids and times."""
    issues = [
        (
            issue.number,
            issue.title,
            issue.body,
            [label.name for label in issue.labels],
            [reaction.content for reaction in issue.reactions],
            [comment.body for comment in issue.comments],
            issue.pull and (issue.pull.draft, [user.login for user in issue.pull.requested_reviewers]),
        )
        for issue in town.row.issues.values()
    ]
    head = town.row.git.refs()
    runs = [
        (run.name, run.external_id, run.conclusion, run.output["summary"])
        for sha in sorted(set(head.values()))
        for run in town.forge.world.check_runs_of(town.row, sha, latest=False)
    ]
    return issues, sorted(head), sorted(town.row.labels), runs


@dataclass
class LosesOne(httpx.AsyncBaseTransport):
    """Carries every request out, and loses the answer to one that writes (counted from 0; tokens do not count)."""

    forge: Forge
    nth: int
    writes: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await httpx.ASGITransport(app=self.forge.app).handle_async_request(request)
        if request.method == "GET" or request.url.path.endswith("/access_tokens"):
            return answer
        self.writes += 1
        return httpx.Response(502, text="Bad Gateway") if self.writes == self.nth + 1 else answer


def door_over(town: Town, http: httpx.AsyncBaseTransport | None, tries: int) -> Door:
    server = Server(AppKey(str(town.app.id), private_key()), b"sesame", town.forge.api_url)
    return open_door(server, town.clock, http, patience=Patience(tries, pause=0))


@pytest.mark.parametrize(("name", "tries"), [*((name, 1) for name in VERBS), ("renew_pull", 3), ("add_label", 3)])
async def test_a_lost_answer_changes_nothing(make_town: Callable[[], Town], name: str, tries: int) -> None:
    undisturbed = make_town()
    await furnish(undisturbed)
    before, wires = picture(undisturbed), LosesOne(undisturbed.forge, nth=-1)
    await VERBS[name](door_over(undisturbed, wires, tries), undisturbed)
    wanted = picture(undisturbed)
    assert wanted != before
    assert wires.writes > 0
    for nth in range(wires.writes):
        town = make_town()
        await furnish(town)
        faulty = LosesOne(town.forge, nth)
        try:
            await VERBS[name](door_over(town, faulty, tries), town)
        except Unavailable:
            await VERBS[name](town.door(), town)
        assert faulty.writes > nth
        assert picture(town) == wanted


@dataclass
class CountsCloses(httpx.AsyncBaseTransport):
    """Notes when it is closed."""

    forge: Forge
    closes: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await httpx.ASGITransport(app=self.forge.app).handle_async_request(request)

    async def aclose(self) -> None:
        self.closes += 1


async def test_connections_are_kept_until_the_door_closes(town: Town) -> None:
    wires = CountsCloses(town.forge)
    door = door_over(town, wires, tries=1)
    ref = town.issue()
    for _ in range(3):
        await door.issue(ref)
    assert wires.closes == 0
    await door.aclose()
    assert wires.closes == 1


@asynccontextmanager
async def served(town: Town) -> AsyncIterator[Door]:
    """The door over real sockets."""
    async with town.forge.serve(deliver=False):
        door = door_over(town, None, tries=3)
        try:
            yield door
        finally:
            await door.aclose()


async def test_many_calls_at_once_over_one_door(make_town: Callable[[], Town]) -> None:
    town = make_town()
    refs = [town.issue() for _ in range(30)]
    async with served(town) as door:
        flow_s_view: GitHub = door

        async def work(ref: IssueRef) -> None:
            await flow_s_view.put_comment(ref, "status:1", f"Working on {ref.number}", None)
            assert await flow_s_view.issue(ref) is not None

        async with anyio.create_task_group() as tasks:
            for ref in refs:
                tasks.start_soon(work, ref)
    assert [len(town.comments(ref)) for ref in refs] == [1] * 30
