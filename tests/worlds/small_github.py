"""The GitHub door in memory: what the bot reads, lists and writes, by the same natural keys as the real one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.github.errors import Refused, Unavailable
from bot.task.ids import (
    BranchName,
    CommentId,
    CommitSha,
    InstallationId,
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
    Issue,
    LabelChange,
    Pull,
    PullDraft,
    Repository,
    Review,
    ThreadReply,
)
from tests.worlds.small_world import BOT, REPO, WRITERS, SmallIssue, SmallWorld


@dataclass
class SmallGitHub:
    """Protocol `GitHub` over a small world."""

    world: SmallWorld

    # ── Reads ──

    async def repository(self, repo: RepoRef) -> Repository | None:
        return Repository(REPO, BranchName("main"), "memory://widgets", False, False) if repo.id == REPO.id else None

    async def issue(self, ref: IssueRef) -> Issue | None:
        return self.world.shown(self.world.issues[ref.number]) if ref.number in self.world.issues else None

    async def label_changes(self, ref: IssueRef, label: str) -> Sequence[LabelChange]:
        return [change for number, change in self.world.changes if number == ref.number and change.label == label]

    async def last_edit(self, ref: IssueRef) -> Edit | None:
        return self.world.edits.get(ref.number)

    async def comment(self, repo: RepoRef, comment: CommentId) -> Comment | None:
        return self.world.comments.get(comment)

    async def approvers(self, repo: RepoRef, comment: CommentId) -> Sequence[Actor]:
        return [who for at, who in self.world.thumbs if at == comment]

    async def review(self, repo: RepoRef, pull: PullNumber, review: ReviewId) -> Review | None:
        return self.world.all_reviews.get(review)

    async def pull(self, repo: RepoRef, number: PullNumber) -> Pull | None:
        pull = self.world.pulls.get(number)
        if pull is None or not pull.is_open:
            return pull
        base = self.world.branches.get(pull.base_branch)
        made = self.world.git.merge(pull.head, base, "trial") if base is not None else None
        return replace(pull, mergeable=not (made and made[1]))

    async def tip(self, repo: RepoRef, branch: BranchName) -> CommitSha | None:
        return self.world.branches.get(branch)

    async def pull_of_branch(self, repo: RepoRef, branch: BranchName) -> Pull | None:
        return next((pull for pull in self.world.pulls.values() if pull.head_branch == branch), None)

    async def may_write(self, repo: RepoRef, login: Login) -> bool:
        return login in WRITERS

    async def own_user_id(self) -> int:
        return BOT.id

    # ── Lists ──

    async def repositories(self) -> Sequence[RepoRef]:
        return [REPO]

    async def repositories_of(self, installation: InstallationId) -> Sequence[RepoRef]:
        return [REPO]

    async def named_installations(self) -> frozenset[InstallationId]:
        return frozenset({REPO.installation} if self.world.named else ())

    async def labelled_issues(self, repo: RepoRef, label: str) -> Sequence[Issue]:
        return [
            self.world.shown(issue) for issue in self.world.issues.values() if issue.is_open and label in issue.labels
        ]

    async def comments_since(self, repo: RepoRef, since: datetime) -> Sequence[Comment]:
        found = [comment for comment in self.world.comments.values() if comment.updated_at >= since]
        return sorted(found, key=lambda comment: (comment.updated_at, comment.id))

    async def reviews(self, repo: RepoRef, pull: PullNumber) -> Sequence[ReviewId]:
        return [review.id for review in self.world.all_reviews.values() if review.pull == pull]

    # ── Writes ──

    async def put_comment(self, ref: IssueRef, marker: str, body: str, known: CommentId | None) -> CommentId:
        if any(word in body for word in self.world.refused):
            raise Refused(422, "Validation Failed", "write a comment")
        found = (
            known
            if known in self.world.comments
            else next((i for i, m in self.world.markers.items() if m == marker), None)
        )
        if found is None:
            made = self.world.new_comment(ref.number, body, BOT)
            self.world.markers[made.id] = marker
            self.world.tell_comment(made, "created", BOT.login)
            self.world.writes.append(f"comment {marker}")
            return made.id
        if self.world.comments[found].body != body:
            self.world.comments[found] = replace(self.world.comments[found], body=body, updated_at=self.world.now())
            self.world.writes.append(f"edit {marker}")
        return CommentId(found)

    async def react(self, ref: IssueRef, comment: CommentId | None, content: str) -> None:
        self.world.reactions.add((ref.number, comment, content))

    async def add_label(self, ref: IssueRef, label: str) -> None:
        self.world.change_label(ref.number, label, BOT.login, added=True)

    async def remove_label(self, ref: IssueRef, label: str) -> None:
        self.world.change_label(ref.number, label, BOT.login, added=False)

    async def ensure_labels(self, repo: RepoRef) -> None:
        self.world.repo_labels |= {"agent:run", "agent:plan", "agent:needs-input"}

    async def put_pull(self, repo: RepoRef, draft: PullDraft) -> Pull:
        for number, pull in self.world.pulls.items():
            if pull.head_branch == draft.head:
                if pull.is_open:
                    self.world.pulls[number] = replace(pull, body=draft.ours, draft=draft.draft)
                return self.world.pulls[number]
        if draft.head not in self.world.branches:
            raise Unavailable(f"no branch {draft.head}")
        number = max(self.world.issues, default=0) + 1
        self.world.issues[number] = SmallIssue(number, draft.title, draft.ours, BOT, is_pull=True)
        head = self.world.branches[draft.head]
        self.world.pulls[number] = Pull(
            REPO, PullNumber(number), draft.title, draft.ours, True, False, draft.draft, head, draft.head, draft.base,
            BOT, f"PR_{number}", "",
        )  # fmt: skip
        self.world.writes.append(f"pull {draft.head}")
        self.world.tell("pull_request", "opened", BOT.login, pull_request={"number": number}, number=number)
        return self.world.pulls[number]

    async def put_check_run(self, repo: RepoRef, draft: CheckRunDraft) -> str:
        self.world.check_runs[(draft.head, draft.name, draft.external_id)] = draft
        return f"memory://check/{draft.external_id}"

    async def request_review(self, repo: RepoRef, pull: PullNumber, reviewers: Sequence[Login]) -> None:
        self.world.asked |= {(pull, login) for login in reviewers}

    async def put_review(
        self, repo: RepoRef, pull: PullNumber, marker: str, body: str, replies: Sequence[ThreadReply]
    ) -> None:
        if marker in self.world.markers.values():
            return
        places = {
            one.id: f"{one.path}:{one.line}" for review in self.world.all_reviews.values() for one in review.comments
        }
        told = "".join(f"\n\n↳ {places[reply.thread]}: {reply.body}" for reply in replies)
        made = self.world.new_comment(pull, body + told, BOT)
        self.world.markers[made.id] = marker
        self.world.writes.append(f"review {marker}")

    async def delete_branch(self, repo: RepoRef, branch: BranchName) -> None:
        self.world.branches.pop(branch, None)

    async def credential(self, repo: Repository) -> str:
        return "memory-token"
