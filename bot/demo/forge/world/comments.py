"""Verbs about the conversation: comments and reactions."""

from bot.demo.forge.model import REACTIONS, Comment, Happening, Issue, Reaction, ReviewComment, User
from bot.demo.forge.refusal import invalid
from bot.demo.forge.world.issues import IssueVerbs, checked_body
from bot.demo.forge.world.memory import RepoName, Who


class CommentVerbs(IssueVerbs):
    """Talking on issues and pull requests."""

    def comment(self, repo: RepoName, number: int, body: str, *, by: Who, silent: bool = False) -> Comment:
        """Write a comment in the conversation of an issue or pull request."""
        issue, author, now = self.issue(repo, number), self.user(by), self.now()
        if not body.strip():
            raise invalid("IssueComment", "body", "missing_field", "Body cannot be blank")
        checked_body("IssueComment", body)
        comment = Comment(self.next_id(), issue, author, body, now, now, self.app_of(author))
        issue.comments.append(comment)
        self.touch(issue)
        self._tell_comment("created", comment, author, silent)
        return comment

    def edit_comment(self, repo: RepoName, comment_id: int, body: str, *, by: Who, silent: bool = False) -> Comment:
        """Replace the body of a comment."""
        comment = self.find_comment(repo, comment_id)
        before, comment.body = comment.body, checked_body("IssueComment", body)
        comment.updated_at = self.now()
        self.touch(comment.issue)
        self._tell_comment("edited", comment, self.user(by), silent, changes={"body": {"from": before}})
        return comment

    def delete_comment(self, repo: RepoName, comment_id: int, *, by: Who, silent: bool = False) -> None:
        """Remove a comment."""
        comment = self.find_comment(repo, comment_id)
        comment.issue.comments.remove(comment)
        self.touch(comment.issue)
        self._tell_comment("deleted", comment, self.user(by), silent)

    def react(self, target: Issue | Comment | ReviewComment, content: str, *, by: Who) -> tuple[Reaction, bool]:
        """Add an emoji; the same one twice is the same reaction. Returns it, and whether it is new. No webhook."""
        if content not in REACTIONS:
            raise invalid("Reaction", "content")
        user = self.user(by)
        for reaction in target.reactions:
            if reaction.user is user and reaction.content == content:
                return reaction, False
        reaction = Reaction(self.next_id(), user, content, self.now())
        target.reactions.append(reaction)
        return reaction, True

    def _tell_comment(self, action: str, comment: Comment, sender: User, silent: bool, **extra: object) -> None:
        issue = comment.issue
        happening = Happening("issue_comment", action, sender, issue.repo, issue=issue, comment=comment, extra=extra)
        self.tell(happening, silent=silent)
