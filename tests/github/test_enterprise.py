"""GitHub Enterprise Server: its addresses, an older one, and a repository that is said to lie elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from bot.flow.retry import GiveUp, Later, decide
from bot.github.door import Server, open_door
from bot.github.errors import Elsewhere, GitHubError, NotInstalled, Refused, Unreadable
from bot.github.permissions import needed
from bot.github.transport import AppKey, Transport
from bot.task.ids import BranchName, InstallationId
from bot.task.observed import PullDraft, Repository
from bot.workspace.errors import RemoteUnavailable
from bot.workspace.git import git
from bot.workspace.remote import heads
from bot.workspace.values import Remote
from tests.github.canned import ISSUE, PLACE, REPO, START, Canned, private_key
from tests.github.conftest import Town

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://git.example/api/v3", "https://git.example"),
        ("https://git.example:8443/api/v3/", "https://git.example:8443"),
        ("http://127.0.0.1:8090/api/v3", "http://127.0.0.1:8090"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("https://api.corp.example/api/v3", "https://api.corp.example"),
    ],
)
def test_where_the_pages_and_git_are(api: str, web: str) -> None:
    transport = Transport(AppKey("1", "unused"), api, lambda: START)
    assert transport.web == httpx.URL(web)


async def test_every_request_goes_below_the_prefix(town: Town) -> None:
    """REST below /api/v3, GraphQL at /api/graphql: the forge has nothing at the root."""
    door, branch = town.door(), town.push()
    await door.put_pull(town.repo, town.draft(head=branch, draft=True))
    await door.put_pull(town.repo, town.draft(head=branch, draft=False))
    await door.repositories()
    paths = {request.path for request in town.forge.requests}
    assert "/api/graphql" in paths
    assert all(path.startswith("/api/v3/") for path in paths - {"/api/graphql"})
    assert all(request.status < 400 for request in town.forge.requests)


# ── credentials ──


class _Listens(BaseHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """In silence."""


@contextmanager
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A server that is not GitHub's, and the credentials that it was given."""
    heard: list[str] = []
    handler = type("Handler", (_Listens,), {"heard": heard})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/acme/widgets.git", heard
        server.shutdown()
        thread.join()


async def test_a_clone_url_elsewhere_would_get_the_token(tmp_path: Path) -> None:
    """The attack: git sends the credential to whatever address it is told."""
    repository = tmp_path / "bare.git"
    repository.mkdir()
    await git(repository, "init", "--quiet", "--bare", "--template=", str(repository))
    with stranger() as (url, heard):
        with pytest.raises(RemoteUnavailable):
            await heads(repository, Remote(url, "ghs_secret"))
        assert any(heard)


async def test_a_clone_url_elsewhere_gets_none() -> None:
    forge = Canned()
    with stranger() as (url, heard):
        with pytest.raises(Elsewhere, match="no credential is sent there"):
            await forge.door().credential(Repository(REPO, BranchName("main"), url, True, False))
        assert heard == []
    assert forge.tokens == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://github.example/acme/widgets.git",
        "https://github.example.evil.example/acme/widgets.git",
        "https://github.example@evil.example/acme/widgets.git",
        "https://evil.example\\@github.example/acme/widgets.git",
        "https://github.example:444/acme/widgets.git",
        "https://api.github.example/acme/widgets.git",
        "git@github.example:acme/widgets.git",
        "//github.example/acme/widgets.git",
        "file:///etc",
        "https://[",
        "",
    ],
)
async def test_addresses_that_are_not_ours(url: str) -> None:
    with pytest.raises(Elsewhere):
        await Canned().door().credential(Repository(REPO, BranchName("main"), url, True, False))


async def test_our_own_address_gets_one() -> None:
    assert await Canned().door().credential(PLACE) == "ghs_1"


# ── an older server ──


def answer(status: int, body: object, version: str = "3.4.0") -> httpx.Response:
    return httpx.Response(status, json=body, headers={"X-GitHub-Enterprise-Version": version})


async def test_an_endpoint_that_an_older_server_lacks() -> None:
    forge = Canned()
    forge.on("POST /repos/acme/widgets/issues/3/reactions", answer(404, {"message": "Not Found"}))
    with pytest.raises(Refused, match=r"or GitHub Enterprise Server \(3.4.0\) is too old for it$") as told:
        await forge.door().react(ISSUE, None, "eyes")
    assert "\n" not in str(told.value)
    assert isinstance(decide(told.value, 1, START), GiveUp)


async def test_a_field_that_an_older_server_lacks() -> None:
    forge = Canned()
    forge.on("GET /repos/acme/widgets", answer(200, {"id": 77}))
    with pytest.raises(Unreadable, match=r"Repo.full_name: Field required.*may be too old") as told:
        await forge.door().repository(REPO)
    outcome = decide(told.value, 1, START)
    assert isinstance(outcome, GiveUp)
    assert not outcome.ours


