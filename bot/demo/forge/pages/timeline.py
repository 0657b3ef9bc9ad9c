"""What happened on an issue or pull request, in order, as its page tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.demo.forge.git.bare import Commit
from bot.demo.forge.git.diff import commits_between
from bot.demo.forge.model import Comment, Issue, IssueEvent, Label, Pull, Review, User
from bot.demo.forge.pages.diffview import Thread, threads_of
from bot.demo.forge.wire.pulls import diff_base

_SENTENCES = {
    "labeled": "added the",
    "unlabeled": "removed the",
    "reopened": "reopened this",
    "convert_to_draft": "marked this as a draft",
    "ready_for_review": "marked this as ready for review",
    "head_ref_deleted": "deleted the branch",
    "head_ref_force_pushed": "force-pushed the branch",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Which fields are set follows from `kind`."""

    kind: Literal["comment", "event", "review", "commit"]
    at: datetime
    order: int
    who: User | None = None
    comment: Comment | None = None
    review: Review | None = None
    threads: tuple[Thread, ...] = ()
    commit: Commit | None = None
    sentence: str = ""
    label: Label | None = None
    icon: str = ""


def timeline(issue: Issue) -> list[Entry]:
    """All entries, oldest first."""
    entries = [Entry("comment", one.created_at, one.id, one.author, comment=one) for one in issue.comments]
    entries += [_event(issue, one) for one in issue.events if one.event != "reviewed"]
    if issue.pull:
        entries += [entry for review in issue.pull.reviews if (entry := _review(issue.pull, review))]
        entries += _commits(issue.pull)
    return sorted(entries, key=lambda entry: (entry.at, entry.order))


def _review(pull: Pull, review: Review) -> Entry | None:
    """A review with the threads it started; one that only answers in threads is shown there."""
    threads = tuple(one for one in threads_of(pull.comments) if one.root.review is review)
    if not threads and not review.body and review.state == "COMMENTED":
        return None
    return Entry("review", review.submitted_at, review.id, review.author, review=review, threads=threads)


def _commits(pull: Pull) -> list[Entry]:
    rows = commits_between(pull.repo.git, diff_base(pull), pull.head_sha)
    zone = pull.issue.created_at.tzinfo
    return [Entry("commit", one.committer.when.astimezone(zone), at, commit=one) for at, one in enumerate(rows)]


def _event(issue: Issue, event: IssueEvent) -> Entry:
    return Entry(
        "event",
        event.created_at,
        event.id,
        event.actor,
        sentence=_sentence(issue, event),
        label=event.label,
        icon=event.event,
    )


def _sentence(issue: Issue, event: IssueEvent) -> str:
    extra = event.extra
    if event.event == "closed":
        by_commit = f" in {extra['commit_id'][:7]}" if extra.get("commit_id") else ""
        reason = " as not planned" if issue.state_reason == "not_planned" else by_commit
        return f"closed this{reason}"
    if event.event == "merged":
        base = issue.pull.base_ref if issue.pull else ""
        return f"merged this as {extra['commit_id'][:7]} into {base}"
    if event.event == "renamed":
        return f"changed the title from “{extra['rename']['from']}” to “{extra['rename']['to']}”"
    if event.event in ("review_requested", "review_request_removed"):
        what = "requested a review from" if event.event == "review_requested" else "withdrew the review request to"
        return f"{what} {extra['requested_reviewer'].login}"
    if event.event == "assigned":
        return f"assigned {extra['assignee'].login}"
    return _SENTENCES.get(event.event, event.event.replace("_", " "))
