"""Issues, comments, labels, reactions and history on the wire."""

from collections.abc import Iterable

from bot.demo.forge.model import REACTIONS, App, Comment, Issue, IssueEvent, Label, Reaction, Review, User
from bot.demo.forge.wire.apps import app_json
from bot.demo.forge.wire.people import association, maybe_user, user_json
from bot.demo.forge.wire.repos import repo_api, repo_web
from bot.demo.forge.wire.site import Json, Site, maybe_stamp, stamp


def label_json(site: Site, label: Label) -> Json:
    """A label."""
    return {
        "id": label.id,
        "node_id": f"LA_{label.id}",
        "url": f"{repo_api(site, label.repo)}/labels/{label.name}",
        "name": label.name,
        "color": label.color,
        "default": False,
        "description": label.description,
        "archived_at": None,
        "archived_by": None,
    }


def reactions_json(url: str, reactions: Iterable[Reaction]) -> Json:
    """The sum of reactions that stands on issues and comments."""
    contents = [reaction.content for reaction in reactions]
    counts = {content: contents.count(content) for content in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(contents), **counts}


def reaction_json(site: Site, reaction: Reaction) -> Json:
    """One reaction."""
    return {
        "id": reaction.id,
        "node_id": f"REA_{reaction.id}",
        "user": user_json(site, reaction.user),
        "content": reaction.content,
        "created_at": stamp(reaction.created_at),
    }


def maybe_app(site: Site, app: App | None) -> Json | None:
    """`performed_via_github_app`."""
    return app_json(site, app) if app else None


def issue_json(site: Site, issue: Issue) -> Json:
    """An issue, or the issue side of a pull request (with its `pull_request` key)."""
    repo = issue.repo
    url = f"{repo_api(site, repo)}/issues/{issue.number}"
    part = "pull" if issue.pull else "issues"
    shape: Json = {
        "id": issue.id,
        "node_id": f"I_{issue.id}",
        "url": url,
        "repository_url": repo_api(site, repo),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": f"{repo_web(site, repo)}/{part}/{issue.number}",
        "number": issue.number,
        "state": issue.state,
        "state_reason": issue.state_reason,
        "title": issue.title,
        "body": issue.body,
        "user": user_json(site, issue.author),
        "author_association": association(repo, issue.author),
        "labels": [label_json(site, label) for label in issue.labels],
        "assignee": maybe_user(site, issue.assignees[0] if issue.assignees else None),
        "assignees": [user_json(site, who) for who in issue.assignees],
        "milestone": None,
        "locked": issue.locked,
        "active_lock_reason": None,
        "comments": len(issue.comments),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": maybe_stamp(issue.closed_at),
        "closed_by": maybe_user(site, issue.closed_by),
        "reactions": reactions_json(url, issue.reactions),
        "performed_via_github_app": maybe_app(site, issue.via_app),
    }
    if issue.pull:
        web = shape["html_url"]
        shape["draft"] = issue.pull.draft
        shape["pull_request"] = {
            "url": f"{repo_api(site, repo)}/pulls/{issue.number}",
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "merged_at": maybe_stamp(issue.pull.merged_at),
        }
    return shape


def comment_json(site: Site, comment: Comment) -> Json:
    """A comment of the conversation."""
    issue = comment.issue
    api = repo_api(site, issue.repo)
    url = f"{api}/issues/comments/{comment.id}"
    part = "pull" if issue.pull else "issues"
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": url,
        "html_url": f"{repo_web(site, issue.repo)}/{part}/{issue.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/issues/{issue.number}",
        "body": comment.body,
        "user": user_json(site, comment.author),
        "author_association": association(issue.repo, comment.author),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "reactions": reactions_json(url, comment.reactions),
        "performed_via_github_app": maybe_app(site, comment.via_app),
        "pin": None,
    }


def event_json(site: Site, issue: Issue, event: IssueEvent, via_app: App | None) -> Json:
    """A row of an issue's history."""
    url = repo_api(site, issue.repo)
    shape: Json = {
        "id": event.id,
        "node_id": f"EV_{event.id}",
        "url": f"{url}/issues/events/{event.id}",
        "actor": user_json(site, event.actor),
        "event": event.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(event.created_at),
        "performed_via_github_app": maybe_app(site, via_app),
    }
    if event.label:
        shape["label"] = {"name": event.label.name, "color": event.label.color}
    if event.event == "closed":
        shape["state_reason"] = issue.state_reason
    for key, value in event.extra.items():
        if isinstance(value, User):
            shape[key] = user_json(site, value)
        elif not isinstance(value, Review):
            shape[key] = value
    if shape["commit_id"]:
        shape["commit_url"] = f"{url}/commits/{shape['commit_id']}"
    return shape
