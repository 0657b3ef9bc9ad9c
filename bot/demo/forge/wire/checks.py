"""Check runs and suites on the wire."""

from bot.demo.forge.model import CheckRun
from bot.demo.forge.wire.apps import app_json
from bot.demo.forge.wire.repos import repo_api, repo_json, repo_web
from bot.demo.forge.wire.site import Json, Site, maybe_stamp, stamp


def check_run_json(site: Site, run: CheckRun) -> Json:
    """A check run as REST answers it."""
    repo = run.repo
    url = f"{repo_api(site, repo)}/check-runs/{run.id}"
    page = f"{repo_web(site, repo)}/runs/{run.id}"
    output = {key: run.output.get(key) for key in ("title", "summary", "text")}
    return {
        "id": run.id,
        "node_id": f"CR_{run.id}",
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id or "",
        "url": url,
        "html_url": page,
        "details_url": run.details_url or page,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": stamp(run.started_at),
        "completed_at": maybe_stamp(run.completed_at),
        "output": {
            **output,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": app_json(site, run.app),
        "pull_requests": _pulls_of(site, run),
    }


def check_run_event_json(site: Site, run: CheckRun) -> Json:
    """A check run as webhooks carry it: its suite is spelled out."""
    return {
        **check_run_json(site, run),
        "check_suite": suite_json(site, [run], with_commit=False),
        "actions": run.actions,
    }


def suite_json(site: Site, runs: list[CheckRun], *, with_commit: bool = True) -> Json:
    """The suite that some runs of one app on one commit make."""
    run = runs[0]
    repo = run.repo
    done = all(one.status == "completed" for one in runs)
    failed = any(one.conclusion not in ("success", "neutral", "skipped") for one in runs)
    branch = next((r for r, sha in repo.refs.items() if sha == run.head_sha and r.startswith("refs/heads/")), None)
    url = f"{repo_api(site, repo)}/check-suites/{run.suite_id}"
    shape: Json = {
        "id": run.suite_id,
        "node_id": f"CS_{run.suite_id}",
        "head_branch": branch.removeprefix("refs/heads/") if branch else None,
        "head_sha": run.head_sha,
        "status": "completed" if done else "in_progress",
        "conclusion": ("failure" if failed else "success") if done else None,
        "url": url,
        "before": None,
        "after": run.head_sha,
        "pull_requests": _pulls_of(site, run),
        "app": app_json(site, run.app),
        "created_at": stamp(run.started_at),
        "updated_at": stamp(run.completed_at or run.started_at),
    }
    if with_commit:
        commit = repo.git.commit(run.head_sha)
        who = {"name": commit.author.name, "email": commit.author.email}
        shape |= {
            "repository": repo_json(site, repo),
            "head_commit": {
                "id": commit.sha,
                "tree_id": commit.tree,
                "message": commit.message,
                "timestamp": commit.author.when.isoformat(),
                "author": who,
                "committer": who,
            },
            "latest_check_runs_count": len(runs),
            "check_runs_url": f"{url}/check-runs",
        }
    return shape


def _pulls_of(site: Site, run: CheckRun) -> list[Json]:
    api = repo_api(site, run.repo)
    place = {"id": run.repo.id, "url": api, "name": run.repo.name}
    return [
        {
            "id": pull.id,
            "number": pull.number,
            "url": f"{api}/pulls/{pull.number}",
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": place},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": place},
        }
        for pull in run.repo.pulls()
        if pull.head_sha == run.head_sha and pull.issue.state == "open"
    ]
