"""Endpoints of reviews and inline comments."""

from typing import Any, cast

from bot.demo.forge.model import Review, ReviewComment
from bot.demo.forge.refusal import Refused, invalid, not_found
from bot.demo.forge.rest.call import CREATED, NO_CONTENT, Answer, Call
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.pulls import review_comment_json, review_json
from bot.demo.forge.world import Inline
from bot.demo.forge.world.reviews import Verdict

table = Table()
_REPO = "/repos/{owner}/{repo}"
_PULL = f"{_REPO}/pulls/{{number}}"
_REVIEW = f"{_PULL}/reviews/{{review_id}}"
_INLINE = f"{_REPO}/pulls/comments/{{comment_id}}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"


@table.route("GET", f"{_PULL}/reviews", _READ)
def list_reviews(call: Call) -> Answer:
    """The reviews, oldest first; a pending one is seen by its author only."""
    pull, token = call.pull, call.caller.token
    own = [one for one in pull.pending if token and one.author is token.user]
    return call.page([*pull.reviews, *own], lambda review: review_json(call.site, review))


@table.route("POST", f"{_PULL}/reviews", _WRITE, role="read")
def create_review(call: Call) -> Answer:
    """Submit a review with its inline comments; without an `event` it stays pending."""
    rows = call.body.get("comments") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(422, "Invalid request.\n\nFor 'comments', expected an array of objects.")
    inlines, body = [_inline_of(row) for row in rows], call.maybe_text("body") or ""
    verdict, number = _verdict(call), call.pull.number
    if verdict is None:
        review = call.world.start_review(call.repo, number, body, inlines, by=call.actor)
    else:
        review = call.world.submit_review(call.repo, number, verdict, body, inlines, by=call.actor)
    return Answer(review_json(call.site, review))


@table.route("POST", f"{_REVIEW}/events", _WRITE, role="read")
def submit_pending_review(call: Call) -> Answer:
    """Submit a pending review."""
    verdict, review = _verdict(call), _review(call)
    if verdict is None:
        raise invalid("PullRequestReview", "event", "missing_field")
    body = call.maybe_text("body")
    call.world.submit_started_review(call.repo, call.pull.number, review.id, verdict, body, by=call.actor)
    return Answer(review_json(call.site, review))


@table.route("DELETE", _REVIEW, _WRITE, role="read")
def discard_review(call: Call) -> Answer:
    """Throw a pending review away."""
    review = _review(call)
    call.world.discard_review(call.repo, call.pull.number, review.id, by=call.actor)
    return Answer(review_json(call.site, review))


@table.route("GET", _REVIEW, _READ)
def get_review(call: Call) -> Answer:
    """One review."""
    return Answer(review_json(call.site, _review(call)))


@table.route("GET", f"{_REVIEW}/comments", _READ)
def list_review_comments(call: Call) -> Answer:
    """The inline comments of one review."""
    review = _review(call)
    rows = [row for row in (*review.pull.comments, *review.drafts) if row.review is review]
    return call.page(rows, lambda row: review_comment_json(call.site, row))


@table.route("PUT", f"{_REVIEW}/dismissals", _WRITE)
def dismiss_review(call: Call) -> Answer:
    """Dismiss a review; a message is required."""
    call.text("message", "PullRequestReview")
    review = call.world.dismiss_review(call.repo, call.pull.number, _review(call).id, by=call.actor)
    return Answer(review_json(call.site, review))


@table.route("GET", f"{_REPO}/pulls/comments", _READ)
def list_repo_inline_comments(call: Call) -> Answer:
    """The inline comments of all pull requests."""
    since = call.since()
    rows = [row for pull in call.repo.pulls() for row in pull.comments]
    rows = [row for row in rows if since is None or row.updated_at >= since]
    key = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    downwards = "sort" in call.query and call.query.get("direction", "desc") == "desc"
    rows.sort(key=lambda row: (getattr(row, key), row.id), reverse=downwards)
    return call.page(rows, lambda row: review_comment_json(call.site, row))


