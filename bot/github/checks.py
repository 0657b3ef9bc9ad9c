"""Check runs: our report on one exact commit."""

from bot.github.api import repo_call
from bot.github.cut import SUMMARY_LIMIT, cut_middle_bytes, cut_title, sendable
from bot.github.models import WireCheckRun, WireCheckRuns
from bot.github.verbs import Verbs
from bot.task.ids import RepoRef
from bot.task.observed import Annotation, CheckRunDraft

ANNOTATIONS = 50
"""At most so many are taken in one request, and a further request adds to them: there is one request."""
MESSAGE_LIMIT = 64_000
"""Bytes of an annotation's message; GitHub takes 64 KB."""


class CheckRuns(Verbs):
    """Implements the check runs of `Writes` of `bot.flow.doors`."""

    async def put_check_run(self, repo: RepoRef, draft: CheckRunDraft) -> str:
        output: dict[str, object] = {
            "title": cut_title(draft.title),
            "summary": cut_middle_bytes(draft.summary, SUMMARY_LIMIT),
        }
        if draft.text:
            output["text"] = cut_middle_bytes(draft.text, SUMMARY_LIMIT)
        content: dict[str, object] = {
            "name": draft.name,
            "external_id": draft.external_id,
            "status": "completed",
            "conclusion": draft.conclusion.value,
            "output": output,
        }
        there = await self._our_run(repo, draft)
        if there is None:
            verb = f"report on {draft.head[:7]} in {repo.full_name}"
            marked = {**output, "annotations": [_annotation(one) for one in draft.annotations[:ANNOTATIONS]]}
            body = {**content, "head_sha": draft.head, "output": marked}
            answer = await self._api.write(repo_call(repo, verb, "/check-runs", "POST", body=body))
            return WireCheckRun.model_validate(answer.data).html_url
        if (there.conclusion, there.output.model_dump()) != (draft.conclusion.value, {"text": "", **output}):
            verb, path = f"renew the report on {draft.head[:7]} in {repo.full_name}", f"/check-runs/{there.id}"
            await self._api.write(repo_call(repo, verb, path, "PATCH", body=content), repeatable=True)
        return there.html_url

    async def _our_run(self, repo: RepoRef, draft: CheckRunDraft) -> WireCheckRun | None:
        app = (await self._identity.get()).app_id
        params = {"check_name": draft.name, "filter": "all"}
        path = f"/commits/{draft.head}/check-runs"
        call = repo_call(repo, f"list the check runs of {draft.head[:7]} in {repo.full_name}", path, params=params)
        runs = await self._api.pages(call, lambda page: WireCheckRuns.model_validate(page).check_runs)
        ours = [run for run in runs if run.app and run.app.id == app and run.name == draft.name]
        return max((run for run in ours if run.external_id == draft.external_id), key=lambda run: run.id, default=None)


def _annotation(one: Annotation) -> dict[str, object]:
    return {
        "path": sendable(one.path),
        "start_line": one.line,
        "end_line": one.line,
        "annotation_level": "failure" if one.is_failure else "warning",
        "title": cut_title(one.title)[:255],
        "message": cut_middle_bytes(one.message, MESSAGE_LIMIT),
    }
