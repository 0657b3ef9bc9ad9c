"""Real git clients against the forge on a loopback socket."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio


async def git(*args: str, at: Path | None = None) -> tuple[int, str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "octocat",
        "GIT_AUTHOR_EMAIL": "octocat@example.com",
        "GIT_COMMITTER_NAME": "octocat",
        "GIT_COMMITTER_EMAIL": "octocat@example.com",
    }
    done = await asyncio.to_thread(
        subprocess.run, ["git", *args], cwd=at, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def test_clone_and_push_with_a_token(place: Place, tmp_path: Path) -> None:
    world = place.forge.world
    number = place.open_pull()
    token = world.create_installation_token(place.installation).value
    async with place.forge.serve() as base:
        url = base.replace("://", f"://x-access-token:{token}@") + f"/{REPO}.git"
        code, out = await git("clone", "--quiet", "--branch", "topic", url, "work", at=tmp_path)
        assert code == 0, out
        work = tmp_path / "work"
        (work / "a.txt").write_text("ONE\nTWO\nthree\n")
        await git("commit", "--quiet", "-am", "More", at=work)
        code, out = await git("push", "--quiet", "origin", "topic", at=work)
        assert code == 0, out
        _, head = await git("rev-parse", "HEAD", at=work)
        await place.forge.hooks.flush()
    pull = world.pull(REPO, number)
    assert pull.head_sha == head.strip()
    assert place.repo.git.resolve(f"refs/pull/{number}/head") == head.strip()
    events = [(one.event, one.action) for one in place.forge.hooks.log]
    assert events[-2:] == [("push", None), ("pull_request", "synchronize")]
    assert len(place.receiver.got) == len(events)


async def test_wrong_credentials(place: Place, tmp_path: Path) -> None:
    world = place.forge.world
    reads = world.create_installation_token(place.installation, permissions={"contents": "read"}).value
    expired = world.create_installation_token(place.installation).value
    stranger = world.create_user_token("stranger")
    place.repo.private = True  # git shows its credentials only when asked for them
    async with place.forge.serve(deliver=False) as base:
        for token, action, needle in [
            ("ghs_wrong", "clone", "Authentication failed"),
            (reads, "push", "403"),
            (stranger, "push", "not found"),
        ]:
            url = base.replace("://", f"://x-access-token:{token}@") + f"/{REPO}.git"
            args = ["clone", url, "x"] if action == "clone" else ["push", url, "HEAD:refs/heads/evil"]
            code, out = await git(*args, at=tmp_path if action == "clone" else place.repo.git.path)
            assert code != 0
            assert needle in out
        place.clock.advance(hours=1)
        code, out = await git("ls-remote", base.replace("://", f"://x:{expired}@") + f"/{REPO}.git")
        assert code != 0
        assert "Authentication failed" in out
        assert (await git("ls-remote", f"{base}/{REPO}.git"))[0] != 0
        place.repo.private = False
        assert (await git("ls-remote", f"{base}/{REPO}.git"))[0] == 0, "a public repository can be read by all"
    assert "refs/heads/evil" not in place.repo.git.refs()


async def test_nobody_may_push_to_refs_pull(place: Place) -> None:
    token = place.forge.world.create_user_token("octocat")
    async with place.forge.serve(deliver=False) as base:
        url = base.replace("://", f"://x:{token}@") + f"/{REPO}.git"
        code, out = await git("push", url, "HEAD:refs/pull/9/head", at=place.repo.git.path)
    assert code != 0
    assert "hidden ref" in out
