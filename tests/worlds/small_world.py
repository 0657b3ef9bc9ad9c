"""GitHub in memory: its state, and the verbs of people, which queue webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from bot.task.ids import (
    BranchName,
    CommentId,
    CommitSha,
    InstallationId,
    IssueNumber,
    IssueRef,
    Login,
    PullNumber,
    RepoRef,
    ReviewId,
)
from bot.task.observed import (
    Actor,
    CheckRunDraft,
    Comment,
    Edit,
    InlineComment,
    Issue,
    LabelChange,
    Pull,
    Review,
    ReviewState,
)
from tests.worlds.clock import StillClock
from tests.worlds.memory_git import Files, MemoryGit

REPO = RepoRef(1001, "octo/widgets", InstallationId(42))
BOT = Actor(900, Login("issuewright[bot]"), True)
WRITERS = ("maintainer", "reviewer")


@dataclass
class SmallIssue:
    number: int
    title: str
    body: str
    author: Actor
    is_pull: bool = False
    is_open: bool = True
    labels: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Webhook:
    """One delivery that GitHub would make."""

    event: str
    payload: dict[str, object]


@dataclass
class SmallWorld:
    """One repository with one installation."""

    git: MemoryGit
    clock: StillClock
    issues: dict[int, SmallIssue] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    markers: dict[int, str] = field(default_factory=dict)
    changes: list[tuple[int, LabelChange]] = field(default_factory=list)
    all_reviews: dict[int, Review] = field(default_factory=dict)
    reactions: set[tuple[int, int | None, str]] = field(default_factory=set)
    check_runs: dict[tuple[str, str, str], CheckRunDraft] = field(default_factory=dict)
    branches: dict[str, CommitSha] = field(default_factory=dict)
    repo_labels: set[str] = field(default_factory=set)
    asked: set[tuple[int, str]] = field(default_factory=set)
    thumbs: list[tuple[int, Actor]] = field(default_factory=list)
    edits: dict[int, Edit] = field(default_factory=dict)
    webhooks: list[Webhook] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Comments that contain one of these words are refused for ever."""
    writes: list[str] = field(default_factory=list)
    ids: "count[int]" = field(default_factory=lambda: count(1))
    users: dict[str, int] = field(default_factory=dict)
    named: bool = False
    """The installation is on repositories that someone chose."""

    # ── people ──

    def actor(self, login: str) -> Actor:
        if login == BOT.login:
            return BOT
        return Actor(self.users.setdefault(login, 100 + len(self.users)), Login(login), login.endswith("[bot]"))

    def open_issue(self, title: str, body: str = "", by: str = "stranger") -> int:
        number = max(self.issues, default=0) + 1
        self.issues[number] = SmallIssue(number, title, body, self.actor(by))
        self.tell("issues", "opened", by, issue={"number": number})
        return number

    def edit_issue(self, number: int, body: str, by: str = "stranger") -> None:
        self.issues[number].body = body
        self.edits[number] = Edit(self.actor(by), self.now())
        self.tell("issues", "edited", by, issue={"number": number})

    def label(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None:
        self.change_label(number, label, by, added=True)

    def unlabel(self, number: int, label: str = "agent:run", by: str = "maintainer") -> None:
        self.change_label(number, label, by, added=False)

    def name_repository(self, by: str = "maintainer") -> None:
        """Install the App on this very repository."""
        self.named = True
        self.tell(
            "installation_repositories",
            "added",
            by,
            installation={"id": REPO.installation, "repository_selection": "selected"},
            repositories_added=[{"id": REPO.id, "full_name": REPO.full_name}],
        )

    def comment(self, number: int, body: str, by: str = "maintainer") -> int:
        comment = self.new_comment(number, body, self.actor(by))
        self.tell_comment(comment, "created", by)
        return comment.id

    def edit_comment(self, comment: int, body: str) -> None:
        old = self.comments[comment]
        self.clock.advance(seconds=1)
        self.comments[comment] = replace(old, body=body, updated_at=self.now())
        self.tell_comment(self.comments[comment], "edited", old.author.login)

    def thumbs_up(self, comment: int, by: str = "maintainer") -> None:
        self.thumbs.append((comment, self.actor(by)))
        self.reactions.add((self.comments[comment].issue, comment, "+1"))

    def review(
        self,
        pull: int,
        body: str = "",
        inline: Sequence[tuple[str, int, str]] = (),
        state: str = "CHANGES_REQUESTED",
        by: str = "reviewer",
    ) -> int:
        comments = tuple(InlineComment(next(self.ids), path, line, "@@ -1 +1 @@", text) for path, line, text in inline)
        review = Review(
            ReviewId(next(self.ids)),
            PullNumber(pull),
            ReviewState(state),
            body,
            self.actor(by),
            self.now(),
            comments,
            "",
            self.pulls[PullNumber(pull)].head,
        )
        self.all_reviews[review.id] = review
        shape = {"pull_request": {"number": pull}, "review": {"id": review.id}}
        self.tell("pull_request_review", "submitted", by, **shape)
        return review.id

    def merge(self, number: int, by: str = "maintainer") -> None:
        pull = self.pulls[number]
        main = self.branches["main"]
        self.branches["main"] = self.git.commit(main, self.git.files(pull.head), f"merge {number}")
        self.pulls[number] = replace(pull, is_open=False, merged=True)
        self.issues[number].is_open = False
        self.tell("pull_request", "closed", by, pull_request={"number": number}, number=number)
        self.close_mentioned(pull.body, by)

    def close_pull(self, number: int, by: str = "maintainer") -> None:
        self.pulls[number] = replace(self.pulls[number], is_open=False)
        self.issues[number].is_open = False
        self.tell("pull_request", "closed", by, pull_request={"number": number}, number=number)

    def reopen_pull(self, number: int, by: str = "maintainer") -> None:
        self.pulls[number] = replace(self.pulls[number], is_open=True)
        self.issues[number].is_open = True
        self.tell("pull_request", "reopened", by, pull_request={"number": number}, number=number)

    def retarget(self, number: int, base: str, by: str = "maintainer") -> None:
        self.branches.setdefault(base, self.branches["main"])
        self.pulls[number] = replace(self.pulls[number], base_branch=BranchName(base))
        self.tell("pull_request", "edited", by, pull_request={"number": number}, number=number)

    def to_draft(self, number: int, by: str = "maintainer") -> None:
        self.pulls[number] = replace(self.pulls[number], draft=True)
        self.tell("pull_request", "converted_to_draft", by, pull_request={"number": number}, number=number)

    def close_issue(self, number: int, by: str = "maintainer") -> None:
        self.issues[number].is_open = False
        self.tell("issues", "closed", by, issue={"number": number})

    def reopen_issue(self, number: int, by: str = "maintainer") -> None:
        self.issues[number].is_open = True
        self.tell("issues", "reopened", by, issue={"number": number})

    def head_branch(self, pull: int) -> str:
        return self.pulls[pull].head_branch

    def push(self, branch: str, files: Files, by: str = "maintainer") -> None:
        old = self.branches[branch]
        self.branches[branch] = self.git.commit(old, {**self.git.files(old), **files}, by)
        self.follow_heads()
        for number, pull in self.pulls.items():
            if pull.is_open and branch == pull.head_branch:
                self.tell("pull_request", "synchronize", by, pull_request={"number": number}, number=number)

    def shown(self, issue: SmallIssue) -> Issue:
        ref = IssueRef(REPO, IssueNumber(issue.number))
        labels = frozenset(issue.labels)
        return Issue(ref, issue.title, issue.body, issue.is_open, labels, issue.author, issue.is_pull, "")

    def close_mentioned(self, body: str, by: str) -> None:
        for number, issue in self.issues.items():
            if f"Closes #{number}" in body and issue.is_open:
                self.close_issue(number, by)

    def change_label(self, number: int, label: str, by: str, *, added: bool) -> None:
        labels = self.issues[number].labels
        if (label in labels) is added:
            return
        labels.symmetric_difference_update({label})
        change = LabelChange(next(self.ids), added, label, self.actor(by), self.now())
        self.changes.append((number, change))
        self.tell("issues", "labeled" if added else "unlabeled", by, issue={"number": number}, label={"name": label})

    def new_comment(self, number: int, body: str, author: Actor) -> Comment:
        on_pull = self.issues[number].is_pull
        made = Comment(
            CommentId(next(self.ids)), IssueNumber(number), on_pull, body, author, self.now(), self.now(), ""
        )
        self.comments[made.id] = made
        return made

    def tell_comment(self, comment: Comment, action: str, by: str) -> None:
        issue: dict[str, object] = {"number": comment.issue}
        if comment.on_pull:
            issue["pull_request"] = {}
        self.tell("issue_comment", action, by, issue=issue, comment={"id": comment.id})

    def tell(self, event: str, action: str, by: str, **more: object) -> None:
        payload = {
            "action": action,
            "installation": {"id": REPO.installation},
            "repository": {"id": REPO.id, "full_name": REPO.full_name},
            "sender": {"id": self.actor(by).id},
            **more,
        }
        self.webhooks.append(Webhook(event, payload))

    def now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    def follow_heads(self) -> None:
        for number, pull in self.pulls.items():
            head = self.branches.get(pull.head_branch)
            if pull.is_open and head is not None:
                self.pulls[number] = replace(pull, head=head)
