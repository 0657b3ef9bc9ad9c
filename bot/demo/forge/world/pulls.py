"""Verbs about pull requests: open, edit, draft, close, ask for review, merge."""

from typing import Literal

from bot.demo.forge.git.diff import commits_between, contains, merge_base
from bot.demo.forge.git.merge import Trial, commit_merge, rebase, try_merge
from bot.demo.forge.model import Happening, Pull, Repository, User
from bot.demo.forge.refusal import Refused, invalid
from bot.demo.forge.world.memory import RepoName, Who
from bot.demo.forge.world.refs import RefVerbs

MergeMethod = Literal["merge", "squash", "rebase"]


class PullVerbs(RefVerbs):
    """The life of a pull request."""

    def open_pull(
        self,
        repo: RepoName,
        title: str,
        head: str,
        base: str,
        *,
        by: Who,
        body: str | None = None,
        draft: bool = False,
        silent: bool = False,
    ) -> Pull:
        """Ask for `head` to be merged into `base`. 422 for a missing branch, a second request or no commits."""
        place, author = self.repo(repo), self.user(by)
        head = head.removeprefix(f"{place.owner.login}:")
        head_sha, base_sha = self._checked_branches(place, head, base)
        issue = self.new_issue(place, title, body, author)
        issue.pull = pull = Pull(self.next_id(), issue, head, base, head_sha, base_sha, draft)
        place.git.set_ref(f"refs/pull/{pull.number}/head", head_sha)
        self.tell_of(issue, "opened", author, silent=silent)
        return pull

    def edit_pull(
        self,
        repo: RepoName,
        number: int,
        *,
        by: Who,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        silent: bool = False,
    ) -> Pull:
        """Change title, body or base branch."""
        pull = self.pull(repo, number)
        if base is not None and base != pull.base_ref:
            base_sha = pull.repo.git.resolve(f"refs/heads/{base}")
            if base_sha is None:
                raise invalid("PullRequest", "base")
            before, pull.base_ref, pull.base_sha = pull.base_ref, base, base_sha
            self.touch(pull.issue)
            changes = {"base": {"ref": {"from": before}, "sha": {"from": base_sha}}}
            self.tell_of(pull.issue, "edited", self.user(by), silent=silent, changes=changes)
        self.edit_issue(repo, number, by=by, title=title, body=body, silent=silent)
        return pull

    def set_draft(self, repo: RepoName, number: int, draft: bool, *, by: Who, silent: bool = False) -> Pull:
        """Convert to a draft, or mark as ready for review."""
        pull, actor = self.pull(repo, number), self.user(by)
        if pull.draft != draft:
            pull.draft = draft
            self.touch(pull.issue)
            self.record(pull.issue, "convert_to_draft" if draft else "ready_for_review", actor)
            action = "converted_to_draft" if draft else "ready_for_review"
            self.tell_of(pull.issue, action, actor, silent=silent)
        return pull

    def close_pull(self, repo: RepoName, number: int, *, by: Who, silent: bool = False) -> Pull:
        """Close without merging."""
        pull = self.pull(repo, number)
        if pull.issue.state == "open":
            self.freeze(pull)
            self.close_issue(repo, number, by=by, silent=silent)
        return pull

    def reopen_pull(self, repo: RepoName, number: int, *, by: Who, silent: bool = False) -> Pull:
        """Open a closed, unmerged pull request again; 422 when its branch is gone or it is merged."""
        pull = self.pull(repo, number)
        if pull.issue.state == "open":
            return pull
        head_sha = pull.repo.git.resolve(f"refs/heads/{pull.head_ref}")
        if pull.merged_at or head_sha is None:
            raise invalid("PullRequest", "state", "invalid", "state cannot be changed.")
        pull.head_sha, pull.diff_base = head_sha, None
        self.reopen_issue(repo, number, by=by, silent=silent)
        return pull

    def request_review(self, repo: RepoName, number: int, *reviewers: Who, by: Who, silent: bool = False) -> Pull:
        """Ask people for a review; 422 for the author or someone without access."""
        pull, actor = self.pull(repo, number), self.user(by)
        for who in (self._reviewer(pull, one) for one in reviewers):
            if who not in pull.requested_reviewers:
                pull.requested_reviewers.append(who)
                self._tell_request(pull, "review_requested", actor, who, silent)
        return pull

    def withdraw_review_request(
        self, repo: RepoName, number: int, *reviewers: Who, by: Who, silent: bool = False
    ) -> Pull:
        """Take a request for review back."""
        pull, actor = self.pull(repo, number), self.user(by)
        for who in (self.user(one) for one in reviewers):
            if who in pull.requested_reviewers:
                pull.requested_reviewers.remove(who)
                self._tell_request(pull, "review_request_removed", actor, who, silent)
        return pull

    def trial(self, pull: Pull) -> Trial:
        """What merging this pull request now would give."""
        base = pull.repo.git.resolve(f"refs/heads/{pull.base_ref}")
        return try_merge(pull.repo.git, base, pull.head_sha) if base else Trial(None)

    def merge_pull(
        self,
        repo: RepoName,
        number: int,
        *,
        by: Who,
        method: MergeMethod = "merge",
        title: str | None = None,
        message: str | None = None,
        sha: str | None = None,
        silent: bool = False,
    ) -> str:
        """Merge with real git and return the new commit; 405 when that cannot be, 409 when `sha` is not the head."""
        pull, actor = self.pull(repo, number), self.user(by)
        base = pull.repo.git.resolve(f"refs/heads/{pull.base_ref}")
        if pull.issue.state == "closed" or pull.draft or base is None:
            raise Refused(405, "Pull Request is not mergeable")
        if sha is not None and sha != pull.head_sha:
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        merged = self._merged_commit(pull, base, actor, method, title, message)
        diff_base = merge_base(pull.repo.git, base, pull.head_sha) or base
        pull.repo.git.set_ref(f"refs/heads/{pull.base_ref}", merged)
        self.mark_merged(pull, actor, merged, diff_base=diff_base, silent=silent)
        self.notice_refs(pull.repo, actor, [f"refs/heads/{pull.base_ref}"], silent=silent)
        return merged

    def _merged_commit(
        self, pull: Pull, base: str, actor: User, method: MergeMethod, title: str | None, message: str | None
    ) -> str:
        git = pull.repo.git
        tree = self.trial(pull).tree
        if tree is None:
            raise Refused(405, "Merge conflict" if method == "rebase" else "Pull Request is not mergeable")
        if method == "rebase":
            done = rebase(git, base, pull.head_sha, self.signature(actor))
            if done is None:
                raise Refused(405, "This branch can't be rebased")
            return done
        if method == "squash":
            commits = commits_between(git, base, pull.head_sha)
            title = title or f"{pull.issue.title} (#{pull.number})"
            body = message if message is not None else "\n\n".join(f"* {one.message}" for one in commits)
            return commit_merge(git, tree, (base,), f"{title}\n\n{body}", self.signature(pull.issue.author))
        title = title or f"Merge pull request #{pull.number} from {pull.repo.owner.login}/{pull.head_ref}"
        text = f"{title}\n\n{message or pull.issue.title}"
        return commit_merge(git, tree, (base, pull.head_sha), text, self.signature(actor))

    def _checked_branches(self, repo: Repository, head: str, base: str) -> tuple[str, str]:
        base_sha = repo.git.resolve(f"refs/heads/{base}")
        head_sha = repo.git.resolve(f"refs/heads/{head}")
        if head_sha is None:
            raise invalid("PullRequest", "head")
        if base_sha is None:
            raise invalid("PullRequest", "base")
        for pull in repo.pulls():
            if pull.issue.state == "open" and (pull.head_ref, pull.base_ref) == (head, base):
                text = f"A pull request already exists for {repo.owner.login}:{head}."
                raise Refused(
                    422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": text}]
                )
        if contains(repo.git, base_sha, head_sha):
            text = f"No commits between {base} and {head}"
            raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": text}])
        return head_sha, base_sha

    def _reviewer(self, pull: Pull, who: Who) -> User:
        user = self.users.get(who.lower()) if isinstance(who, str) else who
        known = user is not None and (user is pull.repo.owner or user.login.lower() in pull.repo.roles)
        if user is None or not known:
            raise Refused(422, "Reviews may only be requested from collaborators.")
        if user is pull.issue.author:
            raise Refused(422, "Review cannot be requested from pull request author.")
        return user

    def _tell_request(self, pull: Pull, action: str, actor: User, reviewer: User, silent: bool) -> None:
        self.touch(pull.issue)
        self.record(pull.issue, action, actor, review_requester=actor, requested_reviewer=reviewer)
        happening = Happening("pull_request", action, actor, pull.repo, issue=pull.issue, reviewer=reviewer)
        self.tell(happening, silent=silent)
