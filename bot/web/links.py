"""Links to one task's pages that work for a while without any other right."""

import hmac
from datetime import UTC, datetime

from bot.task.ids import TaskId

_PURPOSE = b"issuewright task link 1"


def signed_link(secret: bytes, task: TaskId, expires: datetime) -> str:
    """`/tasks/12?expires=…&sig=…`, relative to the public address. `secret` serves a key of its own for links."""
    moment = int(expires.timestamp())
    return f"/tasks/{task}?{link_query(secret, task, moment)}"


def link_query(secret: bytes, task: TaskId, expires: int) -> str:
    """The query part; `expires` is in seconds since 1970."""
    return f"expires={expires}&sig={_signature(secret, task, str(expires))}"


def is_genuine(secret: bytes, task: TaskId, expires: str, signature: str) -> bool:
    """Was this link made by us for this task? Says nothing about its age."""
    return hmac.compare_digest(_signature(secret, task, expires).encode(), signature.encode())


def is_over(expires: str, now: datetime) -> bool:
    """Is a genuine link too old?"""
    return now >= datetime.fromtimestamp(int(expires), UTC)


def _signature(secret: bytes, task: TaskId, expires: str) -> str:
    key = hmac.digest(secret, _PURPOSE, "sha256")
    return hmac.digest(key, f"{task}:{expires}".encode(), "sha256").hex()
