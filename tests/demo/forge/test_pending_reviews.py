"""Reviews written in several calls: unseen until submitted, then one review for all answers."""

from typing import Any

import httpx
import pytest

from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio
THREADS = """query($owner: String!, $name: String!, $number: Int!) {repository(owner: $owner, name: $name)
{pullRequest(number: $number) {reviewThreads(first: 100) {nodes {id comments(first: 1) {nodes {databaseId}}}}}}}"""
START = "mutation($pull: ID!) {addPullRequestReview(input: {pullRequestId: $pull}) {pullRequestReview {id}}}"
REPLY = "mutation($input: AddPullRequestReviewThreadReplyInput!) {addPullRequestReviewThreadReply(input: $input) {id}}"
SUBMIT = "mutation($input: SubmitPullRequestReviewInput!) {submitPullRequestReview(input: $input) {id}}"


async def graphql(place: Place, query: str, token: str | None = None, **variables: Any) -> Any:
    async with place.client(token) as client:
        url = httpx.URL(place.forge.base_url + "/api/graphql")
        return (await client.post(url, json={"query": query, "variables": variables})).json()


async def test_all_answers_in_one_review(place: Place) -> None:
    world, number = place.forge.world, place.open_pull()
    comments = [("a.txt", 1, "First?"), ("a.txt", 2, "Second?")]
    world.submit_review(REPO, number, "REQUEST_CHANGES", "Two things", comments, by="reviewer")
    pull = world.pull(REPO, number)
    place.forge.hooks.log.clear()
    found = await graphql(place, THREADS, owner="octocat", name="hello", number=number)
    nodes = found["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    assert [node["comments"]["nodes"][0]["databaseId"] for node in nodes] == [one.id for one in pull.comments]
    started = await graphql(place, START, pullRequestId=f"PR_{pull.id}")
    review = started["data"]["addPullRequestReview"]["pullRequestReview"]
    for node in nodes:
        words = {"pullRequestReviewThreadId": node["id"], "pullRequestReviewId": review["id"], "body": "Done"}
        assert "errors" not in await graphql(place, REPLY, input=words)
    assert (len(pull.reviews), len(pull.comments)) == (1, 2), "nobody sees it yet"
    assert place.forge.hooks.log == []
    async with place.client(world.create_user_token("maintainer")) as client:
        assert len((await client.get(f"/pulls/{number}/reviews")).json()) == 1
        assert (await client.get(f"/pulls/{number}/reviews/{review['databaseId']}")).status_code == 404
    async with place.client() as client:
        assert [one["state"] for one in (await client.get(f"/pulls/{number}/reviews")).json()][-1] == "PENDING"
    again = await graphql(place, START, pullRequestId=f"PR_{pull.id}")
    assert "one pending review" in again["errors"][0]["message"]
    await graphql(place, SUBMIT, input={"pullRequestReviewId": review["id"], "event": "COMMENT"})
    assert [(one.review.id, one.in_reply_to is not None) for one in pull.comments[2:]] == [
        (review["databaseId"], True)
    ] * 2
    assert [one.event for one in place.forge.hooks.log] == [
        "pull_request_review", "pull_request_review_comment", "pull_request_review_comment",
    ]  # fmt: skip


async def test_pending_by_rest(place: Place) -> None:
    number = place.open_pull()
    token = place.forge.world.create_user_token("reviewer")
    row = {"path": "a.txt", "line": 2, "body": "?"}
    async with place.client(token) as client:
        review = (await client.post(f"/pulls/{number}/reviews", json={"comments": [row]})).json()
        assert (review["state"], "submitted_at" in review) == ("PENDING", False)
        reviews = f"/pulls/{number}/reviews/{review['id']}"
        assert len((await client.get(f"{reviews}/comments")).json()) == 1
        assert (await client.get(f"/pulls/{number}/comments")).json() == []
        done = (await client.post(f"{reviews}/events", json={"event": "REQUEST_CHANGES"})).json()
        assert done["state"] == "CHANGES_REQUESTED"
        assert (await client.post(f"{reviews}/events", json={"event": "APPROVE"})).status_code == 422
        other = (await client.post(f"/pulls/{number}/reviews", json={"body": "x"})).json()
        assert (await client.delete(f"/pulls/{number}/reviews/{other['id']}")).status_code == 200
        assert (await client.get(f"/pulls/{number}/reviews/{other['id']}")).status_code == 404


async def test_graphql_asks_for_rights(place: Place) -> None:
    world, number = place.forge.world, place.open_pull()
    pull = f"PR_{world.pull(REPO, number).id}"
    draft = f'mutation {{convertPullRequestToDraft(input: {{pullRequestId: "{pull}"}}) {{clientMutationId}}}}'
    refused = await graphql(place, draft, world.create_user_token("stranger"))
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert world.pull(REPO, number).draft is False
    assert "errors" not in await graphql(place, draft)
    assert world.pull(REPO, number).draft is True
    unknown = await graphql(place, "query {viewer {login}}")
    assert unknown["errors"][0]["type"] == "NOT_IMPLEMENTED"
