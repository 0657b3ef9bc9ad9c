"""Verbs about check runs: create, update, ask to run again, and their sum for a commit."""

from datetime import datetime
from typing import Any

from bot.demo.forge.model import App, CheckRun, Happening, Repository, User
from bot.demo.forge.refusal import Refused, invalid, not_found
from bot.demo.forge.world.memory import RepoName, Who
from bot.demo.forge.world.pending import PendingReviewVerbs

_STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
_CONCLUSIONS = ("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required")
_BATCH = 50
_TEXT_LIMIT = 65535


class CheckVerbs(PendingReviewVerbs):
    """What apps report on a commit."""

    def create_check_run(
        self, repo: RepoName, app: App, name: str, head_sha: str, *, silent: bool = False, **fields: Any
    ) -> CheckRun:
        """Add a check run; `fields` are those of the REST call (status, conclusion, output, …)."""
        place = self.repo(repo)
        if not name:
            raise invalid("CheckRun", "name", "missing_field")
        if place.git.resolve(head_sha) != head_sha:
            raise Refused(422, f"No commit found for SHA: {head_sha}")
        run = CheckRun(
            id=self.next_id(),
            suite_id=self._suite_of(place, app, head_sha),
            repo=place,
            app=app,
            name=name,
            head_sha=head_sha,
            status="queued",
            conclusion=None,
            started_at=self.now(),
            completed_at=None,
            details_url=None,
            external_id=None,
            output={},
        )
        self._write(run, fields)
        place.check_runs[run.id] = run
        self._tell_run(run, "created", app.bot, silent)
        if run.status == "completed":
            self._tell_run(run, "completed", app.bot, silent)
        return run

    def update_check_run(self, run: CheckRun, *, silent: bool = False, **fields: Any) -> CheckRun:
        """Change a check run; a conclusion completes it. Annotations are added, 50 a call."""
        was = run.status
        self._write(run, fields)
        if run.status == "completed" and was != "completed":
            self._tell_run(run, "completed", run.app.bot, silent)
        return run

    def rerequest_check_run(self, repo: RepoName, check_run_id: int, *, by: Who, silent: bool = False) -> CheckRun:
        """Press *Re-run*: the app that made the run is asked to do it again."""
        run = self.find_check_run(repo, check_run_id)
        self._tell_run(run, "rerequested", self.user(by), silent)
        return run

    def find_check_run(self, repo: RepoName, check_run_id: int) -> CheckRun:
        """A check run by its id."""
        found = self.repo(repo).check_runs.get(check_run_id)
        if found is None:
            raise not_found()
        return found

    def check_runs_of(self, repo: RepoName, sha: str, *, latest: bool = True) -> list[CheckRun]:
        """The runs on a commit, newest first; `latest` keeps one per app and name."""
        runs = sorted((r for r in self.repo(repo).check_runs.values() if r.head_sha == sha), key=lambda r: -r.id)
        if not latest:
            return runs
        newest: dict[tuple[int, str], CheckRun] = {}
        for run in runs:
            newest.setdefault((run.app.id, run.name), run)
        return list(newest.values())

    def _suite_of(self, repo: Repository, app: App, sha: str) -> int:
        runs = (run for run in repo.check_runs.values() if run.app is app and run.head_sha == sha)
        first = next(runs, None)
        return first.suite_id if first else self.next_id()

    def _write(self, run: CheckRun, fields: dict[str, Any]) -> None:
        _check_fields(fields)
        output = dict(fields.get("output") or {})
        run.annotations += output.pop("annotations", [])
        run.output |= output
        for key in ("name", "details_url", "external_id", "actions"):
            if key in fields:
                setattr(run, key, fields[key])
        for key in ("started_at", "completed_at"):
            if fields.get(key):
                setattr(run, key, datetime.fromisoformat(fields[key]))
        if fields.get("conclusion"):
            run.conclusion, run.status = fields["conclusion"], "completed"
            run.completed_at = run.completed_at or self.now()
        elif "status" in fields:
            run.status = fields["status"]
            if run.status != "completed":
                run.conclusion, run.completed_at = None, None

    def _tell_run(self, run: CheckRun, action: str, sender: User, silent: bool) -> None:
        self.tell(Happening("check_run", action, sender, run.repo, check_run=run), silent=silent)


def _check_fields(fields: dict[str, Any]) -> None:
    status, conclusion, output = fields.get("status"), fields.get("conclusion"), fields.get("output")
    if status is not None and status not in _STATUSES:
        raise invalid("CheckRun", "status")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise invalid("CheckRun", "conclusion")
    if status == "completed" and conclusion is None:
        raise invalid("CheckRun", "conclusion", "missing_field")
    if output is not None:
        if not output.get("title") or not output.get("summary"):
            raise invalid("CheckRun", "output", "missing_field", "output needs a title and a summary")
        if len(output.get("annotations", [])) > _BATCH:
            raise invalid("CheckRun", "annotations", "invalid", f"at most {_BATCH} annotations a request")
        for key in ("summary", "text"):
            if len((output.get(key) or "").encode()) > _TEXT_LIMIT:
                raise Refused(422, f"Invalid request.\n\nOnly {_TEXT_LIMIT} characters are allowed; {key} is too long.")
