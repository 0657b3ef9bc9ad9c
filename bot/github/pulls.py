"""Our pull request of a head branch: made once, its part of the body renewed, its draft state kept right."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from bot.github.api import repo_call
from bot.github.body import renewed
from bot.github.cut import cut_title
from bot.github.errors import Refused
from bot.github.models import WirePull
from bot.github.verbs import Verbs
from bot.task.ids import BranchName, Login, PullNumber, RepoRef
from bot.task.observed import Pull, PullDraft

log = logging.getLogger(__name__)

_DRAFTS_UNSUPPORTED = "draft pull requests are not supported"
"""Private repositories of some plans have no drafts; GitHub tells it only when one is made."""
_TO_DRAFT = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { clientMutationId } }"
_TO_READY = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }"
"""The REST API cannot change the draft state."""


class Pulls(Verbs):
    """Implements the pull requests of `Writes` of `bot.flow.doors`."""

    async def put_pull(self, repo: RepoRef, draft: PullDraft) -> Pull:
        """A closed pull request is returned as it is: a person closed it. Where there are no drafts, it stays ready."""
        there = await self.pull_of_branch(repo, draft.head)
        if there is None:
            try:
                return await self._open(repo, draft)
            except Refused as refused:
                if not (refused.status == 422 and refused.says("already exists")):
                    raise
                there = await self.pull_of_branch(repo, draft.head)
                if there is None:
                    raise
        return await self._renew_pull(there, draft) if there.is_open else there

    async def pull_of_branch(self, repo: RepoRef, branch: BranchName) -> Pull | None:
        """The open one, else the latest; never one from a fork."""
        params = {"head": f"{repo.owner}:{branch}", "state": "all"}
        call = repo_call(repo, f"look for the pull request of {branch} in {repo.full_name}", "/pulls", params=params)
        rows = await self._api.pages(call, lambda rows: map(WirePull.model_validate, rows))
        found = [row.pull(repo) for row in rows if row.is_from(repo, branch)]
        return max(found, key=lambda pull: (pull.is_open, pull.number), default=None)

    async def _open(self, repo: RepoRef, draft: PullDraft) -> Pull:
        body = {
            "head": draft.head,
            "base": draft.base,
            "title": cut_title(draft.title),
            "body": renewed("", draft.ours),
            "draft": draft.draft,
        }
        verb = f"open the pull request of {draft.head} in {repo.full_name}"
        try:
            answer = await self._api.write(repo_call(repo, verb, "/pulls", "POST", body=body))
        except Refused as refused:
            if not (draft.draft and refused.says(_DRAFTS_UNSUPPORTED)):
                raise
            return await self._open(repo, replace(draft, draft=False))
        return WirePull.model_validate(answer.data).pull(repo)

    async def _renew_pull(self, there: Pull, draft: PullDraft) -> Pull:
        body = renewed(there.body, draft.ours)
        name = f"{there.repo.full_name}#{there.number}"
        if body != there.body.replace("\r\n", "\n"):
            path = f"/pulls/{there.number}"
            call = repo_call(there.repo, f"edit the body of {name}", path, "PATCH", body={"body": body})
            answer = await self._api.write(call, repeatable=True)
            there = WirePull.model_validate(answer.data).pull(there.repo)
        if there.draft == draft.draft:
            return there
        try:
            change, word = (_TO_DRAFT, "a draft") if draft.draft else (_TO_READY, "ready for review")
            await self._api.mutate(there.repo, f"make {name} {word}", change, {"id": there.node_id})
        except Refused as refused:
            if not refused.says(_DRAFTS_UNSUPPORTED):
                raise
            return there
        return replace(there, draft=draft.draft)

    async def request_review(self, repo: RepoRef, pull: PullNumber, reviewers: Sequence[Login]) -> None:
        """GitHub refuses a whole list for one name in it; then each is asked alone."""
        wanted = list(dict.fromkeys(reviewers))
        if not wanted:
            return
        try:
            await self._ask_reviewers(repo, pull, wanted)
        except Refused as refused:
            if refused.status != 422:
                raise
            for reviewer in wanted if len(wanted) > 1 else ():
                await self._ask_reviewer(repo, pull, reviewer)

    async def _ask_reviewer(self, repo: RepoRef, pull: PullNumber, reviewer: Login) -> None:
        try:
            await self._ask_reviewers(repo, pull, [reviewer])
        except Refused as refused:
            if refused.status != 422:
                raise
            log.info("%s cannot review %s#%d: %s", reviewer, repo.full_name, pull, refused.message)

    async def _ask_reviewers(self, repo: RepoRef, pull: PullNumber, reviewers: list[Login]) -> None:
        verb, path = f"ask for a review of {repo.full_name}#{pull}", f"/pulls/{pull}/requested_reviewers"
        await self._api.write(repo_call(repo, verb, path, "POST", body={"reviewers": reviewers}), repeatable=True)

    async def delete_branch(self, repo: RepoRef, branch: BranchName) -> None:
        """A branch that is gone is fine, and so is one that its repository protects."""
        verb, path = f"delete the branch {branch} of {repo.full_name}", f"/git/refs/heads/{quote(branch)}"
        try:
            await self._api.write(repo_call(repo, verb, path, "DELETE"), repeatable=True)
        except Refused as refused:
            if refused.status not in (404, 422):
                raise
            log.info("left as it is: %s", refused)
