"""Our answers in review threads: all of a run in one review, so that people hear of them once."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from bot.github.api import repo_call
from bot.github.cut import BODY_LIMIT, cut_middle
from bot.github.models import Text, Wire, WireReview
from bot.github.verbs import Verbs
from bot.task.ids import IssueNumber, IssueRef, PullNumber, RepoRef
from bot.task.observed import ReviewState, ThreadReply

_THREADS = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id
    reviewThreads(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
      nodes { id comments(first: 1) { nodes { databaseId } } } } } } }"""
_BEGIN = """mutation($pullRequestId: ID!, $body: String!) {
  addPullRequestReview(input: {pullRequestId: $pullRequestId, body: $body}) { pullRequestReview { id } } }"""
_REPLY = """mutation($pullRequestReviewId: ID!, $pullRequestReviewThreadId: ID!, $body: String!) {
  addPullRequestReviewThreadReply(input: {pullRequestReviewId: $pullRequestReviewId,
    pullRequestReviewThreadId: $pullRequestReviewThreadId, body: $body}) { comment { id } } }"""
_SUBMIT = """mutation($pullRequestReviewId: ID!) {
  submitPullRequestReview(input: {pullRequestReviewId: $pullRequestReviewId, event: COMMENT}) {
    pullRequestReview { id } } }"""
"""The REST API cannot answer a thread inside a review."""
MOST_PAGES = 20
"""Of a hundred threads each."""


class _Id(Wire):
    id: str


class _First(Wire):
    databaseId: int | None = None


class _Comments(Wire):
    nodes: tuple[_First, ...] = ()


class _Thread(Wire):
    id: str
    comments: _Comments = _Comments()


class _PageInfo(Wire):
    hasNextPage: bool = False
    endCursor: Text = ""


class _Threads(Wire):
    nodes: list[_Thread]
    pageInfo: _PageInfo = _PageInfo()


class _Pull(Wire):
    id: str
    reviewThreads: _Threads


class Reviews(Verbs):
    """Implements the reviews of `Writes` of `bot.flow.doors`."""

    async def put_review(
        self, repo: RepoRef, pull: PullNumber, marker: str, body: str, replies: Sequence[ThreadReply]
    ) -> None:
        """A review that a crash left unfinished is thrown away and begun anew."""
        ref = IssueRef(repo, IssueNumber(pull))
        name, own = f"{repo.full_name}#{pull}", (await self._identity.get()).user_id
        listing = repo_call(repo, f"list the reviews of {name}", f"/pulls/{pull}/reviews")
        rows = [row for row in await self._api.pages(listing, _parse) if row.user and row.user.id == own]
        if any(self._marks.read(ref, row.body) == marker for row in rows if row.state is not ReviewState.PENDING):
            return
        for row in rows:
            if row.state is ReviewState.PENDING:
                verb, path = f"throw away our unfinished review of {name}", f"/pulls/{pull}/reviews/{row.id}"
                await self._api.write(repo_call(repo, verb, path, "DELETE"), repeatable=True)
        line = self._marks.line(ref, marker)
        text = f"{cut_middle(body, BODY_LIMIT - len(line) - 2)}\n\n{line}"
        pull_id, threads = await self._threads(repo, pull)
        begun = await self._mutate(repo, f"begin a review of {name}", _BEGIN, {"pullRequestId": pull_id, "body": text})
        review = {"pullRequestReviewId": _Id.model_validate(begun["addPullRequestReview"]["pullRequestReview"]).id}
        for reply in replies:
            if reply.thread in threads:
                said = {"pullRequestReviewThreadId": threads[reply.thread], "body": cut_middle(reply.body, BODY_LIMIT)}
                await self._mutate(repo, f"answer in a thread of {name}", _REPLY, review | said)
        await self._mutate(repo, f"submit our review of {name}", _SUBMIT, review)

    async def _mutate(self, repo: RepoRef, verb: str, query: str, variables: Mapping[str, Any]) -> Any:
        """Once: what was done twice would be said twice."""
        return await self._api.mutate(repo, verb, query, variables, repeatable=False)

    async def _threads(self, repo: RepoRef, pull: PullNumber) -> tuple[str, dict[int, str]]:
        """The pull request's node id, and those of its threads by their first comment."""
        owner, _, short = repo.full_name.partition("/")
        found: dict[int, str] = {}
        after: str | None = None
        for _ in range(MOST_PAGES):
            variables = {"owner": owner, "name": short, "number": int(pull), "after": after}
            data = await self._api.query(repo, f"list the threads of {repo.full_name}#{pull}", _THREADS, variables)
            seen = _Pull.model_validate(data["repository"]["pullRequest"])
            for node in seen.reviewThreads.nodes:
                for first in node.comments.nodes[:1]:
                    found[first.databaseId or 0] = node.id
            after = seen.reviewThreads.pageInfo.endCursor
            if not seen.reviewThreads.pageInfo.hasNextPage:
                break
        return seen.id, found


def _parse(rows: Any) -> list[WireReview]:
    return TypeAdapter(list[WireReview]).validate_python(rows)
