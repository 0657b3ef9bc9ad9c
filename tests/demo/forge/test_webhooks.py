"""Webhooks: signed, in order, to subscribers only, redelivered on request; each kind parses with githubkit."""

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from bot.demo.forge import Inline
from bot.demo.forge.hooks import Delivery
from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio


def kinds(place: Place) -> list[str]:
    return [".".join(filter(None, (one.event, one.action))) for one in place.forge.hooks.log]


async def test_a_delivery_is_signed_and_named(place: Place) -> None:
    place.forge.world.label_issue(REPO, 1, "agent:run", by="maintainer")
    assert await place.forge.hooks.flush() == 1
    headers, body = place.receiver.got[0]
    digest = hmac.new(b"not a secret", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={digest}"
    assert headers["x-github-event"] == "issues"
    assert len(headers["x-github-delivery"]) == 36
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    payload = json.loads(body)
    assert payload["label"]["name"] == "agent:run"
    assert payload["sender"]["login"] == "maintainer"
    assert payload["installation"]["id"] == place.installation
    assert payload["issue"]["html_url"] == "http://127.0.0.1:8090/octocat/hello/issues/1"


async def test_a_lost_delivery_stays_lost_until_redelivered(place: Place) -> None:
    place.receiver.status = 500
    place.forge.world.comment(REPO, 1, "hi", by="stranger")
    await place.forge.hooks.flush()
    first = place.forge.hooks.log[0]
    assert (first.status_code, await place.forge.hooks.flush()) == (500, 0)
    place.receiver.status = 202
    again = place.forge.hooks.redeliver(first.guid)
    await place.forge.hooks.flush()
    assert again.redelivery
    assert again.status_code == 202
    (one, same), (other, body) = place.receiver.got
    assert (one["x-github-delivery"], same) == (other["x-github-delivery"], body)


async def test_nobody_home(place: Place) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    place.forge.hooks.transport = httpx.MockTransport(refuse)
    place.forge.world.comment(REPO, 1, "hi", by="stranger")
    await place.forge.hooks.flush()
    assert place.forge.hooks.log[0].status_code == 502


async def test_only_subscribed_events_of_installed_repositories(place: Place) -> None:
    world = place.forge.world
    place.app.events.remove("issue_comment")
    world.comment(REPO, 1, "hi", by="stranger")
    other = world.create_repository("octocat", "other")
    world.open_issue(other, "Unseen", by="stranger")
    world.edit_issue(REPO, 1, title="Seen, but silent", by="stranger", silent=True)
    assert kinds(place) == []
    world.suspend_installation(place.installation, by="octocat")
    world.edit_issue(REPO, 1, title="Suspended", by="stranger")
    assert kinds(place) == ["installation.suspend"]


async def test_check_runs_are_rerequested_from_their_app_alone(place: Place) -> None:
    world = place.forge.world
    other = world.create_app(
        "other",
        "Other",
        permissions={"checks": "write"},
        events=["check_run"],
        webhook_url="http://other.example/",
        private_key_pem=place.app.private_key_pem,
    )
    world.install_app(other, [REPO], silent=True)
    sha = place.repo.refs["refs/heads/main"]
    run = world.create_check_run(REPO, place.app, "proof", sha, status="completed", conclusion="success")
    world.rerequest_check_run(REPO, run.id, by="maintainer")
    assert [(one.app.slug, one.action) for one in place.forge.hooks.log] == [
        ("wright", "created"),
        ("other", "created"),
        ("wright", "completed"),
        ("other", "completed"),
        ("wright", "rerequested"),
    ]


async def test_every_kind_parses_with_githubkit(place: Place) -> None:
    from githubkit.webhooks import parse

    _live_through_everything(place)
    seen: dict[str, Delivery] = {}
    for kind, delivery in zip(kinds(place), place.forge.hooks.log, strict=True):
        seen.setdefault(kind, delivery)
    failures: dict[str, Any] = {}
    for kind, delivery in seen.items():
        try:
            parse(delivery.event, delivery.body)
        except ValueError as error:
            failures[kind] = str(error)[:1500]
    assert not failures
    assert set(seen) == _EXPECTED


_EXPECTED = {
    "issues.opened", "issues.edited", "issues.labeled", "issues.unlabeled", "issues.assigned", "issues.closed",
    "issues.reopened", "issue_comment.created", "issue_comment.edited", "issue_comment.deleted",
    "pull_request.opened", "pull_request.edited", "pull_request.labeled", "pull_request.unlabeled",
    "pull_request.synchronize", "pull_request.closed", "pull_request.reopened", "pull_request.ready_for_review",
    "pull_request.converted_to_draft", "pull_request.review_requested", "pull_request.review_request_removed",
    "pull_request_review.submitted", "pull_request_review.dismissed", "pull_request_review_comment.created",
    "pull_request_review_comment.edited", "pull_request_review_comment.deleted", "push", "create", "delete",
    "check_run.created", "check_run.completed", "check_run.rerequested", "installation.created",
    "installation.deleted", "installation.suspend", "installation.unsuspend", "installation_repositories.added",
    "installation_repositories.removed", "ping",
}  # fmt: skip


def _live_through_everything(place: Place) -> None:
    world = place.forge.world
    number = world.open_issue(REPO, "Another", "text", by="stranger", labels=["bug"]).number
    world.edit_issue(REPO, number, title="Other", body="other", by="stranger")
    world.unlabel_issue(REPO, number, "bug", by="maintainer")
    world.assign(REPO, number, "reviewer", by="maintainer")
    comment = world.comment(REPO, number, "one", by="stranger")
    world.edit_comment(REPO, comment.id, "two", by="stranger")
    world.delete_comment(REPO, comment.id, by="maintainer")
    world.close_issue(REPO, number, by="maintainer")
    world.reopen_issue(REPO, number, by="maintainer")
    _live_through_a_pull(place)
    world.ping(place.app)
    more = world.create_repository("octocat", "more")
    world.add_to_installation(place.installation, more, by="octocat")
    world.remove_from_installation(place.installation, more, by="octocat")
    world.suspend_installation(place.installation, by="octocat")
    world.unsuspend_installation(place.installation, by="octocat")
    second = world.install_app(place.app, [more], by="maintainer")
    world.uninstall_app(second, by="octocat")


def _live_through_a_pull(place: Place) -> None:
    world = place.forge.world
    pull = place.open_pull()
    world.comment(REPO, pull, "on the pull request", by="reviewer")
    world.edit_pull(REPO, pull, title="Better", by="maintainer")
    world.label_issue(REPO, pull, "bug", by="maintainer")
    world.unlabel_issue(REPO, pull, "bug", by="maintainer")
    world.push_files(REPO, "topic", {"b.txt": "b\n"}, by="maintainer")
    world.set_draft(REPO, pull, True, by="maintainer")
    world.set_draft(REPO, pull, False, by="maintainer")
    world.request_review(REPO, pull, "reviewer", by="maintainer")
    world.withdraw_review_request(REPO, pull, "reviewer", by="maintainer")
    review = world.submit_review(REPO, pull, "APPROVE", "Good", [Inline("a.txt", 2, "Why?")], by="reviewer")
    inline = world.pull(REPO, pull).comments[0]
    reply = world.reply_in_thread(REPO, pull, inline.id, "Because.", by="wright[bot]")
    world.edit_review_comment(REPO, reply.id, "So.", by="wright[bot]")
    world.delete_review_comment(REPO, reply.id, by="maintainer")
    world.dismiss_review(REPO, pull, review.id, by="maintainer")
    sha = world.pull(REPO, pull).head_sha
    run = world.create_check_run(REPO, place.app, "proof", sha)
    world.update_check_run(run, conclusion="failure", output={"title": "t", "summary": "s"})
    world.rerequest_check_run(REPO, run.id, by="maintainer")
    world.close_pull(REPO, pull, by="maintainer")
    world.reopen_pull(REPO, pull, by="maintainer")
    world.merge_pull(REPO, pull, by="maintainer")
    world.delete_branch(REPO, "topic", by="maintainer")
