"""Endpoints of issues: list, open, edit, label, assign, history."""

from bot.demo.forge.model import Issue, IssueEvent
from bot.demo.forge.refusal import Refused, invalid, not_found
from bot.demo.forge.rest.call import CREATED, Answer, Call
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.issues import comment_json, event_json, issue_json, label_json
from bot.demo.forge.wire.pulls import review_json
from bot.demo.forge.wire.site import Json

table = Table()
_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{number}}"
_READ, _WRITE = "issues|pull_requests:read", "issues|pull_requests:write"


@table.route("GET", f"{_REPO}/issues", _READ)
def list_issues(call: Call) -> Answer:
    """Issues and pull requests, by state, labels, time, creator and assignee."""
    rows = [issue for issue in call.repo.issues.values() if _wanted(call, issue)]
    key = {"created": "created_at", "updated": "updated_at"}.get(call.query.get("sort", "created"))
    downwards = call.query.get("direction", "desc") != "asc"
    if key:
        rows.sort(key=lambda issue: (getattr(issue, key), issue.number), reverse=downwards)
    else:
        rows.sort(key=lambda issue: (len(issue.comments), issue.number), reverse=downwards)
    return call.page(rows, lambda issue: issue_json(call.site, issue))


@table.route("POST", f"{_REPO}/issues", "issues:write", role="read")
def create_issue(call: Call) -> Answer:
    """A new issue. Labels of someone without triage rights are dropped in silence, as on GitHub."""
    token = call.caller.token
    trusted = token is not None and (
        token.installation is not None or call.repo.role_of(token.user) not in ("none", "read")
    )
    issue = call.world.open_issue(
        call.repo,
        call.text("title", "Issue"),
        call.maybe_text("body", "Issue"),
        by=call.actor,
        labels=call.names("labels") if trusted else (),
        assignees=call.names("assignees") if trusted else (),
    )
    return Answer(issue_json(call.site, issue), CREATED)


@table.route("GET", f"{_REPO}/issues/events", _READ)
def list_repo_events(call: Call) -> Answer:
    """The history of all issues, newest first."""
    rows = [(issue, event) for issue in call.repo.issues.values() for event in _history(issue)]
    rows.sort(key=lambda row: -row[1].id)
    return call.page(rows, lambda row: {**_event(call, *row), "issue": issue_json(call.site, row[0])})


@table.route("GET", _ISSUE, _READ)
def get_issue(call: Call) -> Answer:
    """One issue or pull request."""
    return Answer(issue_json(call.site, call.issue))


@table.route("PATCH", _ISSUE, _WRITE, role="read")
def edit_issue(call: Call) -> Answer:
    """Title, body, state, labels, assignees. An author may do it without a role."""
    issue, actor, repo = call.issue, call.actor, call.repo
    token = call.caller.token
    if token and not token.installation and issue.author is not actor and repo.role_of(actor) in ("none", "read"):
        raise Refused(403, "Must have more rights to this repository.")
    state = call.maybe_text("state", "Issue")
    if state not in (None, "open", "closed"):
        raise invalid("Issue", "state")
    call.world.edit_issue(repo, issue.number, by=actor, title=call.maybe_text("title"), body=call.maybe_text("body"))
    if "labels" in call.body:
        _set_labels(call, issue, call.names("labels"))
    if "assignees" in call.body:
        call.world.assign(repo, issue.number, *call.names("assignees"), by=actor)
    _set_state(call, issue, state)
    return Answer(issue_json(call.site, issue))


@table.route("GET", f"{_ISSUE}/labels", _READ)
def list_issue_labels(call: Call) -> Answer:
    """The labels on an issue."""
    return call.page(call.issue.labels, lambda label: label_json(call.site, label))


@table.route("POST", f"{_ISSUE}/labels", _WRITE, role="triage")
def add_labels(call: Call) -> Answer:
    """Add labels; the body is `{"labels": […]}` or the bare list."""
    call.world.label_issue(call.repo, call.issue.number, *_label_names(call), by=call.actor)
    return Answer([label_json(call.site, label) for label in call.issue.labels])


@table.route("PUT", f"{_ISSUE}/labels", _WRITE, role="triage")
def set_labels(call: Call) -> Answer:
    """Replace all labels."""
    _set_labels(call, call.issue, _label_names(call))
    return Answer([label_json(call.site, label) for label in call.issue.labels])


