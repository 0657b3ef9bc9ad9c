"""What we say in a conversation: comments that are edited in place, and reactions."""

from bot.github.api import repo_call
from bot.github.cut import BODY_LIMIT, cut_middle
from bot.github.errors import Refused
from bot.github.limits import Urgency
from bot.github.models import WireComment
from bot.github.verbs import Verbs
from bot.task.ids import CommentId, IssueRef
from bot.task.observed import Comment

STATUS_PREFIX = "status:"
"""Comments with such a marker are edited often, and an edit may wait: see `Urgency`."""


class Comments(Verbs):
    """Implements the comments of `Writes` of `bot.flow.doors`."""

    async def put_comment(self, ref: IssueRef, marker: str, body: str, known: CommentId | None) -> CommentId:
        line = self._marks.line(ref, marker)
        text = f"{cut_middle(body, BODY_LIMIT - len(line) - 2)}\n\n{line}"
        there = await self._ours_by_id(ref, known) if known is not None else None
        if there is None:
            there = await self._ours_by_marker(ref, marker)
        urgency = Urgency.CAN_WAIT if marker.startswith(STATUS_PREFIX) else Urgency.NORMAL
        if there is None:
            return await self._say(ref, text, urgency)
        if _same(there.body, text):
            return there.id
        return await self._edit_comment(ref, there.id, text, urgency)

    async def react(self, ref: IssueRef, comment: CommentId | None, content: str) -> None:
        place = f"/issues/{ref.number}" if comment is None else f"/issues/comments/{comment}"
        call = repo_call(ref.repo, f"react in {ref}", f"{place}/reactions", "POST", body={"content": content})
        await self._api.write(call, Urgency.CAN_WAIT, repeatable=True)

    async def _ours_by_id(self, ref: IssueRef, known: CommentId) -> Comment | None:
        answer = await self._api.find(repo_call(ref.repo, f"read our comment in {ref}", f"/issues/comments/{known}"))
        if answer is None:
            return None
        comment = WireComment.model_validate(answer.data).comment()
        own = (await self._identity.get()).user_id
        return comment if comment.author.id == own and comment.issue == ref.number else None

    async def _ours_by_marker(self, ref: IssueRef, marker: str) -> Comment | None:
        """The oldest comment that carries the marker under our own author id: a copied marker is not enough."""
        own = (await self._identity.get()).user_id
        call = repo_call(ref.repo, f"look for our comment in {ref}", f"/issues/{ref.number}/comments")
        rows = await self._api.pages(call, lambda rows: [WireComment.model_validate(row).comment() for row in rows])
        ours = [row for row in rows if row.author.id == own and self._marks.read(ref, row.body) == marker]
        return min(ours, key=lambda comment: comment.id, default=None)

    async def _say(self, ref: IssueRef, text: str, urgency: Urgency) -> CommentId:
        call = repo_call(ref.repo, f"comment on {ref}", f"/issues/{ref.number}/comments", "POST", body={"body": text})
        answer = await self._api.write(call, urgency)
        return WireComment.model_validate(answer.data).comment().id

    async def _edit_comment(self, ref: IssueRef, comment: CommentId, text: str, urgency: Urgency) -> CommentId:
        path = f"/issues/comments/{comment}"
        call = repo_call(ref.repo, f"edit our comment on {ref}", path, "PATCH", body={"body": text})
        try:
            await self._api.write(call, urgency, repeatable=True)
        except Refused as refused:
            if not refused.gone:
                raise
            return await self._say(ref, text, urgency)  # deleted between reading and editing
        return comment


def _same(there: str, wanted: str) -> bool:
    """GitHub may give line ends back in its own way."""
    return there.replace("\r\n", "\n").strip() == wanted.replace("\r\n", "\n").strip()
