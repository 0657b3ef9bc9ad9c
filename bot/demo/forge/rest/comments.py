"""Endpoints of conversation: comments of issues and pull requests, and reactions everywhere."""

from collections.abc import Callable

from bot.demo.forge.model import Comment, Issue, ReviewComment
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.rest.call import CREATED, NO_CONTENT, Answer, Call
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.issues import comment_json, reaction_json

table = Table()
_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{number}}"
_COMMENT = f"{_REPO}/issues/comments/{{comment_id}}"
_INLINE = f"{_REPO}/pulls/comments/{{comment_id}}"
_READ, _WRITE = "issues|pull_requests:read", "issues|pull_requests:write"
_Target = Issue | Comment | ReviewComment


@table.route("GET", f"{_REPO}/issues/comments", _READ)
def list_repo_comments(call: Call) -> Answer:
    """The comments of all issues; oldest first unless `sort` and `direction` say otherwise."""
    since = call.since()
    rows = [row for issue in call.repo.issues.values() for row in issue.comments]
    rows = [row for row in rows if since is None or row.updated_at >= since]
    key = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    downwards = "sort" in call.query and call.query.get("direction", "desc") == "desc"
    rows.sort(key=lambda row: (getattr(row, key), row.id), reverse=downwards)
    return call.page(rows, lambda row: comment_json(call.site, row))


@table.route("GET", f"{_ISSUE}/comments", _READ)
def list_comments(call: Call) -> Answer:
    """The comments of one issue, oldest first."""
    since = call.since()
    rows = [row for row in call.issue.comments if since is None or row.updated_at >= since]
    return call.page(rows, lambda row: comment_json(call.site, row))


@table.route("POST", f"{_ISSUE}/comments", _WRITE, role="read")
def create_comment(call: Call) -> Answer:
    """A new comment."""
    comment = call.world.comment(call.repo, call.issue.number, call.text("body", "IssueComment"), by=call.actor)
    return Answer(comment_json(call.site, comment), CREATED)


@table.route("GET", _COMMENT, _READ)
def get_comment(call: Call) -> Answer:
    """One comment."""
    return Answer(comment_json(call.site, _comment(call)))


@table.route("PATCH", _COMMENT, _WRITE, role="read")
def edit_comment(call: Call) -> Answer:
    """Edit a comment; only its author or someone with write access may."""
    comment = _comment(call)
    _check_author(call, comment)
    call.world.edit_comment(call.repo, comment.id, call.text("body", "IssueComment"), by=call.actor)
    return Answer(comment_json(call.site, comment))


@table.route("DELETE", _COMMENT, _WRITE, role="read")
def delete_comment(call: Call) -> Answer:
    """Delete a comment."""
    comment = _comment(call)
    _check_author(call, comment)
    call.world.delete_comment(call.repo, comment.id, by=call.actor)
    return Answer(status=NO_CONTENT)


def _comment(call: Call) -> Comment:
    return call.world.find_comment(call.repo, call.number("comment_id"))


def _inline(call: Call) -> ReviewComment:
    return call.world.find_review_comment(call.repo, call.number("comment_id"))


def _check_author(call: Call, comment: Comment) -> None:
    token = call.caller.token
    weak = token is not None and not token.installation and call.repo.role_of(call.actor) in ("none", "read", "triage")
    if weak and comment.author is not call.actor:
        raise Refused(403, "Must have admin rights to Repository.")


def _add_reaction_routes(path: str, find: Callable[[Call], _Target], scopes: str) -> None:
    """GitHub has the same three endpoints under each thing that can be reacted to."""

    @table.route("GET", f"{path}/reactions", f"{scopes}:read")
    def list_reactions(call: Call) -> Answer:
        content = call.query.get("content")
        rows = [row for row in find(call).reactions if content in (None, row.content)]
        return call.page(rows, lambda row: reaction_json(call.site, row))

    @table.route("POST", f"{path}/reactions", f"{scopes}:write", role="read")
    def create_reaction(call: Call) -> Answer:
        reaction, new = call.world.react(find(call), call.text("content", "Reaction"), by=call.actor)
        return Answer(reaction_json(call.site, reaction), CREATED if new else 200)

    @table.route("DELETE", f"{path}/reactions/{{reaction_id}}", f"{scopes}:write", role="read")
    def delete_reaction(call: Call) -> Answer:
        rows, wanted = find(call).reactions, call.number("reaction_id")
        for row in rows:
            if row.id == wanted and row.user is call.actor:
                rows.remove(row)
                return Answer(status=NO_CONTENT)
        raise not_found()


_add_reaction_routes(_ISSUE, lambda call: call.issue, "issues|pull_requests")
_add_reaction_routes(_COMMENT, _comment, "issues|pull_requests")
_add_reaction_routes(_INLINE, _inline, "pull_requests")