@table.route("DELETE", f"{_ISSUE}/labels/{{name:path}}", _WRITE, role="triage")
def remove_label(call: Call) -> Answer:
    """Take one label off."""
    labels = call.world.unlabel_issue(call.repo, call.issue.number, call.path["name"], by=call.actor)
    return Answer([label_json(call.site, label) for label in labels])


@table.route("POST", f"{_ISSUE}/assignees", _WRITE, role="triage")
def add_assignees(call: Call) -> Answer:
    """Assign users."""
    issue = call.world.assign(call.repo, call.issue.number, *call.names("assignees"), by=call.actor)
    return Answer(issue_json(call.site, issue), CREATED)


@table.route("GET", f"{_ISSUE}/events", _READ)
def list_events(call: Call) -> Answer:
    """The history of an issue, oldest first."""
    issue = call.issue
    return call.page(_history(issue), lambda event: _event(call, issue, event))


@table.route("GET", f"{_ISSUE}/timeline", _READ)
def get_timeline(call: Call) -> Answer:
    """History, comments and reviews in one row."""
    issue = call.issue
    rows: list[tuple[str, Json]] = []
    for event in _history(issue):
        shape = _event(call, issue, event)
        rows.append((shape["created_at"], shape))
    for comment in issue.comments:
        shape = comment_json(call.site, comment)
        extra = {"event": "commented", "actor": shape["user"]}
        rows.append((shape["created_at"], {**shape, **extra}))
    for review in issue.pull.reviews if issue.pull else ():
        shape = review_json(call.site, review)
        rows.append((shape["submitted_at"], {**shape, "event": "reviewed", "state": shape["state"].lower()}))
    rows.sort(key=lambda row: (row[0], row[1]["id"]))
    return call.page(rows, lambda row: row[1])


@table.route("GET", f"{_REPO}/issues/events/{{event_id}}", _READ)
def get_event(call: Call) -> Answer:
    """One row of history."""
    wanted = call.number("event_id")
    for issue in call.repo.issues.values():
        for event in _history(issue):
            if event.id == wanted:
                return Answer({**_event(call, issue, event), "issue": issue_json(call.site, issue)})
    raise not_found()


def _wanted(call: Call, issue: Issue) -> bool:
    query, since = call.query, call.since()
    names = {name.lower() for name in query.get("labels", "").split(",") if name}
    return (
        query.get("state", "open") in ("all", issue.state)
        and names <= {label.name.lower() for label in issue.labels}
        and (since is None or issue.updated_at >= since)
        and query.get("creator", issue.author.login).lower() == issue.author.login.lower()
        and ("assignee" not in query or query["assignee"] in ("*", *(who.login for who in issue.assignees)))
    )


def _set_state(call: Call, issue: Issue, state: str | None) -> None:
    world, repo, actor = call.world, call.repo, call.actor
    if state == "closed" and issue.pull:
        world.close_pull(repo, issue.number, by=actor)
    elif state == "closed":
        world.close_issue(repo, issue.number, by=actor, reason=call.maybe_text("state_reason") or "completed")
    elif state == "open" and issue.pull:
        world.reopen_pull(repo, issue.number, by=actor)
    elif state == "open":
        world.reopen_issue(repo, issue.number, by=actor)


def _set_labels(call: Call, issue: Issue, names: list[str]) -> None:
    wanted = {name.lower() for name in names}
    for label in [label for label in issue.labels if label.name.lower() not in wanted]:
        call.world.unlabel_issue(call.repo, issue.number, label.name, by=call.actor)
    call.world.label_issue(call.repo, issue.number, *names, by=call.actor)


def _label_names(call: Call) -> list[str]:
    rows = call.body.get("labels", call.body.get(""))
    if not isinstance(rows, list):
        raise Refused(422, "Invalid request.\n\nFor 'labels', expected an array.")
    names = [row.get("name", "") if isinstance(row, dict) else row for row in rows]
    if not all(isinstance(name, str) for name in names):
        raise invalid("Label", "name")
    return names


def _history(issue: Issue) -> list[IssueEvent]:
    return [event for event in issue.events if event.event != "reviewed"]


def _event(call: Call, issue: Issue, event: IssueEvent) -> Json:
    return event_json(call.site, issue, event, call.world.app_of(event.actor))
