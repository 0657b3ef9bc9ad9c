"""The body of a webhook: a happening in the world as one JSON object."""

from typing import Any

from bot.demo.forge.git.bare import Commit
from bot.demo.forge.git.diff import changed_files
from bot.demo.forge.model import Happening, Installation, Repository, User
from bot.demo.forge.wire.apps import installation_json
from bot.demo.forge.wire.checks import check_run_event_json
from bot.demo.forge.wire.issues import comment_json, issue_json, label_json
from bot.demo.forge.wire.people import user_json
from bot.demo.forge.wire.pulls import full_pull_json, pull_json, review_comment_json, review_json
from bot.demo.forge.wire.repos import repo_json, repo_web
from bot.demo.forge.wire.site import Json, Site, stamp

_PUSH_LIMIT = 2048


def payload(site: Site, what: Happening, installation: Installation | None) -> Json:
    """The JSON that the app of an installation gets for a happening."""
    body: Json = {"action": what.action} if what.action else {}
    match what.event:
        case "push":
            body |= _push(site, what)
        case "create" | "delete":
            body |= _ref(what)
        case "installation" | "installation_repositories":
            return body | _installation(site, what)
        case "ping":
            return _ping(what)
        case _:
            body |= _subject(site, what) | _extras(site, what.extra)
    if what.repo:
        body["repository"] = repo_json(site, what.repo)
    if installation:
        body["installation"] = {"id": installation.id, "node_id": f"INS_{installation.id}"}
    if what.repo and what.repo.owner.type == "Organization":
        body["organization"] = _organization(site, what.repo.owner)
    return body | {"sender": user_json(site, what.sender)}


def _subject(site: Site, what: Happening) -> Json:
    """What the event is about."""
    body: Json = {}
    if what.issue and what.issue.pull and what.event != "issue_comment":
        full = what.event == "pull_request"
        body["pull_request"] = (full_pull_json if full else pull_json)(site, what.issue.pull)
        if full:
            body["number"] = what.issue.number
    elif what.issue:
        body["issue"] = issue_json(site, what.issue)
    if what.comment:
        body["comment"] = comment_json(site, what.comment)
    if what.review_comment:
        body["comment"] = review_comment_json(site, what.review_comment)
    if what.review:
        shape = review_json(site, what.review)
        body["review"] = {**shape, "state": shape["state"].lower(), "updated_at": shape["submitted_at"]}
    if what.check_run:
        body["check_run"] = check_run_event_json(site, what.check_run)
    if what.label:
        body["label"] = label_json(site, what.label)
    if what.reviewer:
        body["requested_reviewer"] = user_json(site, what.reviewer)
    if what.event == "issue_comment" and what.action == "edited":
        body["changes"] = what.extra.get("changes", {})
    return body


def _extras(site: Site, extra: dict[str, Any]) -> Json:
    return {key: user_json(site, value) if isinstance(value, User) else value for key, value in extra.items()}


def _push(site: Site, what: Happening) -> Json:
    repo, extra = what.repo, what.extra
    if repo is None:
        raise ValueError("a push needs a repository")
    before, after = extra["before"], extra["after"]
    commits = [_pushed_commit(site, repo, commit) for commit in extra["commits"][-_PUSH_LIMIT:]]
    head = None if not after.strip("0") else _pushed_commit(site, repo, repo.git.commit(after))
    return {
        "ref": extra["ref"],
        "before": before,
        "after": after,
        "created": not before.strip("0"),
        "deleted": not after.strip("0"),
        "forced": extra["forced"],
        "base_ref": None,
        "compare": f"{repo_web(site, repo)}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": head,
        "pusher": {"name": what.sender.login, "email": what.sender.email},
    }


def _pushed_commit(site: Site, repo: Repository, commit: Commit) -> Json:
    files = changed_files(repo.git, commit.parents[0], commit.sha) if commit.parents else ()
    names: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for one in files:
        names.get(one.status, names["modified"]).append(one.path)
    who = {
        role: {"name": sign.name, "email": sign.email, "username": sign.name}
        for role, sign in (("author", commit.author), ("committer", commit.committer))
    }
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.author.when.isoformat(),
        "url": f"{repo_web(site, repo)}/commit/{commit.sha}",
        **who,
        **names,
    }


def _ref(what: Happening) -> Json:
    body = {"ref": what.extra["ref"], "ref_type": what.extra["ref_type"], "pusher_type": "user"}
    if what.event == "create" and what.repo:
        body |= {"master_branch": what.repo.default_branch, "description": what.repo.description}
    return body


def _installation(site: Site, what: Happening) -> Json:
    if what.installation is None:
        raise ValueError("an installation event needs an installation")
    rows = [
        {
            "id": repo.id,
            "node_id": f"R_{repo.id}",
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
        }
        for repo in what.repositories
    ]
    body: Json = {"installation": installation_json(site, what.installation)}
    if what.event == "installation_repositories":
        added = what.action == "added"
        body |= {
            "repository_selection": what.installation.selection,
            "repositories_added": rows if added else [],
            "repositories_removed": [] if added else rows,
        }
    else:
        body["repositories"] = rows
    return body | {"requester": None, "sender": user_json(site, what.sender)}


def _ping(what: Happening) -> Json:
    app = what.extra["app"]
    return {
        "zen": "A small forge on a laptop.",
        "hook_id": app.hook_id,
        "hook": {
            "type": "App",
            "id": app.hook_id,
            "name": "web",
            "active": True,
            "events": list(app.events),
            "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.webhook_url},
            "created_at": stamp(app.created_at),
            "updated_at": stamp(app.created_at),
            "app_id": app.id,
            "deliveries_url": "",
        },
    }


def _organization(site: Site, owner: User) -> Json:
    user = user_json(site, owner)
    url = f"{site.api}/orgs/{owner.login}"
    links = {f"{name}_url": f"{url}/{name}" for name in ("repos", "events", "hooks", "issues")}
    members = {"members_url": f"{url}/members{{/member}}", "public_members_url": f"{url}/public_members{{/member}}"}
    kept = {key: user[key] for key in ("login", "id", "node_id", "avatar_url")}
    return {**kept, **links, **members, "url": url, "description": None}
