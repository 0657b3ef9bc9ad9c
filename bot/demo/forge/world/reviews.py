"""Verbs about reviews: submit with inline comments, reply in a thread, dismiss."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.demo.forge.git.diff import changed_files, hunk_up_to, merge_base
from bot.demo.forge.model import Happening, Pull, Review, ReviewComment, User
from bot.demo.forge.refusal import Refused, invalid
from bot.demo.forge.world.issues import checked_body
from bot.demo.forge.world.memory import RepoName, Who
from bot.demo.forge.world.pulls import PullVerbs

Verdict = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


@dataclass(frozen=True, slots=True)
class Inline:
    """An inline comment to be: on a line of a file of the diff, or an answer to the thread of another comment."""

    path: str
    line: int
    body: str
    side: Literal["LEFT", "RIGHT"] = "RIGHT"
    start_line: int | None = None
    in_reply_to: ReviewComment | None = None


class ReviewVerbs(PullVerbs):
    """What reviewers do."""

    def submit_review(
        self,
        repo: RepoName,
        number: int,
        verdict: Verdict,
        body: str = "",
        comments: Iterable[Inline | tuple[str, int, str]] = (),
        *,
        by: Who,
        silent: bool = False,
    ) -> Review:
        """Submit a review with its inline comments, `(path, line, body)` each. 422 for a line outside the diff."""
        pull, author = self.pull(repo, number), self.user(by)
        inlines = [one if isinstance(one, Inline) else Inline(*one) for one in comments]
        self.check_review(pull, author, verdict, body, len(inlines))
        check_inlines(inlines)
        return self.publish_review(self.draft_review(pull, author, body, inlines), verdict, silent=silent)

    def draft_review(self, pull: Pull, author: User, body: str, inlines: list[Inline]) -> Review:
        """A review that nobody sees yet; refused as a whole when one comment stands outside the diff."""
        if any(one.author is author for one in pull.pending):
            message = "User can only have one pending review per pull request"
            raise Refused(422, "Unprocessable Entity", [{"message": message}])
        hunks = [self.hunk_of(pull, inline) for inline in inlines]
        review = Review(self.next_id(), pull, author, "PENDING", body, pull.head_sha, self.now())
        for inline, hunk in zip(inlines, hunks, strict=True):
            self.draft_inline(review, inline, hunk)
        return review

    def publish_review(self, review: Review, verdict: Verdict, *, silent: bool) -> Review:
        """Let everybody see a review with all its comments."""
        pull, author = review.pull, review.author
        review.state, review.submitted_at = _STATES[verdict], self.now()
        pull.reviews.append(review)
        if author in pull.requested_reviewers:
            pull.requested_reviewers.remove(author)
        self.touch(pull.issue)
        self.record(pull.issue, "reviewed", author, review=review)
        self._tell_review("submitted", review, author, silent)
        for comment in review.drafts:
            pull.comments.append(comment)
            self._tell_inline("created", comment, author, silent)
        review.drafts = []
        return review

    def reply_in_thread(
        self, repo: RepoName, number: int, comment_id: int, body: str, *, by: Who, silent: bool = False
    ) -> ReviewComment:
        """Answer an inline comment. As on GitHub, the answer is a review of its own."""
        pull, comment = self.pull(repo, number), self.find_review_comment(repo, comment_id)
        if comment.pull is not pull:
            raise invalid("PullRequestReviewComment", "in_reply_to")
        self.submit_review(repo, number, "COMMENT", "", [answer_to(comment, body)], by=by, silent=silent)
        return pull.comments[-1]

    def edit_review_comment(
        self, repo: RepoName, comment_id: int, body: str, *, by: Who, silent: bool = False
    ) -> ReviewComment:
        """Replace the body of an inline comment."""
        comment = self.find_review_comment(repo, comment_id)
        before, comment.body = comment.body, checked_body("PullRequestReviewComment", body)
        comment.updated_at = self.now()
        changes = {"body": {"from": before}}
        self._tell_inline("edited", comment, self.user(by), silent, changes=changes)
        return comment

    def delete_review_comment(self, repo: RepoName, comment_id: int, *, by: Who, silent: bool = False) -> None:
        """Remove an inline comment."""
        comment = self.find_review_comment(repo, comment_id)
        comment.pull.comments.remove(comment)
        self._tell_inline("deleted", comment, self.user(by), silent)

    def dismiss_review(self, repo: RepoName, number: int, review_id: int, *, by: Who, silent: bool = False) -> Review:
        """Take the weight from an approval or a request for changes."""
        review = self.find_review(repo, number, review_id)
        if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
            raise Refused(422, "Can not dismiss a commented pull request review")
        review.state = "DISMISSED"
        self.touch(review.pull.issue)
        self._tell_review("dismissed", review, self.user(by), silent)
        return review

    def hunk_of(self, pull: Pull, inline: Inline) -> str:
        """The part of the diff that an inline comment stands under; 422 when the diff does not show the line."""
        if inline.in_reply_to:
            return inline.in_reply_to.diff_hunk
        base = pull.diff_base or merge_base(pull.repo.git, pull.base_sha, pull.head_sha) or pull.base_sha
        for changed in changed_files(pull.repo.git, base, pull.head_sha):
            if changed.path == inline.path:
                hunk = hunk_up_to(changed.patch or "", inline.line, inline.side)
                if hunk is not None:
                    return hunk
                raise _unresolved("pull_request_review_thread.line", "must be part of the diff")
        raise _unresolved("pull_request_review_thread.path", "could not be resolved")

    def check_review(self, pull: Pull, author: User, verdict: Verdict, body: str, comments: int) -> None:
        """GitHub's rules for a verdict: nobody judges their own, and nothing is not a review."""
        checked_body("PullRequestReview", body)
        if verdict != "COMMENT" and author is pull.issue.author:
            what = "approve" if verdict == "APPROVE" else "request changes on"
            raise Refused(422, "Unprocessable Entity", [{"message": f"Can not {what} your own pull request"}])
        if verdict != "APPROVE" and not body.strip() and not comments:
            raise Refused(422, "Unprocessable Entity", [{"message": "Review body can't be blank"}])

    def draft_inline(self, review: Review, inline: Inline, hunk: str) -> ReviewComment:
        """Add an inline comment to a review that is not published yet."""
        pull, now, root = review.pull, self.now(), inline.in_reply_to
        comment = ReviewComment(
            id=self.next_id(),
            pull=pull,
            review=review,
            author=review.author,
            body=inline.body,
            path=inline.path,
            line=root.line if root else inline.line,
            original_line=inline.line,
            start_line=inline.start_line,
            side=inline.side,
            commit_id=root.commit_id if root else pull.head_sha,
            original_commit_id=root.original_commit_id if root else pull.head_sha,
            diff_hunk=hunk,
            created_at=now,
            updated_at=now,
            in_reply_to=root,
        )
        review.drafts.append(comment)
        return comment

    def _tell_review(self, action: str, review: Review, sender: User, silent: bool) -> None:
        pull = review.pull
        happening = Happening("pull_request_review", action, sender, pull.repo, issue=pull.issue, review=review)
        self.tell(happening, silent=silent)

    def _tell_inline(self, action: str, comment: ReviewComment, sender: User, silent: bool, **extra: object) -> None:
        pull = comment.pull
        happening = Happening(
            "pull_request_review_comment",
            action,
            sender,
            pull.repo,
            issue=pull.issue,
            review_comment=comment,
            extra=extra,
        )
        self.tell(happening, silent=silent)


def answer_to(comment: ReviewComment, body: str) -> Inline:
    """An inline comment in the thread of another one."""
    root = comment.in_reply_to or comment
    return Inline(root.path, root.original_line, body, root.side, root.start_line, root)


def check_inlines(inlines: Iterable[Inline]) -> None:
    for inline in inlines:
        if not inline.body.strip():
            raise invalid("PullRequestReviewComment", "body", "missing_field")
        checked_body("PullRequestReviewComment", inline.body)


def _unresolved(field_name: str, message: str) -> Refused:
    row = {"resource": "PullRequestReviewComment", "code": "custom", "field": field_name}
    return Refused(422, "Unprocessable Entity", [{**row, "message": f"{field_name} {message}"}])
