"""The few GraphQL operations that REST lacks: drafts, review threads, and answers inside one review.

There is no GraphQL engine: an operation is recognized by its name, and its arguments are read from the variables
(by their usual names, at any depth). Each answer has the fields listed here, whatever was selected.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from bot.demo.forge.model import Pull, Review, ReviewComment
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.rest.call import Answer, Call
from bot.demo.forge.rest.gate import check
from bot.demo.forge.rest.table import Level, Needs, Table
from bot.demo.forge.wire.pulls import thread_json
from bot.demo.forge.wire.site import Json, maybe_stamp
from bot.demo.forge.world.reviews import Verdict

table = Table()
Arguments = dict[str, Any]


@table.route("POST", "/graphql")
def graphql(call: Call) -> Answer:
    """Errors come with status 200, as GraphQL does; nobody is 401 all the same."""
    _ = call.actor
    query = call.text("query", "GraphQL")
    name = next((name for name in _OPERATIONS if re.search(rf"\b{name}\b", query)), None)
    if name is None:
        return _error("NOT_IMPLEMENTED", "The forge does not know this operation")
    arguments = dict(_flat(call.body.get("variables") or {}))
    for found in re.finditer(r"\b(?:PR|PRR|PRRT)_\d+\b", query):  # node ids written into the query itself
        arguments.setdefault(found[0].partition("_")[0], found[0])
    try:
        return Answer({"data": _OPERATIONS[name](call, arguments)})
    except Refused as refused:
        kind = {403: "FORBIDDEN", 404: "NOT_FOUND"}.get(refused.status, "UNPROCESSABLE")
        return _error(kind, " ".join([refused.message, *(str(row.get("message")) for row in refused.errors)]))


def _set_draft(call: Call, arguments: Arguments, draft: bool) -> Json:
    pull = _pull(call, arguments)
    call.world.set_draft(pull.repo, pull.number, draft, by=call.actor)
    return {"clientMutationId": None, "pullRequest": _pull_json(pull)}


def _to_draft(call: Call, arguments: Arguments) -> Json:
    return {"convertPullRequestToDraft": _set_draft(call, arguments, True)}


def _to_ready(call: Call, arguments: Arguments) -> Json:
    return {"markPullRequestReadyForReview": _set_draft(call, arguments, False)}


def _threads(call: Call, arguments: Arguments) -> Json:
    """`repository(owner:, name:) { pullRequest(number:) { reviewThreads } }`, all in one page."""
    name = arguments.get("name") or arguments.get("repo")
    pull = call.world.pull(f"{arguments.get('owner')}/{name}", int(arguments.get("number") or 0))
    _allow(call, pull, "read")
    nodes = [thread_json(one) for one in pull.comments if one.in_reply_to is None]
    threads = {"totalCount": len(nodes), "nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    return {"repository": {"pullRequest": {**_pull_json(pull), "reviewThreads": threads}}}


def _edits(call: Call, arguments: Arguments) -> Json:
    """`repository(owner:, name:) { issue(number:) { lastEditedAt editor { login } } }`."""
    full_name = f"{arguments.get('owner')}/{arguments.get('name')}"
    issue = call.world.issue(full_name, int(arguments.get("number") or 0))
    path = {"owner": issue.repo.owner.login, "repo": issue.repo.name}
    check(call.world, call.caller, path, Needs(("issues",), "read", "read"))
    at, editor = issue.edited_at, issue.edited_by
    shape = {"lastEditedAt": maybe_stamp(at), "editor": {"login": editor.login} if editor else None}
    return {"repository": {"issue": shape}}


def _start_review(call: Call, arguments: Arguments) -> Json:
    """`addPullRequestReview`: pending without an `event`."""
    pull, body = _pull(call, arguments), str(arguments.get("body") or "")
    if arguments.get("event"):
        verdict = cast(Verdict, arguments["event"])
        review = call.world.submit_review(pull.repo, pull.number, verdict, body, by=call.actor)
    else:
        review = call.world.start_review(pull.repo, pull.number, body, by=call.actor)
    return {"addPullRequestReview": {"clientMutationId": None, "pullRequestReview": _review_json(review)}}


def _reply(call: Call, arguments: Arguments) -> Json:
    """`addPullRequestReviewThreadReply`: into a pending review when one is named, else a review of its own."""
    root, body = _thread(call, arguments), str(arguments.get("body") or "")
    wanted = arguments.get("pullRequestReviewId")
    if wanted:
        review = _review(call, str(wanted))
        comment = call.world.reply_in_pending(review, root, body, by=call.actor)
    else:
        pull = root.pull
        comment = call.world.reply_in_thread(pull.repo, pull.number, root.id, body, by=call.actor)
    shape = {"id": f"PRRC_{comment.id}", "databaseId": comment.id}
    return {"addPullRequestReviewThreadReply": {"clientMutationId": None, "comment": shape}}


def _submit_review(call: Call, arguments: Arguments) -> Json:
    review = _review(call, str(arguments.get("pullRequestReviewId")))
    verdict, body = cast(Verdict, arguments.get("event") or "COMMENT"), arguments.get("body")
    pull = review.pull
    call.world.submit_started_review(pull.repo, pull.number, review.id, verdict, body, by=call.actor)
    return {"submitPullRequestReview": {"clientMutationId": None, "pullRequestReview": _review_json(review)}}


def _resolve(call: Call, arguments: Arguments) -> Json:
    root = _thread(call, arguments)
    call.world.resolve_thread(root)
    return {"resolveReviewThread": {"clientMutationId": None, "thread": thread_json(root)}}


_OPERATIONS: dict[str, Callable[[Call, Arguments], Json]] = {
    "markPullRequestReadyForReview": _to_ready,
    "convertPullRequestToDraft": _to_draft,
    "addPullRequestReviewThreadReply": _reply,
    "addPullRequestReview": _start_review,
    "submitPullRequestReview": _submit_review,
    "resolveReviewThread": _resolve,
    "reviewThreads": _threads,
    "lastEditedAt": _edits,
}


def _pull(call: Call, arguments: Arguments) -> Pull:
    wanted = _node(arguments, "PR", "pullRequestId", "id")
    pull = next((one for one in _pulls(call) if one.id == wanted), None)
    return _allow(call, pull, "write")


def _thread(call: Call, arguments: Arguments) -> ReviewComment:
    wanted = _node(arguments, "PRRT", "pullRequestReviewThreadId", "threadId", "id")
    rows = (row for pull in _pulls(call) for row in pull.comments if row.in_reply_to is None)
    root = next((row for row in rows if row.id == wanted), None)
    if root is None:
        raise not_found()
    _allow(call, root.pull, "write")
    return root


def _review(call: Call, node: str) -> Review:
    rows = (row for pull in _pulls(call) for row in (*pull.pending, *pull.reviews))
    review = next((row for row in rows if f"PRR_{row.id}" == node), None)
    if review is None:
        raise not_found()
    _allow(call, review.pull, "write")
    return review


def _allow(call: Call, pull: Pull | None, level: Level) -> Pull:
    if pull is None:
        raise not_found()
    path = {"owner": pull.repo.owner.login, "repo": pull.repo.name}
    check(call.world, call.caller, path, Needs(("pull_requests",), level, level))
    return pull


def _pulls(call: Call) -> Iterator[Pull]:
    return (pull for repo in call.world.repos.values() for pull in repo.pulls())


def _node(arguments: Arguments, prefix: str, *names: str) -> int | None:
    """The number in a node id such as `PR_7`, from the first of these arguments that is given."""
    for name in (*names, prefix):
        kind, _, number = str(arguments.get(name, "")).partition("_")
        if kind == prefix and number.isdigit():
            return int(number)
    return None


def _flat(variables: Arguments) -> Iterator[tuple[str, Any]]:
    for name, value in variables.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name, value


def _pull_json(pull: Pull) -> Json:
    return {"id": f"PR_{pull.id}", "number": pull.number, "isDraft": pull.draft}


def _review_json(review: Review) -> Json:
    return {"id": f"PRR_{review.id}", "databaseId": review.id, "state": review.state}


def _error(kind: str, message: str) -> Answer:
    return Answer({"data": None, "errors": [{"type": kind, "message": message}]})
