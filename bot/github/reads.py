"""The truth about one thing, read from GitHub. None means: it is not there."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from bot.github.api import repo_call
from bot.github.models import (
    GHOST,
    WireBranch,
    WireComment,
    WireEdits,
    WireEvent,
    WireInline,
    WireIssue,
    WirePermission,
    WirePull,
    WireReaction,
    WireRepo,
    WireReview,
    actor,
)
from bot.github.verbs import Verbs
from bot.task.ids import BranchName, CommentId, CommitSha, IssueRef, Login, PullNumber, RepoRef, ReviewId
from bot.task.observed import Actor, Comment, Edit, InlineComment, Issue, LabelChange, Pull, Repository, Review

_EDITS = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { issue(number: $number) { lastEditedAt editor { login } } } }"""
"""The REST API does not tell when a body was changed."""
_MAY_WRITE = frozenset({"admin", "maintain", "write"})


class Reads(Verbs):
    """Implements `Reads` of `bot.flow.doors`."""

    async def repository(self, repo: RepoRef) -> Repository | None:
        call = repo_call(repo, f"read the repository {repo.full_name}", "")
        answer = await self._api.find(call)
        found = None if answer is None else WireRepo.model_validate(answer.data)
        if found is None or found.id != repo.id:
            answer = await self._api.find(replace(call, path=f"/repositories/{repo.id}"))
            found = None if answer is None else WireRepo.model_validate(answer.data)
        return None if found is None else found.repository(repo.installation)

    async def issue(self, ref: IssueRef) -> Issue | None:
        answer = await self._api.find(repo_call(ref.repo, f"read {ref}", f"/issues/{ref.number}"))
        if answer is None:
            return None
        issue = WireIssue.model_validate(answer.data).issue(ref.repo)
        return issue if issue.ref.number == ref.number else None  # else it was transferred

    async def label_changes(self, ref: IssueRef, label: str) -> Sequence[LabelChange]:
        call = repo_call(ref.repo, f"read the history of {ref}", f"/issues/{ref.number}/events")
        events = await self._api.pages(call, lambda rows: map(WireEvent.model_validate, rows))
        changes = [
            LabelChange(row.id, row.event == "labeled", row.label.name, actor(row.actor), row.created_at)
            for row in events
            if row.event in ("labeled", "unlabeled") and row.label and row.label.name.casefold() == label.casefold()
        ]
        return sorted(changes, key=lambda change: (change.at, change.id))

    async def last_edit(self, ref: IssueRef) -> Edit | None:
        """The title's changes are in the issue's history; the body's are told by GraphQL alone."""
        call = repo_call(ref.repo, f"read the history of {ref}", f"/issues/{ref.number}/events")
        events = await self._api.pages(call, lambda rows: map(WireEvent.model_validate, rows))
        edits = [Edit(actor(row.actor), row.created_at) for row in events if row.event == "renamed"]
        owner, _, name = ref.repo.full_name.partition("/")
        variables = {"owner": owner, "name": name, "number": int(ref.number)}
        data = await self._api.query(ref.repo, f"read the edits of {ref}", _EDITS, variables)
        issue = WireEdits.model_validate(data["repository"]["issue"])
        if issue.last_edited_at is not None:
            editor = issue.editor
            edits.append(Edit(Actor(0, Login(editor.login), False) if editor else GHOST, issue.last_edited_at))
        return max(edits, key=lambda edit: edit.at, default=None)

    async def comment(self, repo: RepoRef, comment: CommentId) -> Comment | None:
        call = repo_call(repo, f"read a comment in {repo.full_name}", f"/issues/comments/{comment}")
        answer = await self._api.find(call)
        return None if answer is None else WireComment.model_validate(answer.data).comment()

    async def approvers(self, repo: RepoRef, comment: CommentId) -> Sequence[Actor]:
        path = f"/issues/comments/{comment}/reactions"
        call = repo_call(repo, f"read the reactions to a comment in {repo.full_name}", path, params={"content": "+1"})
        rows = await self._api.pages(call, lambda rows: map(WireReaction.model_validate, rows), remember=True)
        return tuple(actor(row.user) for row in rows if row.content == "+1")

    async def review(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> Review | None:
        call = repo_call(repo, f"read a review of {repo.full_name}#{pull}", f"/pulls/{pull}/reviews/{review}")
        answer = await self._api.find(call)
        if answer is None:
            return None
        return WireReview.model_validate(answer.data).review(pull, await self._inline(repo, pull, review))

    async def _inline(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> tuple[InlineComment, ...]:
        """Taken from the list of the pull request: GitHub's list of one review leaves the line numbers out."""
        call = repo_call(repo, f"read the review comments of {repo.full_name}#{pull}", f"/pulls/{pull}/comments")
        rows = await self._api.pages(call, lambda rows: map(WireInline.model_validate, rows))
        return tuple(row.inline(rows) for row in rows if row.pull_request_review_id == review)

    async def pull(self, repo: RepoRef, number: PullNumber) -> Pull | None:
        answer = await self._api.find(repo_call(repo, f"read {repo.full_name}#{number}", f"/pulls/{number}"))
        return None if answer is None else WirePull.model_validate(answer.data).pull(repo)

    async def tip(self, repo: RepoRef, branch: BranchName) -> CommitSha | None:
        """A pull request's own `base.sha` does not follow its base branch."""
        call = repo_call(repo, f"read the branch {branch} of {repo.full_name}", f"/branches/{quote(branch)}")
        answer = await self._api.find(call)
        return None if answer is None else CommitSha(WireBranch.model_validate(answer.data).commit.sha)

    async def may_write(self, repo: RepoRef, login: Login) -> bool:
        path = f"/collaborators/{quote(login, safe='')}/permission"
        answer = await self._api.find(repo_call(repo, f"read the permission of {login} in {repo.full_name}", path))
        return answer is not None and WirePermission.model_validate(answer.data).permission in _MAY_WRITE

    async def own_user_id(self) -> int:
        return (await self._identity.get()).user_id