async def test_a_mutation_that_an_older_server_lacks() -> None:
    forge = Canned()
    pull = {
        "number": 4, "title": "t", "body": "", "state": "open", "draft": True, "node_id": "PR_1", "html_url": "h",
        "head": {"ref": "agent/1", "sha": "a" * 40, "repo": {"id": 77}}, "base": {"ref": "main", "sha": "b" * 40},
    }  # fmt: skip
    forge.on("GET /repos/acme/widgets/pulls", answer(200, [pull]))
    forge.on("PATCH /repos/acme/widgets/pulls/4", answer(200, pull))
    missing = "Field 'markPullRequestReadyForReview' doesn't exist on type 'Mutation'"
    forge.on("POST /api/graphql", answer(200, {"errors": [{"message": missing}]}))
    draft = PullDraft(BranchName("agent/1"), BranchName("main"), "t", "ours", draft=False)
    with pytest.raises(Refused, match=r"doesn.t exist on type.*is too old for it$"):
        await forge.door().put_pull(REPO, draft)


# ── what a refusal says ──


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("POST", "/repos/o/r/issues/1/comments", "issues: write"),
        ("POST", "/repos/o/r/check-runs", "checks: write"),
        ("POST", "https://git.example/api/v3/repositories/12/pulls", "pull_requests: write"),
        ("DELETE", "/repos/o/r/git/refs/heads/agent/1-x", "contents: write"),
        ("GET", "/app", ""),
        ("GET", "/somewhere/else", ""),
    ],
)
def test_the_permission_that_a_request_takes(method: str, path: str, need: str) -> None:
    assert needed(method, path) == need


@pytest.mark.parametrize(
    ("status", "message", "advice"),
    [
        (403, "Resource not accessible by integration", "this permission `issues: write` in its settings (app.yml"),
        (403, "Repository was archived so is read-only.", "; unarchive the repository to go on"),
        (403, "Blocked", "(403: Blocked)"),
        (410, "Issues are disabled for this repo", "issues are switched off in this repository"),
    ],
)
async def test_a_refusal_says_what_to_mend(status: int, message: str, advice: str) -> None:
    forge = Canned()
    forge.on("POST /repos/acme/widgets/issues/3/reactions", httpx.Response(status, json={"message": message}))
    with pytest.raises(Refused) as told:
        await forge.door().react(ISSUE, None, "eyes")
    assert str(told.value).endswith(advice) or advice in str(told.value)
    assert message == "Resource not accessible by integration" or "permission" not in str(told.value)


async def test_permissions_that_were_not_accepted(town: Town) -> None:
    town.app.permissions["contents"] = "read"
    with pytest.raises(Refused, match="accept the App's new permissions"):
        await town.door().credential(town.place)


def test_a_suspension_is_waited_for_without_haste() -> None:
    suspended = NotInstalled(InstallationId(9), "This installation has been suspended")
    for attempt in (1, 100):
        outcome = decide(suspended, attempt, START)
        assert isinstance(outcome, Later)
        assert not outcome.counted
        assert (outcome.until - START).total_seconds() >= 600
    gone = decide(NotInstalled(InstallationId(9), "Not Found"), 100, START)
    assert isinstance(gone, GiveUp)


def test_every_failure_is_one_sentence() -> None:
    for error in (Unreadable("Repo.id: Field required"), Elsewhere("o/r", "https://a", "https://b")):
        assert isinstance(error, GitHubError)
        assert "\n" not in str(error)


async def test_an_open_door_needs_no_network() -> None:
    door = open_door(Server(AppKey("1", private_key()), b"s", "https://git.example/api/v3"), lambda: START)
    await door.aclose()


async def test_a_pull_request_of_a_fork_is_not_ours() -> None:
    forge = Canned()
    theirs = {
        "number": 4, "title": "t", "body": "", "state": "open", "node_id": "PR_1", "html_url": "h",
        "head": {"ref": "agent/onboarding", "sha": "a" * 40, "repo": {"id": 78}},
        "base": {"ref": "main", "sha": "b" * 40},
    }  # fmt: skip
    deleted = {**theirs, "number": 5, "head": {"ref": "agent/onboarding", "sha": "a" * 40, "repo": None}}
    forge.on("GET /repos/acme/widgets/pulls", answer(200, [theirs, deleted]))
    assert await forge.door().pull_of_branch(REPO, BranchName("agent/onboarding")) is None
    forge.on("GET /repos/acme/widgets/pulls", answer(200, [{**theirs, "head": {**theirs["head"], "repo": {"id": 77}}}]))  # type: ignore[dict-item]
    found = await forge.door().pull_of_branch(REPO, BranchName("agent/onboarding"))
    assert found is not None
