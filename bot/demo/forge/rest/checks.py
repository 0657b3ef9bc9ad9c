"""Endpoints of check runs and suites."""

from bot.demo.forge.model import CheckRun
from bot.demo.forge.refusal import Refused, forbidden
from bot.demo.forge.rest.call import CREATED, Answer, Call
from bot.demo.forge.rest.repos import commit_of, get_commit
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.checks import check_run_json, suite_json
from bot.demo.forge.wire.site import Json

table = Table()
_REPO = "/repos/{owner}/{repo}"
_RUN = f"{_REPO}/check-runs/{{run_id}}"
_READ, _WRITE = "checks:read", "checks:write"


@table.route("POST", f"{_REPO}/check-runs", _WRITE)
def create_check_run(call: Call) -> Answer:
    """A check run of the acting app."""
    fields = {key: value for key, value in call.body.items() if key not in ("name", "head_sha")}
    name, sha = call.text("name", "CheckRun"), call.text("head_sha", "CheckRun")
    run = call.world.create_check_run(call.repo, call.acting_app, name, sha, **fields)
    return Answer(check_run_json(call.site, run), CREATED)


@table.route("GET", _RUN, _READ)
def get_check_run(call: Call) -> Answer:
    """One check run."""
    return Answer(check_run_json(call.site, _run(call)))


@table.route("PATCH", _RUN, _WRITE)
def update_check_run(call: Call) -> Answer:
    """Change a check run; only the app that made it may."""
    run = _run(call)
    if run.app is not call.acting_app:
        raise forbidden("Invalid app_id `check_run` was created by another app.")
    call.world.update_check_run(run, **call.body)
    return Answer(check_run_json(call.site, run))


@table.route("GET", f"{_RUN}/annotations", _READ)
def list_annotations(call: Call) -> Answer:
    """The annotations of a check run."""
    blank = dict.fromkeys(("title", "raw_details", "start_column", "end_column"))
    run = _run(call)
    href = f"{call.site.web}/{run.repo.full_name}/blob/{run.head_sha}"
    return call.page(run.annotations, lambda row: {**blank, "blob_href": f"{href}/{row.get('path')}", **row})


@table.route("POST", f"{_RUN}/rerequest", _WRITE)
def rerequest(call: Call) -> Answer:
    """Ask for the run again."""
    call.world.rerequest_check_run(call.repo, _run(call).id, by=call.actor)
    return Answer({}, CREATED)


@table.route("GET", f"{_REPO}/commits/{{ref:path}}/check-runs", _READ)
def list_check_runs(call: Call) -> Answer:
    """The runs on a commit, by `check_name`, `status`, `app_id`; the latest of each name unless `filter=all`."""
    query = call.query
    sha = commit_of(call, call.path["ref"]).sha
    runs = [
        run
        for run in call.world.check_runs_of(call.repo, sha, latest=query.get("filter") != "all")
        if query.get("check_name", run.name) == run.name
        and query.get("status", run.status) == run.status
        and query.get("app_id", str(run.app.id)) == str(run.app.id)
    ]
    return call.page(runs, lambda run: check_run_json(call.site, run), "check_runs")


@table.route("GET", f"{_REPO}/commits/{{ref:path}}/check-suites", _READ)
def list_check_suites(call: Call) -> Answer:
    """One suite for each app that reported on a commit."""
    suites: dict[int, list[CheckRun]] = {}
    for run in call.world.check_runs_of(call.repo, commit_of(call, call.path["ref"]).sha):
        suites.setdefault(run.suite_id, []).append(run)
    return call.page(list(suites.values()), lambda runs: suite_json(call.site, runs), "check_suites")


@table.route("GET", f"{_REPO}/commits/{{ref:path}}/status", "statuses|contents:read")
def combined_status(call: Call) -> Answer:
    """The older commit statuses: the forge has none."""
    sha = commit_of(call, call.path["ref"]).sha
    url = f"{call.site.api}/repos/{call.repo.full_name}"
    body: Json = {"state": "pending", "statuses": [], "sha": sha, "total_count": 0}
    links = {"commit_url": f"{url}/commits/{sha}", "url": f"{url}/commits/{sha}/status"}
    return Answer({**body, **links, "repository": {"full_name": call.repo.full_name}})


table.route("GET", f"{_REPO}/commits/{{ref:path}}", "contents:read")(get_commit)


def _run(call: Call) -> CheckRun:
    run = call.world.find_check_run(call.repo, call.number("run_id"))
    if run.repo is not call.repo:
        raise Refused(404, "Not Found")
    return run
