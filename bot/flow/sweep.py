"""Look through every repository for what no webhook told. Alone, it is the mode without a public URL."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.flow.doors import Clock, GitHub
from bot.flow.observe import Observer
from bot.github.errors import GitHubError
from bot.store.store import Store
from bot.task.ids import IssueRef, RepoRef
from bot.task.model import LABEL_PLAN, LABEL_RUN, Task

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Makes the same hints as webhooks do, from lists."""

    store: Store
    github: GitHub
    observer: Observer
    clock: Clock

    async def sweep(self) -> None:
        """One pass. A repository in trouble is logged and left out until the next; the others are swept."""
        listed = await self.github.repositories()
        for repo in listed:
            await self._guarded(repo, self.repository)
        seen = {repo.id for repo in listed}
        for repo in await self.store.repositories():
            if repo.id not in seen:
                await self._guarded(repo, self.observer.lost)

    async def _guarded(self, repo: RepoRef, look: Callable[[RepoRef], Awaitable[None]]) -> None:
        try:
            await look(repo)
        except GitHubError as refused:
            log.warning("the sweep leaves out %s: %s", repo.full_name, refused)
        except Exception:
            log.exception("the sweep leaves out %s", repo.full_name)

    async def repository(self, repo: RepoRef) -> None:
        """Labels, comments, reviews and pull requests of one repository."""
        await self.store.relocate(repo)
        if await self.store.marked(f"labels:{repo.id}") is None:
            named = repo.installation in await self.github.named_installations()
            await self.observer.repository(repo, named=named)
            await self.store.mark(f"labels:{repo.id}", "wanted")
        await self._comments(repo)
        labelled = [
            *await self.github.labelled_issues(repo, LABEL_RUN),
            *await self.github.labelled_issues(repo, LABEL_PLAN),
        ]
        for issue in labelled:
            await self.observer.issue(issue.ref, issue)
        seen = {issue.ref.number for issue in labelled}
        for task in await self.store.tasks_of_repo(repo.id):
            if task.live and task.issue.number not in seen:
                await self.observer.issue(IssueRef(repo, task.issue.number))
            await self._pull(repo, task)
            await self.observer.plan(task)

    async def _pull(self, repo: RepoRef, task: Task) -> None:
        if task.pull is None:
            return
        await self.observer.pull(repo, task.pull)
        if task.live:
            for review in await self.github.reviews(repo, task.pull):
                await self.observer.review(repo, task.pull, review)

    async def _comments(self, repo: RepoRef) -> None:
        """From a cursor on: the first sweep of a repository begins with the present."""
        mark = f"comments:{repo.id}"
        since = await self.store.marked(mark)
        if since is None:
            await self.store.mark(mark, self.clock().astimezone(UTC).replace(microsecond=0).isoformat())
            return
        for comment in await self.github.comments_since(repo, datetime.fromisoformat(since)):
            await self.observer.comment(IssueRef(repo, comment.issue), comment)
            await self.store.mark(mark, comment.updated_at.astimezone(UTC).isoformat())
