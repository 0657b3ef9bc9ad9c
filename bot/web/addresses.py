"""Where things are on GitHub, for people to click on."""

from dataclasses import dataclass

from bot.task.ids import CommitSha, IssueRef, PullNumber, RepoRef


@dataclass(frozen=True, slots=True)
class Addresses:
    """`base` is the site's address, say `https://github.com`; GitHub Enterprise Server has its own."""

    base: str

    def issue(self, ref: IssueRef) -> str:
        """The page of an issue."""
        return f"{self._of(ref.repo)}/issues/{ref.number}"

    def pull(self, repo: RepoRef, pull: PullNumber) -> str:
        """The page of a pull request."""
        return f"{self._of(repo)}/pull/{pull}"

    def commit(self, repo: RepoRef, commit: CommitSha) -> str:
        """The page of a commit that was published."""
        return f"{self._of(repo)}/commit/{commit}"

    def _of(self, repo: RepoRef) -> str:
        return f"{self.base.rstrip('/')}/{repo.full_name}"
