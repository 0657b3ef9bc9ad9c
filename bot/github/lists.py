"""What the sweep looks through: whole lists, whose unchanged pages cost nothing."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.github.api import repo_call
from bot.github.errors import NotInstalled, RateLimited, Refused
from bot.github.models import WireComment, WireInstallation, WireIssue, WireRepos, WireReview
from bot.github.transport import Call
from bot.github.verbs import Verbs
from bot.task.ids import InstallationId, PullNumber, RepoRef, ReviewId
from bot.task.observed import Comment, Issue, ReviewState

log = logging.getLogger(__name__)


class Lists(Verbs):
    """Implements `Lists` of `bot.flow.doors`. A list of something that is gone is empty."""

    async def repositories(self) -> Sequence[RepoRef]:
        """An installation that cannot be asked now is logged and left out: the others go on."""
        call = Call("list the App's installations", "app", "GET", "/app/installations")
        repos: list[RepoRef] = []
        for row in await self._api.pages(call, lambda rows: map(WireInstallation.model_validate, rows), remember=True):
            if row.suspended_at is not None:
                continue
            try:
                repos += await self.repositories_of(InstallationId(row.id))
            except (NotInstalled, RateLimited, Refused) as error:
                log.warning("the repositories of installation %d are left out: %s", row.id, error)
        return repos

    async def named_installations(self) -> frozenset[InstallationId]:
        call = Call("list the App's installations", "app", "GET", "/app/installations")
        rows = await self._api.pages(call, lambda rows: map(WireInstallation.model_validate, rows), remember=True)
        return frozenset(InstallationId(row.id) for row in rows if row.repository_selection == "selected")

    async def repositories_of(self, installation: InstallationId) -> Sequence[RepoRef]:
        call = Call("list an installation's repositories", installation, "GET", "/installation/repositories")
        return await self._api.pages(
            call,
            lambda page: [repo.ref(installation) for repo in WireRepos.model_validate(page).repositories],
            remember=True,
        )

    async def labelled_issues(self, repo: RepoRef, label: str) -> Sequence[Issue]:
        params = {"labels": label, "state": "open", "sort": "created", "direction": "asc"}
        call = repo_call(repo, f"list the issues of {repo.full_name}", "/issues", params=params)
        return await self._api.pages(
            call, lambda rows: [WireIssue.model_validate(row).issue(repo) for row in rows], remember=True
        )

    async def comments_since(self, repo: RepoRef, since: datetime) -> Sequence[Comment]:
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {"since": moment, "sort": "updated", "direction": "asc"}
        call = repo_call(repo, f"list the comments of {repo.full_name}", "/issues/comments", params=params)
        return await self._api.pages(
            call, lambda rows: [WireComment.model_validate(row).comment() for row in rows], remember=True
        )

    async def reviews(self, repo: RepoRef, pull: PullNumber) -> Sequence[ReviewId]:
        call = repo_call(repo, f"list the reviews of {repo.full_name}#{pull}", f"/pulls/{pull}/reviews")
        rows = await self._api.pages(call, lambda rows: map(WireReview.model_validate, rows), remember=True)
        submitted = [
            (row.submitted_at, row.id) for row in rows if row.submitted_at and row.state is not ReviewState.PENDING
        ]
        return [ReviewId(review) for _, review in sorted(submitted)]
