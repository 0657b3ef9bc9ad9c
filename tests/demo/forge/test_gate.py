"""The gate: who may do what, paging, caching, rate limits, and trouble on request."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from bot.demo.forge.world.apps import new_private_key
from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio


def signed(place: Place, key: str | None = None, **claims: Any) -> str:
    now = datetime.now(UTC)
    content = {"iss": str(place.app.id), "iat": now - timedelta(seconds=30), "exp": now + timedelta(minutes=9)}
    return jwt.encode(content | claims, key or place.app.private_key_pem, algorithm="RS256")


async def ask(place: Place, path: str, authorization: str | None = None, method: str = "GET", **body: Any) -> Any:
    headers = {"authorization": authorization} if authorization else {}
    transport = httpx.ASGITransport(app=place.forge.app)
    async with httpx.AsyncClient(transport=transport, base_url=place.forge.api_url, headers=headers) as client:
        return await client.request(method, path, json=body or None)


async def test_only_a_good_jwt_is_the_app(place: Place) -> None:
    now = datetime.now(UTC)
    good = signed(place)
    assert (await ask(place, "/app", f"Bearer {good}")).json()["slug"] == "wright"
    assert (await ask(place, "/app", f"Bearer {signed(place, iss=place.app.client_id)}")).status_code == 200
    bad = {
        "another key": signed(place, new_private_key()),
        "another app": signed(place, iss="1"),
        "expired": signed(place, exp=now - timedelta(seconds=1)),
        "too long": signed(place, exp=now + timedelta(minutes=20)),
        "not yet": signed(place, iat=now + timedelta(minutes=5)),
        "no expiry": jwt.encode({"iss": str(place.app.id)}, place.app.private_key_pem, algorithm="RS256"),
        "unsigned": jwt.encode({"iss": str(place.app.id)}, "", algorithm="none"),
        "symmetric": jwt.encode({"iss": str(place.app.id), "exp": now}, "x" * 40, algorithm="HS256"),
        "garbage": "a.b.c",
    }
    for why, token in bad.items():
        assert (await ask(place, "/app", f"Bearer {token}")).status_code == 401, why
    assert (await ask(place, "/app")).status_code == 401
    assert (await ask(place, f"/repos/{REPO}/issues", f"Bearer {good}")).status_code == 401
    path = f"/app/installations/{place.installation}/access_tokens"
    assert (await ask(place, path, f"Bearer {good}", "POST")).status_code == 201
    token = place.forge.world.create_installation_token(place.installation).value
    assert (await ask(place, path, f"Bearer {token}", "POST")).status_code == 401


async def test_tokens_end(place: Place) -> None:
    world = place.forge.world
    token = world.create_installation_token(place.installation).value
    path = f"/repos/{REPO}"
    assert (await ask(place, path, f"token {token}")).status_code == 200
    assert (await ask(place, path, "Bearer ghs_unknown")).status_code == 401
    place.clock.advance(minutes=59, seconds=59)
    assert (await ask(place, path, f"Bearer {token}")).status_code == 200
    place.clock.advance(seconds=1)
    assert (await ask(place, path, f"Bearer {token}")).status_code == 401
    token = world.create_installation_token(place.installation).value
    world.suspend_installation(place.installation, by="octocat")
    assert (await ask(place, path, f"Bearer {token}")).status_code == 403
    world.uninstall_app(place.installation, by="octocat")
    assert (await ask(place, path, f"Bearer {token}")).status_code == 401


async def test_a_narrow_token_is_narrow(place: Place) -> None:
    world = place.forge.world
    secret = world.create_repository("octocat", "secret", private=True)
    hidden = world.create_repository("octocat", "hidden", private=True)
    world.add_to_installation(place.installation, secret, by="octocat", silent=True)
    reads = world.create_installation_token(place.installation, permissions={"issues": "read"}).value
    one = world.create_installation_token(place.installation, repositories=[place.repo]).value
    wide = world.create_installation_token(place.installation).value
    for token, method, path, status in [
        (reads, "GET", f"/repos/{REPO}/issues", 200),
        (reads, "POST", f"/repos/{REPO}/issues/1/comments", 403),
        (reads, "GET", f"/repos/{REPO}/contents/a.txt", 403),
        (wide, "GET", f"/repos/{secret.full_name}", 200),
        (one, "GET", f"/repos/{secret.full_name}", 404),
        (wide, "GET", f"/repos/{hidden.full_name}", 404),
    ]:
        answer = await ask(place, path, f"Bearer {token}", method, **({"body": "x"} if method == "POST" else {}))
        assert answer.status_code == status, path
    jwt_header = f"Bearer {signed(place)}"
    path = f"/app/installations/{place.installation}/access_tokens"
    assert (await ask(place, path, jwt_header, "POST", permissions={"members": "write"})).status_code == 422
    assert (await ask(place, path, jwt_header, "POST", repositories=["hidden"])).status_code == 422


async def test_people_act_by_their_role(place: Place) -> None:
    world = place.forge.world
    number = place.open_pull()
    for login, method, path, body, status in [
        ("stranger", "POST", "/issues", {"title": "T", "labels": ["bug"]}, 201),
        ("stranger", "POST", "/issues/1/comments", {"body": "hi"}, 201),
        ("stranger", "POST", "/issues/1/labels", {"labels": ["bug"]}, 403),
        ("stranger", "PATCH", "/issues/1", {"title": "Mine"}, 200),
        ("stranger", "PUT", f"/pulls/{number}/merge", {}, 403),
        ("reviewer", "POST", "/issues/1/labels", {"labels": ["bug"]}, 200),
        ("stranger", "POST", "/check-runs", {"name": "x", "head_sha": "y"}, 403),
        ("reviewer", "POST", "/check-runs", {"name": "x", "head_sha": "y"}, 403),
    ]:
        async with place.client(world.create_user_token(login)) as client:
            answer = await client.request(method, path, json=body)
        assert answer.status_code == status, (login, path, answer.text)
    assert world.issue(REPO, 3).labels == [], "labels of a stranger are dropped in silence"
    assert (await ask(place, f"/repos/{REPO}/issues/1/comments", method="POST", body="x")).status_code == 401


async def test_errors_have_githubs_shape(place: Place) -> None:
    async with place.client() as client:
        missing = await client.get("/issues/99")
        invalid = await client.post("/pulls", json={"title": "T", "head": "nowhere", "base": "main"})
        broken = await client.post("/issues", content=b"{")
        long = await client.post("/issues/1/comments", json={"body": "x" * 65536})
        unlabelled = await client.delete("/issues/1/labels/none")
        assert (await client.get("/contents/none.txt")).status_code == 404
        assert (await client.get("/contents/..%2F..%2Fconfig")).status_code == 404
        assert (await client.post("/issues/1/comments", json={"body": "x" * 65535})).status_code == 201
    assert missing.status_code == 404
    assert set(missing.json()) == {"message", "documentation_url", "status"}
    assert invalid.status_code == 422
    assert invalid.json()["errors"] == [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
    assert (broken.status_code, long.status_code) == (400, 422)
    assert (unlabelled.status_code, unlabelled.json()["message"]) == (404, "Label does not exist")


async def test_pages_and_links(place: Place) -> None:
    for at in range(4):
        place.forge.world.comment(REPO, 1, str(at), by="stranger")
    async with place.client() as client:
        first = await client.get("/issues/1/comments", params={"per_page": 2})
        assert [row["body"] for row in first.json()] == ["0", "1"]
        assert set(first.links) == {"next", "last"}
        second = await client.get(first.links["next"]["url"])
        assert [row["body"] for row in second.json()] == ["2", "3"]
        assert set(second.links) == {"prev", "first"}
        beyond = await client.get("/issues/1/comments", params={"per_page": 2, "page": 9})
        assert beyond.json() == []


async def test_lists_are_filtered(place: Place) -> None:
    world = place.forge.world
    place.clock.advance(minutes=1)
    world.label_issue(REPO, 1, "agent:run", by="maintainer")
    number = place.open_pull()
    other = world.open_issue(REPO, "Closed", by="stranger").number
    world.close_issue(REPO, other, by="stranger")
    since = place.clock().isoformat().replace("+00:00", "Z")

    async def numbers(**params: str) -> list[int]:
        async with place.client() as client:
            return [row["number"] for row in (await client.get("/issues", params=params)).json()]

    assert await numbers() == [number, 1]
    assert await numbers(labels="agent:run") == [1]
    assert await numbers(state="all", direction="asc") == [1, number, other]
    assert await numbers(state="closed") == [other]
    assert await numbers(since=since, direction="asc") == [1, number]
    place.clock.advance(seconds=1)
    assert await numbers(since=place.clock().isoformat().replace("+00:00", "Z")) == []
    async with place.client() as client:
        rows = (await client.get("/issues")).json()
    assert ["pull_request" in row for row in rows] == [True, False]


async def test_unchanged_answers_are_free(place: Place) -> None:
    token = place.forge.world.create_installation_token(place.installation).value
    async with place.client(token) as client:
        first = await client.get("/issues/1")
        again = await client.get("/issues/1", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"] == "1"
        place.forge.world.comment(REPO, 1, "new", by="stranger")
        changed = await client.get("/issues/1", headers={"if-none-match": first.headers["etag"]})
        assert (changed.status_code, changed.headers["x-ratelimit-remaining"]) == (200, "4998")


async def test_the_hour_runs_out(place: Place) -> None:
    place.forge.allowance.limit = 2
    async with place.client() as client:
        assert [(await client.get("/issues/1")).status_code for _ in range(3)] == [200, 200, 403]
        refused = await client.get("/issues/1")
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert int(refused.headers["x-ratelimit-reset"]) == int((place.clock() + timedelta(hours=1)).timestamp())
    place.clock.advance(minutes=59)
    async with place.client() as client:
        assert (await client.get("/issues/1")).status_code == 403
    place.clock.advance(minutes=1)
    async with place.client() as client:
        assert (await client.get("/issues/1")).status_code == 200


async def test_new_api_version_drops_old_fields(place: Place) -> None:
    number = place.open_pull()
    async with place.client() as client:
        old = (await client.get(f"/pulls/{number}")).json()
        new = (await client.get(f"/pulls/{number}", headers={"x-github-api-version": "2026-03-10"})).json()
    assert set(old) - set(new) == {"merge_commit_sha", "assignee"}


async def test_faults_refuse_and_lose(place: Place) -> None:
    forge = place.forge
    comments = rf"/repos/{REPO}/issues/1/comments$"
    forge.faults.lose_answer("POST", comments)
    forge.faults.secondary_limit("POST", comments, retry_after=60)
    forge.faults.refuse("GET", "/labels$", 503, times=1)
    async with place.client() as client:
        lost = await client.post("/issues/1/comments", json={"body": "once"})
        limited = await client.post("/issues/1/comments", json={"body": "twice"})
        assert (await client.get("/labels")).status_code == 503
        assert (await client.get("/labels")).status_code == 200
    assert lost.status_code == 502
    assert (limited.status_code, limited.headers["retry-after"]) == (403, "60")
    assert [comment.body for comment in forge.world.issue(REPO, 1).comments] == ["once"]
    log = [(one.method, one.status, one.actor, one.fault) for one in forge.requests]
    assert log == [
        ("POST", 502, "wright[bot]", "lose"), ("POST", 403, None, "refuse"), ("GET", 503, None, "refuse"),
        ("GET", 200, "wright[bot]", None),
    ]  # fmt: skip
    assert sum(one.writes for one in forge.requests) == 2
