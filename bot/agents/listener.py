"""Hear an agent out: its updates become progress and a last message, its permission requests get an answer."""

from collections.abc import Callable
from typing import Any

from acp import schema

from bot.agents.permissions import decide
from bot.agents.progress import ProgressReport
from bot.agents.toolcalls import Told, ToolCalls, inside

MESSAGE_KEPT = 1 << 16
"""Characters kept of one message; markers stand near its start."""


class LastMessage:
    """The agent's last message, put together from chunks.

    Chunks belong together until the agent does something else (a tool call, its plan, a thought) or changes the message
    id. A text that follows a notice or an earlier remark is therefore a message of its own.
    """

    def __init__(self) -> None:
        self.text = ""
        self._id: str | None = None
        self._over = False
        self._tail = ""

    @property
    def line(self) -> str:
        """The last line with anything in it."""
        return next((line for line in reversed(self._tail.splitlines()) if line.strip()), "")

    def chunk(self, text: str, message_id: str | None) -> None:
        if self._over or message_id != self._id:
            self.text, self._tail, self._over, self._id = "", "", False, message_id
        self.text = (self.text + text)[:MESSAGE_KEPT] if len(self.text) < MESSAGE_KEPT else self.text
        self._tail = (self._tail + text)[-400:]

    def ends(self) -> None:
        """Something else happened; the next chunk starts a new message."""
        self._over = True


class Listener:
    """The client's side of the protocol, as the SDK calls it. File and terminal methods are not offered.

    Deaf until `listening` is set: loading a session replays its whole history as updates.
    """

    def __init__(
        self,
        worktree: str,
        report: ProgressReport,
        alive: Callable[[], None] = lambda: None,
        chunk_meta: Callable[[dict[str, Any] | None], None] = lambda meta: None,
    ) -> None:
        """`alive` is told of every sign of life, `chunk_meta` what comes along with a message."""
        self._worktree, self._report = worktree, report
        self._alive, self._chunk_meta = alive, chunk_meta
        self._calls = ToolCalls()
        self.message = LastMessage()
        self.listening = False

    async def session_update(self, session_id: str, update: object, **more: object) -> None:
        self._alive()
        if not self.listening:
            return
        if isinstance(update, schema.AgentMessageChunk):
            self._chunk_meta(update.field_meta)
            if isinstance(update.content, schema.TextContentBlock):
                self.message.chunk(update.content.text, update.message_id)
                self._report.doing(self.message.line)
            return
        self.message.ends()
        if isinstance(update, schema.AgentPlanUpdate):
            self._report.plan((entry.content, entry.status) for entry in update.entries)
        elif isinstance(update, schema.ToolCallStart | schema.ToolCallProgress):
            self._called(update)

    async def request_permission(
        self,
        session_id: str,
        tool_call: schema.ToolCallUpdate,
        options: list[schema.PermissionOption],
        **more: object,
    ) -> schema.RequestPermissionResponse:
        """The request may hold no more than an id: it is judged by everything the tool call has told."""
        self._alive()
        return decide(self._calls.told(tool_call), options, self._worktree)

    def _called(self, update: Told) -> None:
        call = self._calls.told(update)
        self._report.tool_calls(len(self._calls))
        self._report.doing(call.title)
        places = (inside(path, self._worktree) for path in call.changed)
        self._report.touched(place for place in places if place not in (None, "."))
