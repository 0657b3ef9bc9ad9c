"""Fetch and push over HTTP with a token that nobody else sees."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.task.results import Harvested
from bot.workspace.errors import RemoteUnavailable
from bot.workspace.values import BranchMoved, Fetched, Pushed, PushRefused, Remote
from tests.workspace.conftest import BRANCH, MAIN, Desk
from tests.workspace.http_git import HttpRemote, served
from tests.workspace.origin import git

pytestmark = pytest.mark.anyio


@pytest.fixture
def http(desk: Desk) -> Iterator[HttpRemote]:
    with served(desk.origin.root) as remote:
        yield remote


async def pushed(desk: Desk, url: str, token: str) -> Pushed | BranchMoved | PushRefused:
    await desk.agent("echo new > new.txt")
    result = await desk.harvest()
    assert isinstance(result, Harvested)
    return await desk.door.push(desk.task, Remote(url, token), result.commit, BRANCH, None)


def holding(folder: Path, secret: str) -> list[Path]:
    """Files below `folder` that hold the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


async def test_the_token_reaches_the_remote_and_nothing_else(
    desk: Desk, http: HttpRemote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    remote = Remote(f"{http.url}/remote.git", "good-token")
    desk.origin.write("a.txt", "later\n")
    later = desk.origin.commit("Later")
    assert await desk.door.fetch(desk.task, desk.repo, remote, MAIN, BRANCH) == Fetched(later, None)
    assert await pushed(desk, remote.url, remote.token) == Pushed()
    assert {token for _, token in http.requests} == {"good-token"}
    assert http.seen == []
    assert holding(desk.root, "good-token") == []
    assert "good-token" not in caplog.text
    assert "good-token" not in repr(remote)


async def test_a_token_that_expired_is_worth_another_try(desk: Desk, http: HttpRemote) -> None:
    remote = Remote(f"{http.url}/remote.git", "old-token")
    with pytest.raises(RemoteUnavailable):
        await desk.door.fetch(desk.task, desk.repo, remote, MAIN, BRANCH)
    with pytest.raises(RemoteUnavailable):
        await pushed(desk, remote.url, remote.token)


async def test_a_token_that_may_only_read_is_refused(desk: Desk, http: HttpRemote) -> None:
    result = await pushed(desk, f"{http.url}/remote.git", "reader-token")
    assert isinstance(result, PushRefused)
    assert "403" in result.reason
    assert desk.origin.tip(BRANCH) == ""


async def test_a_branch_that_moves_in_the_last_moment_is_left_alone(desk: Desk, http: HttpRemote) -> None:
    http.before_push = lambda: git(desk.origin.remote, "update-ref", f"refs/heads/{BRANCH}", desk.base)
    assert await pushed(desk, f"{http.url}/remote.git", "good-token") == BranchMoved(desk.base)
    assert desk.origin.tip(BRANCH) == desk.base


async def test_a_redirect_does_not_carry_the_token_along(desk: Desk, http: HttpRemote) -> None:
    with pytest.raises(RemoteUnavailable):
        await desk.door.fetch(desk.task, desk.repo, Remote(f"{http.url}/moved/remote.git", "good-token"), MAIN, BRANCH)
    assert all(path.startswith("/moved") for path, _ in http.requests)


async def test_the_rest_of_our_environment_stays_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of a local remote sees what git was given."""
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET", "s3cret")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    hook = desk.origin.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nenv > ../env\n")
    hook.chmod(0o755)
    assert await pushed(desk, str(desk.origin.remote), "") == Pushed()
    seen = (desk.origin.root / "env").read_text()
    assert "s3cret" not in seen
    assert "GIT_TRACE_CURL" not in seen
