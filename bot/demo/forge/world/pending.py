"""Verbs about reviews that are written in several calls and seen only once they are submitted."""

from collections.abc import Iterable

from bot.demo.forge.model import Pull, Review, ReviewComment
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.world.memory import RepoName, Who
from bot.demo.forge.world.reviews import Inline, ReviewVerbs, Verdict, answer_to, check_inlines


class PendingReviewVerbs(ReviewVerbs):
    """Start, add to, submit or discard. Only submitting tells anybody: one review, one notification."""

    def start_review(
        self, repo: RepoName, number: int, body: str = "", comments: Iterable[Inline] = (), *, by: Who
    ) -> Review:
        """Begin a pending review; 422 when this user already has one on the pull request."""
        pull, inlines = self.pull(repo, number), list(comments)
        check_inlines(inlines)
        review = self.draft_review(pull, self.user(by), body, inlines)
        pull.pending.append(review)
        return review

    def reply_in_pending(self, review: Review, root: ReviewComment, body: str, *, by: Who) -> ReviewComment:
        """Add an answer in a thread to one's own pending review."""
        self._own(review.pull, review.id, by)
        inline = answer_to(root, body)
        check_inlines([inline])
        return self.draft_inline(review, inline, root.diff_hunk)

    def submit_started_review(
        self,
        repo: RepoName,
        number: int,
        review_id: int,
        verdict: Verdict,
        body: str | None = None,
        *,
        by: Who,
        silent: bool = False,
    ) -> Review:
        """Submit one's own pending review."""
        pull = self.pull(repo, number)
        review = self._own(pull, review_id, by)
        text = review.body if body is None else body
        self.check_review(pull, review.author, verdict, text, len(review.drafts))
        review.body = text
        pull.pending.remove(review)
        return self.publish_review(review, verdict, silent=silent)

    def discard_review(self, repo: RepoName, number: int, review_id: int, *, by: Who) -> None:
        """Throw one's own pending review away."""
        pull = self.pull(repo, number)
        pull.pending.remove(self._own(pull, review_id, by))

    def resolve_thread(self, root: ReviewComment, resolved: bool = True) -> None:
        """Mark a thread as settled, or open it again."""
        root.resolved = resolved

    def _own(self, pull: Pull, review_id: int, by: Who) -> Review:
        review = next((one for one in (*pull.pending, *pull.reviews) if one.id == review_id), None)
        if review is None or (review.state == "PENDING" and review.author is not self.user(by)):
            raise not_found()
        if review.state != "PENDING":
            raise Refused(422, "Unprocessable Entity", [{"message": "The review was submitted already"}])
        return review
