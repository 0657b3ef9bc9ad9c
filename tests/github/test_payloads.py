"""From webhook to hint."""

import json
from typing import Any

import pytest

from bot.github.payloads import _EVENTS, PayloadError, parse
from bot.task.hints import (
    HANDLED_EVENTS,
    CommentHint,
    Hint,
    InstallationHint,
    IssueHint,
    LossHint,
    PullHint,
    ReviewHint,
)
from bot.task.ids import CommentId, InstallationId, IssueNumber, IssueRef, PullNumber, RepoRef, ReviewId

REPO = RepoRef(1296269, "octo-org/hello", InstallationId(41))
USER = {"login": "mona", "id": 583231, "node_id": "U_1", "type": "User", "site_admin": False}


def payload(action: str, **more: Any) -> dict[str, Any]:
    """What GitHub sends with every event of a repository, the parts that we ignore included."""
    repository = {
        "id": 1296269,
        "node_id": "R_1",
        "name": "hello",
        "full_name": "octo-org/hello",
        "private": False,
        "owner": {**USER, "type": "Organization"},
        "archived": False,
        "visibility": "public",
    }
    common = {"repository": repository, "installation": {"id": 41, "node_id": "I_1"}, "sender": USER}
    return {"action": action, **common, **more}


def issue(number: int, **more: Any) -> dict[str, Any]:
    return {"id": 9000 + number, "number": number, "title": "It breaks", "body": None, "user": None, **more}


def hint(event: str, body: dict[str, Any]) -> Hint | None:
    parsed = parse(event, json.dumps(body).encode())
    return None if parsed is None else parsed.hint


ISSUE_7 = IssueRef(REPO, IssueNumber(7))
PULL_8 = {"id": 1, "number": 8, "state": "open", "merged": False, "head": {"ref": "agent/7-x", "repo": None}}
REVIEW = {"id": 80, "user": USER, "body": None, "state": "changes_requested"}
INLINE = {"id": 33, "pull_request_review_id": 80, "path": "a.py", "body": "no"}
LISTED = {"id": 1296269, "node_id": "R_1", "name": "hello", "full_name": "octo-org/hello", "private": False}


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        ("issues", payload("labeled", issue=issue(7), label={"id": 5, "name": "agent:run"}), IssueHint(ISSUE_7)),
        ("issues", payload("transferred", issue=issue(7)), IssueHint(ISSUE_7)),
        (
            "issue_comment",
            payload("created", issue=issue(7), comment={"id": 55, "body": "/agent stop", "user": None}),
            CommentHint(ISSUE_7, CommentId(55), deleted=False),
        ),
        (
            "issue_comment",
            payload("deleted", issue=issue(7, pull_request={"url": "…"}), comment={"id": 55}),
            CommentHint(ISSUE_7, CommentId(55), deleted=True),
        ),
        ("pull_request", payload("synchronize", number=8, pull_request=PULL_8), PullHint(REPO, PullNumber(8))),
        (
            "pull_request",
            payload("labeled", number=8, pull_request=PULL_8, label={"id": 5, "name": "agent:run"}),
            IssueHint(IssueRef(REPO, IssueNumber(8))),
        ),
        (
            "pull_request_review",
            payload("submitted", pull_request=PULL_8, review=REVIEW),
            ReviewHint(REPO, PullNumber(8), ReviewId(80)),
        ),
        (
            "pull_request_review_comment",
            payload("created", pull_request=PULL_8, comment=INLINE),
            ReviewHint(REPO, PullNumber(8), ReviewId(80)),
        ),
        (
            "installation",
            {"action": "created", "installation": {"id": 41}, "sender": USER, "repositories": [LISTED]},
            InstallationHint(InstallationId(41), (REPO,)),
        ),
        (
            "installation",
            {"action": "new_permissions_accepted", "installation": {"id": 41}, "sender": USER},
            InstallationHint(InstallationId(41), ()),
        ),
        (
            "installation_repositories",
            {"action": "added", "installation": {"id": 41}, "repositories_added": [LISTED], "sender": USER},
            InstallationHint(InstallationId(41), (REPO,)),
        ),
    ],
)
def test_says_where_to_look(event: str, body: dict[str, Any], expected: Hint) -> None:
    assert hint(event, body) == expected


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("push", payload("", ref="refs/heads/main")),
        ("star", payload("created")),
        ("issues", payload("pinned", issue=issue(7))),
        ("installation", {"action": "suspend", "installation": {"id": 41}}),
        ("pull_request_review_comment", payload("created", pull_request=PULL_8, comment={"id": 1})),
        ("issues", {key: part for key, part in payload("labeled", issue=issue(7)).items() if key != "installation"}),
        ("issues", payload("labeled", issue=issue(7), installation=None)),
    ],
)
def test_the_rest_tells_nothing(event: str, body: dict[str, Any]) -> None:
    assert hint(event, body) is None


def test_names_the_sender() -> None:
    parsed = parse("issues", json.dumps(payload("opened", issue=issue(7))).encode())
    assert parsed is not None
    assert parsed.sender == 583231
    anonymous = parse("issues", json.dumps(payload("opened", issue=issue(7), sender=None)).encode())
    assert anonymous is not None
    assert anonymous.sender is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"action": 3}', json.dumps(payload("opened", issue={"number": "x"})).encode()]
)
def test_a_malformed_body_is_one_sentence(body: bytes) -> None:
    with pytest.raises(PayloadError) as told:
        parse("issues", body)
    assert str(told.value).startswith("The payload of the event issues is not readable: ")
    assert "\n" not in str(told.value)


def test_inputs_stay_out_of_the_sentence() -> None:
    with pytest.raises(PayloadError) as told:
        parse("issues", json.dumps(payload("opened", issue={"number": "very private"})).encode())
    assert "very private" not in str(told.value)


def test_every_handled_event_is_read() -> None:
    assert frozenset(_EVENTS) == HANDLED_EVENTS


SOME = [{"id": 7, "full_name": "acme/one"}]
ONE = RepoRef(7, "acme/one", InstallationId(41))


@pytest.mark.parametrize(
    ("event", "action", "listed"),
    [("installation", "deleted", "repositories"), ("installation_repositories", "removed", "repositories_removed")],
)
def test_what_left_our_reach(event: str, action: str, listed: str) -> None:
    assert hint(event, {"action": action, "installation": {"id": 41}, listed: SOME}) == LossHint((ONE,))


@pytest.mark.parametrize("selection", ["selected", "all", None])
@pytest.mark.parametrize(
    ("event", "action", "listed"),
    [("installation", "created", "repositories"), ("installation_repositories", "added", "repositories_added")],
)
def test_only_what_someone_named_is_greeted(event: str, action: str, listed: str, selection: str | None) -> None:
    installation = {"id": 41} if selection is None else {"id": 41, "repository_selection": selection}
    body = {"action": action, "installation": installation, listed: SOME}
    assert hint(event, body) == InstallationHint(InstallationId(41), (ONE,), named=selection == "selected")


def test_an_installation_that_comes_back_is_not_greeted() -> None:
    body = {"action": "unsuspend", "installation": {"id": 41, "repository_selection": "selected"}, "repositories": SOME}
    assert hint("installation", body) == InstallationHint(InstallationId(41), (ONE,), named=False)