@table.route("GET", f"{_PULL}/comments", _READ)
def list_inline_comments(call: Call) -> Answer:
    """The inline comments of one pull request."""
    since = call.since()
    rows = [row for row in call.pull.comments if since is None or row.updated_at >= since]
    return call.page(rows, lambda row: review_comment_json(call.site, row))


@table.route("POST", f"{_PULL}/comments", _WRITE, role="read")
def create_inline_comment(call: Call) -> Answer:
    """One inline comment, or an answer when `in_reply_to` is given."""
    parent = call.body.get("in_reply_to")
    if parent is not None:
        if not isinstance(parent, int):
            raise invalid("PullRequestReviewComment", "in_reply_to")
        return _reply(call, parent)
    inline = _inline_of(call.body)
    call.text("commit_id", "PullRequestReviewComment")
    call.world.submit_review(call.repo, call.pull.number, "COMMENT", "", [inline], by=call.actor)
    return Answer(review_comment_json(call.site, call.pull.comments[-1]), CREATED)


@table.route("POST", f"{_PULL}/comments/{{comment_id}}/replies", _WRITE, role="read")
def create_reply(call: Call) -> Answer:
    """An answer in a thread."""
    return _reply(call, call.number("comment_id"))


@table.route("GET", _INLINE, _READ)
def get_inline_comment(call: Call) -> Answer:
    """One inline comment."""
    return Answer(review_comment_json(call.site, _inline(call)))


@table.route("PATCH", _INLINE, _WRITE, role="read")
def edit_inline_comment(call: Call) -> Answer:
    """Edit an inline comment."""
    body = call.text("body", "PullRequestReviewComment")
    comment = call.world.edit_review_comment(call.repo, _own_inline(call).id, body, by=call.actor)
    return Answer(review_comment_json(call.site, comment))


@table.route("DELETE", _INLINE, _WRITE, role="read")
def delete_inline_comment(call: Call) -> Answer:
    """Delete an inline comment."""
    call.world.delete_review_comment(call.repo, _own_inline(call).id, by=call.actor)
    return Answer(status=NO_CONTENT)


def _reply(call: Call, comment_id: int) -> Answer:
    body = call.text("body", "PullRequestReviewComment")
    comment = call.world.reply_in_thread(call.repo, call.pull.number, comment_id, body, by=call.actor)
    return Answer(review_comment_json(call.site, comment), CREATED)


def _review(call: Call) -> Review:
    review, token = call.world.find_review(call.repo, call.pull.number, call.number("review_id")), call.caller.token
    if review.state == "PENDING" and (token is None or token.user is not review.author):
        raise not_found()
    return review


def _verdict(call: Call) -> Verdict | None:
    verdict = call.maybe_text("event")
    if verdict not in (None, "APPROVE", "REQUEST_CHANGES", "COMMENT"):
        raise invalid("PullRequestReview", "event")
    return cast(Verdict | None, verdict)


def _inline(call: Call) -> ReviewComment:
    return call.world.find_review_comment(call.repo, call.number("comment_id"))


def _own_inline(call: Call) -> ReviewComment:
    comment, token = _inline(call), call.caller.token
    weak = token is not None and not token.installation and call.repo.role_of(call.actor) in ("none", "read", "triage")
    if weak and comment.author is not call.actor:
        raise Refused(403, "Must have more rights to this repository.")
    return comment


def _inline_of(row: dict[str, Any]) -> Inline:
    """Parse one inline comment; the old `position` is not supported, `line` is required."""
    path, line, body = row.get("path"), row.get("line"), row.get("body")
    side, start = row.get("side", "RIGHT"), row.get("start_line")
    for name, value, kind in (("path", path, str), ("line", line, int), ("body", body, str)):
        if not isinstance(value, kind):
            raise invalid("PullRequestReviewComment", name, "missing_field")
    if side not in ("LEFT", "RIGHT") or not isinstance(start, int | None):
        raise invalid("PullRequestReviewComment", "side")
    return Inline(str(path), int(line or 0), str(body), side, start)
