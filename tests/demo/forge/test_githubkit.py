"""The forge's answers against githubkit's generated models, with githubkit's real App authentication."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.demo.forge.conftest import Place

pytestmark = pytest.mark.anyio
AT: Any = {"owner": "octocat", "repo": "hello"}


def options(place: Place) -> Any:
    from githubkit.cache import MemCacheStrategy

    return {
        "base_url": place.forge.api_url,
        "async_transport": httpx.ASGITransport(app=place.forge.app),
        "http_cache": False,
        "auto_retry": False,
        "cache_strategy": MemCacheStrategy(),
    }


@contextlib.asynccontextmanager
async def as_installation(place: Place) -> AsyncIterator[Any]:
    from githubkit import AppInstallationAuthStrategy, GitHub

    auth = AppInstallationAuthStrategy(
        app_id=place.app.id, private_key=place.app.private_key_pem, installation_id=place.installation
    )
    async with GitHub(auth, **options(place)) as github:
        yield github


async def test_app_answers_parse(place: Place) -> None:
    from githubkit import AppAuthStrategy, GitHub

    place.forge.world.comment(place.repo, 1, "Hello", by="stranger")
    place.forge.world.label_issue(place.repo, 1, "bug", by="maintainer")
    await place.forge.hooks.flush()
    github: Any
    async with GitHub(AppAuthStrategy(place.app.id, place.app.private_key_pem), **options(place)) as github:
        apps = github.rest.apps
        assert (await apps.async_get_authenticated()).parsed_data.slug == "wright"
        assert len((await apps.async_list_installations()).parsed_data) == 1
        assert (await apps.async_get_installation(place.installation)).parsed_data.app_slug == "wright"
        assert (await apps.async_get_repo_installation(**AT)).parsed_data.id == place.installation
        narrowed = await apps.async_create_installation_access_token(
            place.installation, repositories=["hello"], permissions={"issues": "read"}
        )
        assert narrowed.parsed_data.token.startswith("ghs_")
        rows = (await apps.async_list_webhook_deliveries()).parsed_data
        assert [row.event for row in rows] == ["issues", "issue_comment"]
        one = (await apps.async_get_webhook_delivery(rows[0].id)).parsed_data
        assert one.request.headers
        again = await apps.async_redeliver_webhook_delivery(rows[0].id)
        assert again.status_code == 202
        assert (await apps.async_get_webhook_config_for_app()).parsed_data.content_type == "json"


async def test_issue_answers_parse(place: Place) -> None:
    async with as_installation(place) as github:
        issues, reactions = github.rest.issues, github.rest.reactions
        assert (await issues.async_create_label(**AT, name="agent:run", color="00ff00")).parsed_data.name == "agent:run"
        assert (await issues.async_get_label(**AT, name="agent:run")).parsed_data.color == "00ff00"
        assert len((await issues.async_list_labels_for_repo(**AT)).parsed_data) == 5
        made = (await issues.async_create(**AT, title="Two", body="text", labels=["bug"])).parsed_data
        number = made.number
        assert made.user
        assert (made.user.login, made.user.type) == ("wright[bot]", "Bot")
        await issues.async_add_labels(**AT, issue_number=number, labels=["agent:run"])
        removed = await issues.async_remove_label(**AT, issue_number=number, name="agent:run")
        assert [label.name for label in removed.parsed_data] == ["bug"]
        # GitHub's schema of this list has no closed and reopened: those are read below, from the repository's list
        rows = (await issues.async_list_events(**AT, issue_number=number)).parsed_data
        assert [row.event for row in rows] == ["labeled", "labeled", "unlabeled"]
        comment = (await issues.async_create_comment(**AT, issue_number=number, body="Hi")).parsed_data
        edited = await issues.async_update_comment(**AT, comment_id=comment.id, body="Hi again")
        assert edited.parsed_data.body == "Hi again"
        assert (await issues.async_get_comment(**AT, comment_id=comment.id)).parsed_data.id == comment.id
        first = await reactions.async_create_for_issue(**AT, issue_number=number, content="eyes")
        second = await reactions.async_create_for_issue(**AT, issue_number=number, content="eyes")
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.parsed_data.id == second.parsed_data.id
        await reactions.async_create_for_issue_comment(**AT, comment_id=comment.id, content="+1")
        listed = await reactions.async_list_for_issue_comment(**AT, comment_id=comment.id)
        assert [row.content for row in listed.parsed_data] == ["+1"]
        closed = await issues.async_update(**AT, issue_number=number, state="closed", state_reason="not_planned")
        assert closed.parsed_data.state_reason == "not_planned"
        await issues.async_update(**AT, issue_number=number, state="open")
        assert len((await issues.async_list_comments(**AT, issue_number=number)).parsed_data) == 1
        assert len((await issues.async_list_comments_for_repo(**AT)).parsed_data) == 1
        history = (await issues.async_list_events_for_repo(**AT)).parsed_data
        assert [row.event for row in history] == ["reopened", "closed", "unlabeled", "labeled", "labeled"]
        assert len((await issues.async_list_events_for_timeline(**AT, issue_number=number)).parsed_data) == 6
        assert (await issues.async_delete_comment(**AT, comment_id=comment.id)).status_code == 204
        assert (await issues.async_get(**AT, issue_number=1)).parsed_data.title == "A bug"
        assert len((await issues.async_list_for_repo(**AT)).parsed_data) == 2


async def test_repository_answers_parse(place: Place) -> None:
    async with as_installation(place) as github:
        repos, git, users = github.rest.repos, github.rest.git, github.rest.users
        assert (await repos.async_get(**AT)).parsed_data.default_branch == "main"
        assert (await github.rest.apps.async_list_repos_accessible_to_installation()).parsed_data.total_count == 1
        assert (await users.async_get_by_username("wright[bot]")).parsed_data.type == "Bot"
        assert (await users.async_get_by_id(place.app.bot.id)).parsed_data.login == "wright[bot]"
        level = (await repos.async_get_collaborator_permission_level(**AT, username="maintainer")).parsed_data
        assert (level.permission, level.role_name) == ("write", "maintain")
        content = (await repos.async_get_content(**AT, path="a.txt")).parsed_data
        assert "b25lCnR3bwp0aHJlZQo=" in getattr(content, "content", "")
        assert isinstance((await repos.async_get_content(**AT, path="docs")).parsed_data, list)
        branch = (await repos.async_get_branch(**AT, branch="main")).parsed_data
        sha = branch.commit.sha
        assert (await git.async_get_ref(**AT, ref="heads/main")).parsed_data.object_.sha == sha
        made = await git.async_create_ref(**AT, ref="refs/heads/agent/1-x", sha=sha)
        assert made.parsed_data.ref == "refs/heads/agent/1-x"
        assert len((await git.async_list_matching_refs(**AT, ref="heads/agent/")).parsed_data) == 1
        new = place.forge.world.push_files(place.repo, "topic", {"c.txt": "new\n"}, by="reviewer")
        assert (await git.async_update_ref(**AT, ref="heads/agent/1-x", sha=new)).parsed_data.object_.sha == new
        difference = (await repos.async_compare_commits(**AT, basehead="main...agent/1-x")).parsed_data
        assert (difference.status, difference.ahead_by) == ("ahead", 1)
        assert [row.filename for row in difference.files or []] == ["c.txt"]
        assert (await repos.async_get_commit(**AT, ref=new)).parsed_data.sha == new
        assert (await git.async_delete_ref(**AT, ref="heads/agent/1-x")).status_code == 204
        assert (await github.rest.rate_limit.async_get()).parsed_data.resources.core.limit == 5000


async def test_pull_answers_parse(place: Place) -> None:
    world = place.forge.world
    async with as_installation(place) as github:
        pulls = github.rest.pulls
        world.push_files(place.repo, "topic", {"a.txt": "one\nTWO\nthree\n"}, by=place.app.bot)
        made = await pulls.async_create(**AT, title="T", head="topic", base="main", body="Closes #1", draft=True)
        number, head = made.parsed_data.number, made.parsed_data.head.sha
        assert (made.parsed_data.mergeable_state, made.parsed_data.changed_files) == ("draft", 1)
        ready = await github.async_graphql(
            "mutation($id: ID!) {markPullRequestReadyForReview(input: {pullRequestId: $id}) {pullRequest {isDraft}}}",
            {"id": made.parsed_data.node_id},
        )
        assert ready["markPullRequestReadyForReview"]["pullRequest"]["isDraft"] is False
        assert len((await pulls.async_list(**AT, head="octocat:topic")).parsed_data) == 1
        assert (await pulls.async_update(**AT, pull_number=number, body="new")).parsed_data.body == "new"
        assert (await pulls.async_list_files(**AT, pull_number=number)).parsed_data[0].patch
        assert len((await pulls.async_list_commits(**AT, pull_number=number)).parsed_data) == 1
        asked = await pulls.async_request_reviewers(**AT, pull_number=number, reviewers=["reviewer"])
        assert asked.status_code == 201
        review = await pulls.async_create_review(
            **AT, pull_number=number, event="COMMENT", body="See", comments=[{"path": "a.txt", "line": 2, "body": "?"}]
        )
        review_id = review.parsed_data.id
        assert len((await pulls.async_list_reviews(**AT, pull_number=number)).parsed_data) == 1
        rows = await pulls.async_list_comments_for_review(**AT, pull_number=number, review_id=review_id)
        comment = rows.parsed_data[0]
        reply = await pulls.async_create_reply_for_review_comment(
            **AT, pull_number=number, comment_id=comment.id, body="!"
        )
        assert reply.parsed_data.in_reply_to_id == comment.id
        assert len((await pulls.async_list_review_comments(**AT, pull_number=number)).parsed_data) == 2
        assert len((await pulls.async_list_review_comments_for_repo(**AT)).parsed_data) == 2
        checks = github.rest.checks
        run = await checks.async_create(**AT, name="proof", head_sha=head, status="in_progress")
        await checks.async_update(
            **AT, check_run_id=run.parsed_data.id, conclusion="success", output={"title": "t", "summary": "s"}
        )
        listed = (await checks.async_list_for_ref(**AT, ref=head, check_name="proof")).parsed_data
        assert listed.check_runs[0].conclusion == "success"
        assert (await checks.async_list_suites_for_ref(**AT, ref=head)).parsed_data.total_count == 1
        merged = await pulls.async_merge(**AT, pull_number=number, merge_method="squash", sha=head)
        assert merged.parsed_data.merged
        assert (await pulls.async_get(**AT, pull_number=number)).parsed_data.merged
        assert (await pulls.async_check_if_merged(**AT, pull_number=number)).status_code == 204
