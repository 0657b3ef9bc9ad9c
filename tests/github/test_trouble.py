"""What goes wrong between us and GitHub, and what we call it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.github.door import Server, open_door
from bot.github.errors import BadCredentials, GitHubError, NotInstalled, RateLimited, Refused, Unavailable
from bot.github.limits import WriteLimits
from bot.github.transport import AppKey
from bot.task.ids import CommentId, Login
from tests.github.canned import BASE, ISSUE, OWN_ID, PLACE, REPO, START, Canned, ManualClock, comment, private_key

pytestmark = pytest.mark.anyio

ISSUE_PATH = "/repos/acme/widgets/issues/3"
REACT = f"POST {ISSUE_PATH}/reactions"
TOKEN = "POST /app/installations/9/access_tokens"
ISSUE_JSON = {"number": 3, "title": "t", "state": "open", "html_url": "https://github.example/acme/widgets/issues/3"}


def says(status: int, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json={"message": message}, headers={key.replace("_", "-"): value for key, value in headers.items()}
    )


async def limited(forge: Canned) -> RateLimited:
    with pytest.raises(RateLimited) as told:
        await forge.door().react(ISSUE, None, "eyes")
    return told.value


async def test_retry_after_is_kept_to() -> None:
    forge = Canned()
    forge.on(REACT, says(403, "secondary", retry_after="90"), says(201, "fine"))
    door = forge.door()
    with pytest.raises(RateLimited) as told:
        await door.react(ISSUE, None, "eyes")
    assert told.value.until == START + timedelta(seconds=90)
    asked = len(forge.seen)
    with pytest.raises(RateLimited):
        await door.issue(ISSUE)  # of the same installation, so it is not even asked
    assert len(forge.seen) == asked
    forge.clock.advance(seconds=90)
    await door.react(ISSUE, None, "eyes")


async def test_a_used_up_hour_ends_at_its_reset() -> None:
    forge = Canned()
    reset = START + timedelta(minutes=20)
    used_up = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(reset.timestamp()))}
    forge.on(REACT, says(403, "API rate limit exceeded", **used_up))
    assert (await limited(forge)).until == reset


async def test_a_limit_without_a_time_is_a_minute() -> None:
    forge = Canned()
    forge.on(REACT, says(429, "slow down"))
    assert (await limited(forge)).until == START + timedelta(minutes=1)
    forge.on(REACT, says(403, "You have exceeded a secondary rate limit"))
    assert (await limited(forge)).until == START + timedelta(minutes=1)


async def test_a_date_to_retry_after_is_a_minute() -> None:
    forge = Canned()
    forge.on(REACT, says(429, "slow down", retry_after="Mon, 04 May 2026 12:30:00 GMT"))
    assert (await limited(forge)).until == START + timedelta(minutes=1)


async def test_the_limit_of_tokens_counts_for_the_installation() -> None:
    forge = Canned()
    forge.on(TOKEN, says(403, "secondary rate limit", retry_after="60"))
    door = forge.door()
    for _ in range(2):
        with pytest.raises(RateLimited):
            await door.credential(PLACE)
    assert len(forge.calls(TOKEN)) == 1


async def test_an_absurd_time_is_an_hour() -> None:
    forge = Canned()
    forge.on(REACT, says(429, "slow down", retry_after="99999999"))
    assert (await limited(forge)).until == START + timedelta(hours=1)


async def test_a_plain_403_is_no_limit() -> None:
    forge = Canned()
    forge.on(REACT, says(403, "Resource not accessible by integration", x_ratelimit_remaining="4999"))
    with pytest.raises(Refused) as told:
        await forge.door().react(ISSUE, None, "eyes")
    assert told.value.status == 403
    assert "give the App this permission `issues: write` in its settings" in str(told.value)
    assert len(forge.calls(REACT)) == 1


async def test_the_write_budget_holds_writes_back_and_no_reads() -> None:
    forge = Canned()
    forge.on(REACT, says(201, "fine"))
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json=ISSUE_JSON))
    door = forge.door(WriteLimits(per_minute=5, per_hour=100))
    for _ in range(4):
        await door.react(ISSUE, None, "eyes")
    with pytest.raises(RateLimited):
        await door.react(ISSUE, None, "eyes")  # reactions leave a fifth
    await door.remove_label(ISSUE, "agent:run")
    with pytest.raises(RateLimited):
        await door.remove_label(ISSUE, "agent:run")
    assert len(forge.calls(REACT)) == 4
    assert await door.issue(ISSUE) is not None
    forge.clock.advance(minutes=1)
    await door.react(ISSUE, None, "eyes")


async def test_reads_are_tried_again() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", says(502, "Server Error"), says(500, "x"), httpx.Response(200, json=ISSUE_JSON))
    assert await forge.door().issue(ISSUE) is not None
    forge.on(f"GET {ISSUE_PATH}", says(502, "Server Error"))
    forge.seen.clear()
    with pytest.raises(Unavailable):
        await forge.door().issue(ISSUE)
    assert len(forge.calls(f"GET {ISSUE_PATH}")) == 3


async def test_a_new_comment_is_sent_once() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}/comments", httpx.Response(200, json=[]))
    forge.on(f"POST {ISSUE_PATH}/comments", says(502, "Server Error"))
    with pytest.raises(Unavailable):
        await forge.door().put_comment(ISSUE, "reply:1", "Hello", None)
    assert len(forge.calls(f"POST {ISSUE_PATH}/comments")) == 1


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut off")]
)
async def test_a_broken_connection_is_unavailable(trouble: httpx.TransportError) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise trouble

    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", fail)
    with pytest.raises(Unavailable, match=f"GitHub could not read acme/widgets#3 .{trouble}"):
        await forge.door().issue(ISSUE)


async def test_a_page_of_a_proxy_is_unavailable() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, html="<h1>Sign in</h1>"))
    with pytest.raises(Unavailable, match="not JSON"):
        await forge.door().issue(ISSUE)


async def test_an_expired_token_is_renewed_once() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", says(401, "Bad credentials"), httpx.Response(200, json=ISSUE_JSON))
    assert await forge.door().issue(ISSUE) is not None
    assert [call.headers["authorization"] for call in forge.calls(f"GET {ISSUE_PATH}")] == [
        "token ghs_1",
        "token ghs_2",
    ]
    forge.on(f"GET {ISSUE_PATH}", says(401, "Bad credentials"))
    with pytest.raises(Unavailable):
        await forge.door().issue(ISSUE)


async def test_a_token_is_used_until_shortly_before_its_end() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json=ISSUE_JSON))
    door = forge.door()
    for minutes, tokens in ((0, 1), (54, 1), (2, 2)):
        forge.clock.advance(minutes=minutes)
        await door.issue(ISSUE)
        assert forge.tokens == tokens


async def test_a_credential_reaches_one_repository() -> None:
    forge = Canned()
    door = forge.door()
    assert await door.credential(PLACE) == await door.credential(PLACE) == "ghs_1"
    assert forge.body(TOKEN) == {"repository_ids": [77], "permissions": {"contents": "write"}}


@pytest.mark.parametrize(
    "answer", [says(404, "Not Found"), says(403, "This installation has been suspended", x_ratelimit_remaining="9")]
)
async def test_a_lost_installation_has_a_name(answer: httpx.Response) -> None:
    forge = Canned()
    forge.on(TOKEN, answer)
    with pytest.raises(NotInstalled, match="installation 9"):
        await forge.door().issue(ISSUE)


async def test_a_suspension_in_between_too() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", says(403, "This installation has been suspended"))
    with pytest.raises(NotInstalled):
        await forge.door().issue(ISSUE)


async def test_a_wrong_key_has_a_name() -> None:
    forge = Canned()
    forge.on(TOKEN, says(401, "A JSON web token could not be decoded"))
    with pytest.raises(BadCredentials, match="private key"):
        await forge.door().issue(ISSUE)
    forge.on("GET /app", says(401, "A JSON web token could not be decoded"))
    with pytest.raises(BadCredentials):
        await forge.door().own_user_id()


async def test_a_renamed_repository_is_followed_with_the_same_method() -> None:
    forge = Canned()
    forge.on(REACT, httpx.Response(301, headers={"location": f"{BASE}/repositories/77/issues/3/reactions"}))
    forge.on("POST /repositories/77/issues/3/reactions", says(201, "fine"))
    await forge.door().react(ISSUE, None, "eyes")
    assert forge.body("POST /repositories/77/issues/3/reactions") == {"content": "eyes"}


async def test_a_transferred_issue_is_gone() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(301, headers={"location": f"{BASE}/repositories/99/issues/3"}))
    forge.on("GET /repositories/99/issues/3", httpx.Response(200, json=ISSUE_JSON))
    assert await forge.door().issue(ISSUE) is None
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json={**ISSUE_JSON, "number": 1}))
    assert await forge.door().issue(ISSUE) is None


async def test_a_reused_name_is_not_our_repository() -> None:
    forge = Canned()
    forge.on("GET /repos/acme/widgets", httpx.Response(200, json={"id": 99, "full_name": "acme/widgets"}))
    assert await forge.door().repository(REPO) is None
    forge.on("GET /repositories/77", httpx.Response(200, json={"id": 77, "full_name": "acme/gadgets"}))
    found = await forge.door().repository(REPO)
    assert found is not None
    assert (found.ref.id, found.ref.full_name) == (77, "acme/gadgets")


async def test_circles_and_strangers_are_not_followed() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(302, headers={"location": f"{BASE}{ISSUE_PATH}"}))
    with pytest.raises(Unavailable, match="circle"):
        await forge.door().issue(ISSUE)
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(Unavailable, match="API URL"):
        await forge.door().issue(ISSUE)
    assert not any(request.url.host == "elsewhere.example" for request in forge.seen)


async def test_a_ghost_and_empty_texts_are_read() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json={**ISSUE_JSON, "body": None, "user": None}))
    issue = await forge.door().issue(ISSUE)
    assert issue is not None
    assert (issue.body, issue.author.login, issue.author.id) == ("", "ghost", 0)


async def test_what_each_request_says_of_itself() -> None:
    forge = Canned()
    forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json=ISSUE_JSON))
    await forge.door().issue(ISSUE)
    for request in forge.seen:
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["user-agent"] == "issuewright"


async def test_two_doors_do_not_share_a_token() -> None:
    one, other = Canned(), Canned()
    for forge in (one, other):
        forge.on(f"GET {ISSUE_PATH}", httpx.Response(200, json=ISSUE_JSON))
        await forge.door().issue(ISSUE)
        assert forge.tokens == 1


async def test_secrets_are_not_shown() -> None:
    server = Server(AppKey("1", "PEM"), b"sesame")
    assert "PEM" not in repr(server)
    assert "sesame" not in repr(server)
    with pytest.raises(GitHubError) as told:
        await Canned().door().add_label(ISSUE, "x")
    assert "ghs_" not in str(told.value)


async def test_a_custom_role_counts_by_its_permission() -> None:
    forge = Canned()
    path = "GET /repos/acme/widgets/collaborators/mona/permission"
    expected: dict[str, bool] = {"admin": True, "maintain": True, "write": True, "read": False, "none": False}
    for permission, may in expected.items():
        forge.on(path, httpx.Response(200, json={"permission": permission, "role_name": "release-captain"}))
        assert await forge.door().may_write(REPO, Login("mona")) is may
    assert await forge.door().may_write(REPO, Login("nobody")) is False


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [comment(number, f"c{number}") for number in range(first, last + 1)]


def page(number: int, first: int, last: int, following: bool) -> httpx.Response:
    url = f"{BASE}/repositories/77/issues/comments?since=x&page={number + 1}"
    link = f'<{url}>; rel="next", <{url}>; rel="last"' if following else f'<{url}>; rel="first"'
    return httpx.Response(200, json=rows(first, last), headers={"link": link, "etag": f'W/"{number}"'})


async def test_pages_are_read_to_the_end_and_unchanged_ones_not_again() -> None:
    forge = Canned()
    first, rest = "GET /repos/acme/widgets/issues/comments", "GET /repositories/77/issues/comments"
    forge.on(first, page(1, 1, 100, True), httpx.Response(304))
    forge.on(rest, page(2, 101, 200, True), page(3, 201, 250, False), httpx.Response(304), page(3, 201, 251, False))
    door = forge.door()
    since = datetime(2026, 5, 1, tzinfo=UTC)
    once = await door.comments_since(REPO, since)
    assert [row.id for row in once] == list(range(1, 251))
    again = await door.comments_since(REPO, since)
    assert [row.id for row in again] == list(range(1, 252))
    assert all(new is old for new, old in zip(again[:200], once[:200], strict=True))  # not parsed again
    assert forge.calls(first)[1].headers["if-none-match"] == 'W/"1"'
    assert dict(forge.calls(first)[0].url.params) == {
        "per_page": "100",
        "since": "2026-05-01T00:00:00Z",
        "sort": "updated",
        "direction": "asc",
    }


async def test_a_list_without_end_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    forge = Canned()
    forge.on("GET /repos/acme/widgets/issues/comments", page(1, 1, 2, True))
    forge.on("GET /repositories/77/issues/comments", page(1, 1, 2, True))
    assert len(await forge.door().comments_since(REPO, START)) == 100
    assert "stopped after 50 pages" in caplog.text


async def test_one_lost_installation_does_not_hide_the_others() -> None:
    forge = Canned()
    known = [{"id": 8}, {"id": 9, "suspended_at": None}, {"id": 10, "suspended_at": "2026-01-01T00:00:00Z"}]
    forge.on("GET /app/installations", httpx.Response(200, json=known))
    listed = {"total_count": 1, "repositories": [{"id": 77, "full_name": "acme/widgets"}]}
    forge.on("GET /installation/repositories", httpx.Response(200, json=listed))
    assert await forge.door().repositories() == [REPO]
    assert not forge.calls("POST /app/installations/10/access_tokens")


async def test_a_server_that_answers_nobody_says_so() -> None:
    forge = Canned()
    forge.on("GET /app/installations", httpx.Response(200, json=[]))
    forge.on("GET /users/wright[bot]", says(401, "Requires authentication"))
    with pytest.raises(Refused, match="Requires authentication"):
        await forge.door().own_user_id()


async def test_our_id_is_asked_as_nobody_when_nothing_is_installed() -> None:
    forge = Canned()
    forge.on("GET /app/installations", httpx.Response(200, json=[]))
    assert await forge.door().own_user_id() == OWN_ID
    assert "authorization" not in forge.calls("GET /users/wright[bot]")[0].headers


async def test_a_comment_that_another_wrote_is_never_edited() -> None:
    forge = Canned()
    forge.on("GET /repos/acme/widgets/issues/comments/70", httpx.Response(200, json=comment(70, "mine", author=1)))
    forge.on(f"GET {ISSUE_PATH}/comments", httpx.Response(200, json=[]))
    forge.on(f"POST {ISSUE_PATH}/comments", httpx.Response(201, json=comment(71, "x")))
    assert await forge.door().put_comment(ISSUE, "reply:1", "Hello", CommentId(70)) == 71
    elsewhere = comment(70, "other issue", issue=4)
    forge.on("GET /repos/acme/widgets/issues/comments/70", httpx.Response(200, json=elsewhere))
    assert await forge.door().put_comment(ISSUE, "reply:1", "Hello", CommentId(70)) == 71


async def test_a_comment_deleted_while_we_edit_it_is_made_anew() -> None:
    forge = Canned()
    place = "/repos/acme/widgets/issues/comments/70"
    forge.on(f"GET {place}", httpx.Response(200, json=comment(70, "Working")))
    forge.on(f"PATCH {place}", says(404, "Not Found"))
    forge.on(f"POST {ISSUE_PATH}/comments", httpx.Response(201, json=comment(71, "x")))
    assert await forge.door().put_comment(ISSUE, "status:1", "Done", CommentId(70)) == 71
    forge.on(f"PATCH {place}", says(403, "Resource not accessible by integration"))
    with pytest.raises(Refused):
        await forge.door().put_comment(ISSUE, "status:1", "Done", CommentId(70))


async def test_github_s_own_server_is_the_default() -> None:
    asked: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(404, json={"message": "Not Found"})

    server = Server(AppKey("1234", private_key()), b"s")
    with pytest.raises(NotInstalled):
        await open_door(server, ManualClock(), httpx.MockTransport(note)).issue(ISSUE)
    assert asked == ["https://api.github.com/app/installations/9/access_tokens"]
