"""Answer an agent's permission requests: the sandbox is the boundary, so what stays in the worktree is allowed."""

from collections.abc import Sequence

from acp import schema

from bot.agents.toolcalls import CHANGING, ToolCall, inside


def decide(
    call: ToolCall, options: Sequence[schema.PermissionOption], worktree: str
) -> schema.RequestPermissionResponse:
    """Allow once; reject when the call named any path outside the worktree; cancel when there is no such option.

    An edit that names no path is rejected, and so is a call of which nothing is known. A shell command names no path
    and is allowed: no answer of ours could judge it, the sandbox does. Never `allow_always`: some agents keep that
    beyond the turn.
    """
    told = bool(call.paths) or (call.told and call.kind not in CHANGING)
    allowed = told and all(inside(path, worktree) is not None for path in call.paths)
    wanted = ("allow_once",) if allowed else ("reject_once", "reject_always")
    for kind in wanted:
        for option in options:
            if option.kind == kind:
                chosen = schema.AllowedOutcome(outcome="selected", option_id=option.option_id)
                return schema.RequestPermissionResponse(outcome=chosen)
    return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
