"""Endpoints of pull requests: list, open, edit, files, commits, reviewers, merge."""

from typing import cast

from bot.demo.forge.git.diff import changed_files, commits_between, unified
from bot.demo.forge.model import Pull
from bot.demo.forge.refusal import Refused, invalid, not_found
from bot.demo.forge.rest.call import CREATED, NO_CONTENT, Answer, Call
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.people import user_json
from bot.demo.forge.wire.pulls import diff_base, full_pull_json, pull_json
from bot.demo.forge.wire.repos import commit_json, file_json
from bot.demo.forge.world.pulls import MergeMethod

table = Table()
_REPO = "/repos/{owner}/{repo}"
_PULL = f"{_REPO}/pulls/{{number}}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"


@table.route("GET", f"{_REPO}/pulls", _READ)
def list_pulls(call: Call) -> Answer:
    """Pull requests by state, `head` (`owner:branch`), `base`."""
    rows = [pull for pull in call.repo.pulls() if _wanted(call, pull)]
    key = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    downwards = call.query.get("direction", "asc" if "sort" in call.query else "desc") != "asc"
    rows.sort(key=lambda pull: (getattr(pull.issue, key), pull.number), reverse=downwards)
    return call.page(rows, lambda pull: pull_json(call.site, pull))


@table.route("POST", f"{_REPO}/pulls", _WRITE)
def create_pull(call: Call) -> Answer:
    """Open a pull request."""
    pull = call.world.open_pull(
        call.repo,
        call.text("title", "PullRequest"),
        call.text("head", "PullRequest"),
        call.text("base", "PullRequest"),
        by=call.actor,
        body=call.maybe_text("body"),
        draft=call.flag("draft"),
    )
    return Answer(full_pull_json(call.site, pull), CREATED)


@table.route("GET", _PULL, _READ)
def get_pull(call: Call) -> Answer:
    """One pull request; with `Accept: application/vnd.github.diff` its diff."""
    pull = call.pull
    if "diff" in call.accept or "patch" in call.accept:
        return Answer(unified(pull.repo.git, diff_base(pull), pull.head_sha))
    return Answer(full_pull_json(call.site, pull))


@table.route("PATCH", _PULL, _WRITE, role="read")
def edit_pull(call: Call) -> Answer:
    """Title, body, base, state. `draft` is ignored: GitHub changes it by GraphQL only."""
    pull, actor, token = call.pull, call.actor, call.caller.token
    person = token is not None and token.installation is None
    if person and pull.issue.author is not actor and call.repo.role_of(actor) in ("none", "read", "triage"):
        raise Refused(403, "Must have more rights to this repository.")
    state = call.maybe_text("state")
    if state not in (None, "open", "closed"):
        raise invalid("PullRequest", "state")
    call.world.edit_pull(
        call.repo,
        pull.number,
        by=actor,
        title=call.maybe_text("title"),
        body=call.maybe_text("body"),
        base=call.maybe_text("base"),
    )
    if state == "closed":
        call.world.close_pull(call.repo, pull.number, by=actor)
    elif state == "open":
        call.world.reopen_pull(call.repo, pull.number, by=actor)
    return Answer(full_pull_json(call.site, pull))


@table.route("GET", f"{_PULL}/files", _READ)
def list_files(call: Call) -> Answer:
    """The files of the diff."""
    pull = call.pull
    rows = changed_files(pull.repo.git, diff_base(pull), pull.head_sha)
    return call.page(rows, lambda row: file_json(call.site, pull.repo, row, pull.head_sha))


@table.route("GET", f"{_PULL}/commits", _READ)
def list_pull_commits(call: Call) -> Answer:
    """The commits, oldest first."""
    pull, users = call.pull, call.world.users
    rows = commits_between(pull.repo.git, diff_base(pull), pull.head_sha)
    return call.page(rows, lambda row: commit_json(call.site, pull.repo, row, users.get(row.author.name.lower())))


@table.route("GET", f"{_PULL}/requested_reviewers", _READ)
def list_requested_reviewers(call: Call) -> Answer:
    """Whose review is awaited."""
    users = [user_json(call.site, user) for user in call.pull.requested_reviewers]
    return Answer({"users": users, "teams": []})


@table.route("POST", f"{_PULL}/requested_reviewers", _WRITE)
def request_reviewers(call: Call) -> Answer:
    """Ask for reviews."""
    pull = call.world.request_review(call.repo, call.pull.number, *call.names("reviewers"), by=call.actor)
    return Answer(pull_json(call.site, pull), CREATED)


@table.route("DELETE", f"{_PULL}/requested_reviewers", _WRITE)
def withdraw_reviewers(call: Call) -> Answer:
    """Ask no more."""
    names = call.names("reviewers")
    pull = call.world.withdraw_review_request(call.repo, call.pull.number, *names, by=call.actor)
    return Answer(pull_json(call.site, pull))


@table.route("GET", f"{_PULL}/merge", _READ)
def is_merged(call: Call) -> Answer:
    """204 when merged, else 404."""
    if call.pull.merged_at is None:
        raise not_found()
    return Answer(status=NO_CONTENT)


@table.route("PUT", f"{_PULL}/merge", "contents:write")
def merge_pull(call: Call) -> Answer:
    """Merge, squash or rebase."""
    method = call.maybe_text("merge_method") or "merge"
    if method not in ("merge", "squash", "rebase"):
        raise invalid("PullRequest", "merge_method")
    sha = call.world.merge_pull(
        call.repo,
        call.pull.number,
        by=call.actor,
        method=cast(MergeMethod, method),
        title=call.maybe_text("commit_title"),
        message=call.maybe_text("commit_message"),
        sha=call.maybe_text("sha"),
    )
    return Answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _wanted(call: Call, pull: Pull) -> bool:
    query = call.query
    return (
        query.get("state", "open") in ("all", pull.issue.state)
        and query.get("base", pull.base_ref) == pull.base_ref
        and ("head" not in query or query["head"].lower() == f"{pull.repo.owner.login}:{pull.head_ref}".lower())
    )
