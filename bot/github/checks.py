"""Check runs: our report on one exact commit."""

from bot.github.api import repo_call
from bot.github.cut import SUMMARY_LIMIT, cut_middle_bytes, cut_title
from bot.github.models import WireCheckRun, WireCheckRuns
from bot.github.verbs import Verbs
from bot.task.ids import RepoRef
from bot.task.observed import CheckRunDraft


class CheckRuns(Verbs):
    """Implements the check runs of `Writes` of `bot.flow.doors`."""

    async def put_check_run(self, repo: RepoRef, draft: CheckRunDraft) -> str:
        output = {"title": cut_title(draft.title), "summary": cut_middle_bytes(draft.summary, SUMMARY_LIMIT)}
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
            body = {**content, "head_sha": draft.head}
            answer = await self._api.write(repo_call(repo, verb, "/check-runs", "POST", body=body))
            return WireCheckRun.model_validate(answer.data).html_url
        if (there.conclusion, there.output.model_dump()) != (draft.conclusion.value, output):
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
