"""Noticing what moved in git: pushes become webhooks, and pull requests follow their branches."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from bot.demo.forge.git.bare import Commit, Files
from bot.demo.forge.git.diff import commits_between, contains, merge_base, moved_line
from bot.demo.forge.model import Happening, Pull, Repository, User
from bot.demo.forge.refusal import Refused
from bot.demo.forge.world.comments import CommentVerbs
from bot.demo.forge.world.memory import RepoName, Who

NOTHING = "0" * 40
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)
_BRANCH = "refs/heads/"


class RefVerbs(CommentVerbs):
    """Branches of a repository, and what their moves mean."""

    def push_files(
        self,
        repo: RepoName,
        branch: str,
        files: Files,
        *,
        by: Who,
        message: str = "Update files",
        executable: Collection[str] = (),
        silent: bool = False,
    ) -> str:
        """Commit files on a branch as a person (a new branch starts at the default branch); returns the commit."""
        place, author = self.repo(repo), self.user(by)
        known = f"{_BRANCH}{branch}" in place.git.refs()
        start = f"{_BRANCH}{branch if known else place.default_branch}"
        sha = place.git.write(branch, files, message, self.signature(author), place.git.resolve(start), executable)
        self.notice_refs(place, author, [f"{_BRANCH}{branch}"], silent=silent)
        return sha

    def create_ref(self, repo: RepoName, ref: str, sha: str, *, by: Who, silent: bool = False) -> None:
        """Create a branch or tag; 422 when it exists or the commit does not."""
        place = self.repo(repo)
        if not ref.startswith(("refs/heads/", "refs/tags/")) or not place.git.valid_ref(ref):
            raise Refused(422, "Reference name is not valid")
        if ref in place.git.refs():
            raise Refused(422, "Reference already exists")
        if place.git.resolve(sha) != sha:
            raise Refused(422, "Object does not exist")
        place.git.set_ref(ref, sha)
        self.notice_refs(place, by, [ref], silent=silent)

    def update_ref(
        self, repo: RepoName, ref: str, sha: str, *, by: Who, force: bool = False, silent: bool = False
    ) -> None:
        """Move a branch; 422 unless it is a fast-forward or forced."""
        place = self.repo(repo)
        current = place.git.refs().get(ref)
        if current is None:
            raise Refused(422, "Reference does not exist")
        if place.git.resolve(sha) != sha:
            raise Refused(422, "Object does not exist")
        if not force and not contains(place.git, sha, current):
            raise Refused(422, "Update is not a fast forward")
        place.git.set_ref(ref, sha)
        self.notice_refs(place, by, [ref], silent=silent)

    def delete_ref(self, repo: RepoName, ref: str, *, by: Who, silent: bool = False) -> None:
        """Delete a branch or tag; 422 when there is none."""
        place = self.repo(repo)
        if ref not in place.git.refs():
            raise Refused(422, "Reference does not exist")
        place.git.set_ref(ref, None)
        self.notice_refs(place, by, [ref], silent=silent)

    def delete_branch(self, repo: RepoName, branch: str, *, by: Who, silent: bool = False) -> None:
        """Delete a branch; its open pull requests are closed."""
        self.delete_ref(repo, f"{_BRANCH}{branch}", by=by, silent=silent)

    def notice_refs(
        self, repo: RepoName, by: Who, only: Collection[str] | None = None, *, silent: bool = False
    ) -> None:
        """Compare git with what was last seen and act on each ref that moved. Call after anything that writes refs.

        A verb names its own ref in `only`, so that it does not take credit for a push that is still running.
        """
        place, pusher = self.repo(repo), self.user(by)
        seen, now = place.refs, place.git.refs()
        names = sorted(seen.keys() | now.keys() if only is None else only)
        moved = [(ref, seen.get(ref), now.get(ref)) for ref in names if seen.get(ref) != now.get(ref)]
        changed = {ref: new for ref, _, new in moved}
        place.refs = {ref: sha for ref, sha in (seen | changed).items() if sha}
        for ref, old, new in moved:
            place.pushed_at = self.now()
            self._tell_push(place, ref, old, new, pusher, silent)
            if ref.startswith(_BRANCH):
                self._follow(place, ref.removeprefix(_BRANCH), old, new, pusher, silent)

    def close_mentioned(
        self, repo: Repository, texts: Iterable[str | None], actor: User, *, silent: bool, **extra: Any
    ) -> None:
        """Close the issues that `Closes #n` names, as happens on the default branch only."""
        for number in (int(found) for text in texts for found in _CLOSES.findall(text or "")):
            issue = repo.issues.get(number)
            if issue and issue.pull is None:
                self.close_issue(repo, number, by=actor, silent=silent, **extra)

    def mark_merged(self, pull: Pull, actor: User, sha: str, *, diff_base: str, silent: bool = False) -> None:
        """The head is in the base now: close the pull request as merged, and the issues it names."""
        pull.merged_at, pull.merged_by, pull.merge_commit_sha = self.now(), actor, sha
        pull.diff_base = diff_base
        self.record(pull.issue, "merged", actor, commit_id=sha)
        self.close_issue(pull.repo, pull.number, by=actor, silent=silent)
        if pull.base_ref == pull.repo.default_branch:
            self.close_mentioned(pull.repo, [pull.issue.body], actor, silent=silent)

    def _tell_push(self, repo: Repository, ref: str, old: str | None, new: str | None, by: User, silent: bool) -> None:
        kind = "branch" if ref.startswith(_BRANCH) else "tag"
        short = ref.split("/", 2)[2]
        if old is None or new is None:
            event = "create" if old is None else "delete"
            self.tell(Happening(event, None, by, repo, extra={"ref": short, "ref_type": kind}), silent=silent)
        commits: tuple[Commit, ...] = ()
        if new and kind == "branch":
            start = old or repo.refs.get(f"{_BRANCH}{repo.default_branch}", new)
            commits = commits_between(repo.git, start, new)
        forced = bool(old and new and kind == "branch" and not contains(repo.git, new, old))
        extra = {"ref": ref, "before": old or NOTHING, "after": new or NOTHING, "commits": commits, "forced": forced}
        self.tell(Happening("push", None, by, repo, extra=extra), silent=silent)
        if old and short == repo.default_branch:
            for commit in commits:
                self.close_mentioned(repo, [commit.message], by, silent=silent, commit_id=commit.sha)

    def _follow(self, repo: Repository, branch: str, old: str | None, new: str | None, by: User, silent: bool) -> None:
        for pull in repo.pulls():
            if pull.issue.state == "closed" or branch not in (pull.head_ref, pull.base_ref):
                continue
            if new is None:
                self._branch_gone(pull, branch, by, silent)
            elif branch == pull.head_ref:
                self._synchronize(pull, old or NOTHING, new, by, silent)
            elif contains(repo.git, new, pull.head_sha):
                self.mark_merged(pull, by, new, diff_base=merge_base(repo.git, pull.base_sha, pull.head_sha) or new)

    def _branch_gone(self, pull: Pull, branch: str, by: User, silent: bool) -> None:
        if branch == pull.head_ref:
            self.record(pull.issue, "head_ref_deleted", by)
        self.freeze(pull)
        self.close_issue(pull.repo, pull.number, by=by, silent=silent)

    def freeze(self, pull: Pull) -> None:
        """Keep the diff of a pull request that closes as it is now."""
        pull.diff_base = merge_base(pull.repo.git, pull.base_sha, pull.head_sha)

    def _synchronize(self, pull: Pull, before: str, after: str, by: User, silent: bool) -> None:
        git = pull.repo.git
        if before != NOTHING and not contains(git, after, before):
            self.record(pull.issue, "head_ref_force_pushed", by)
        pull.head_sha = after
        pull.base_sha = pull.repo.refs.get(f"{_BRANCH}{pull.base_ref}", pull.base_sha)
        git.set_ref(f"refs/pull/{pull.number}/head", after)
        for comment in pull.comments:
            if comment.line is not None and comment.side == "RIGHT":
                comment.line = moved_line(git, comment.original_commit_id, after, comment.path, comment.original_line)
                comment.commit_id = after if comment.line is not None else comment.commit_id
        self.touch(pull.issue)
        self.tell_of(pull.issue, "synchronize", by, silent=silent, before=before, after=after)
