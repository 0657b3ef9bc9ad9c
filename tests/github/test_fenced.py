"""What the fence forbids never reaches GitHub; reading and tokens need no leave."""

import httpx
import pytest

from bot.github.api import Patience
from bot.github.door import Door, Server, open_door
from bot.github.fenced import Fenced
from bot.github.transport import AppKey
from tests.github.canned import private_key
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio


class TooLateError(Exception):
    """The fence is closed."""


class Gate:
    """A fence that can be closed, and counts who came."""

    def __init__(self) -> None:
        self.is_open = True
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if not self.is_open:
            raise TooLateError


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def door(town: Town, gate: Gate) -> Door:
    server = Server(AppKey(str(town.app.id), private_key()), b"sesame", town.forge.api_url)
    http = Fenced(gate, httpx.ASGITransport(app=town.forge.app))
    return open_door(server, town.clock, http, patience=Patience(tries=3, pause=0))


async def test_an_open_fence_is_asked_for_each_write(town: Town, door: Door, gate: Gate) -> None:
    ref = town.issue()
    await door.put_comment(ref, "status:1", "Working.", None)
    await door.add_label(ref, "agent:run")
    assert gate.asked == town.writes() >= 2


async def test_a_closed_fence_lets_nothing_through(town: Town, door: Door, gate: Gate) -> None:
    ref = town.issue()
    branch = town.push()
    gate.is_open = False
    assert await door.issue(ref) is not None
    assert await door.credential(town.place)
    for write in (
        lambda: door.put_comment(ref, "status:1", "Working.", None),
        lambda: door.add_label(ref, "agent:run"),
        lambda: door.put_pull(town.repo, town.draft()),
        lambda: door.delete_branch(town.repo, branch),
    ):
        with pytest.raises(TooLateError):
            await write()
    assert town.writes() == 0
    assert town.pulls() == []
    await door.aclose()


async def test_a_known_secret_is_not_written() -> None:
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    async def fence() -> None:
        return

    fenced = Fenced(fence, httpx.MockTransport(keep), lambda body: body.replace(b"s3cret", b"-"))
    async with httpx.AsyncClient(transport=fenced, base_url="http://forge") as client:
        await client.post("/comments", json={"body": "it is s3cret"}, headers={"x-kept": "1"})
        await client.get("/comments")
    assert (sent[0].content, sent[0].headers["content-length"]) == (b'{"body":"it is -"}', "18")
    assert (sent[0].headers["x-kept"], sent[1].method) == ("1", "GET")
