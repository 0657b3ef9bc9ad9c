"""The two GraphQL mutations that REST lacks: a pull request to draft, and back to ready."""

import json
import re

from bot.demo.forge.model import Pull
from bot.demo.forge.refusal import Refused
from bot.demo.forge.rest.call import Answer, Call
from bot.demo.forge.rest.gate import check
from bot.demo.forge.rest.table import Needs, Table

table = Table()
_MUTATION = re.compile(r"\b(markPullRequestReadyForReview|convertPullRequestToDraft)\b")
_NODE = re.compile(r"\bPR_(\d+)\b")


@table.route("POST", "/graphql")
def graphql(call: Call) -> Answer:
    """Recognizes the mutation by its name and the pull request by its node id; nothing else is understood."""
    actor = call.actor
    query = call.text("query", "GraphQL")
    mutation = _MUTATION.search(query)
    node = _NODE.search(json.dumps(call.body.get("variables") or {})) or _NODE.search(query)
    if mutation is None:
        return _error("NOT_IMPLEMENTED", "The forge knows two mutations only")
    pull = _pull(call, int(node[1])) if node else None
    if pull is None:
        return _error("NOT_FOUND", "Could not resolve to a node with the global id")
    path = {"owner": pull.repo.owner.login, "repo": pull.repo.name}
    try:
        check(call.world, call.caller, path, Needs(("pull_requests",), "write", "write"))
    except Refused as refused:
        return _error("FORBIDDEN", refused.message)
    call.world.set_draft(pull.repo, pull.number, mutation[1] == "convertPullRequestToDraft", by=actor)
    shape = {"id": f"PR_{pull.id}", "isDraft": pull.draft, "number": pull.number}
    return Answer({"data": {mutation[1]: {"clientMutationId": None, "pullRequest": shape}}})


def _pull(call: Call, pull_id: int) -> Pull | None:
    rows = (pull for repo in call.world.repos.values() for pull in repo.pulls())
    return next((pull for pull in rows if pull.id == pull_id), None)


def _error(kind: str, message: str) -> Answer:
    """GraphQL answers errors with status 200."""
    return Answer({"data": None, "errors": [{"type": kind, "message": message}]})
