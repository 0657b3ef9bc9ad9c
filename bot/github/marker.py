"""The hidden line by which we find our own comment again: a key, signed for one issue of one repository."""

import hashlib
import hmac
import re

from bot.task.ids import IssueRef

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]{0,99}")
_LINE = re.compile(rf"<!-- issuewright:({_KEY.pattern}):([0-9a-f]{{32}}) -->")


class Marks:
    """Signs and reads markers. The signature keeps a marker from being made up or carried to another issue."""

    def __init__(self, secret: bytes) -> None:
        if not secret:
            raise ValueError("the secret that signs markers is empty")
        self._secret = secret

    def line(self, ref: IssueRef, marker: str) -> str:
        """The line for `marker`. Raises ValueError for a key that could not be hidden in a comment."""
        if not _KEY.fullmatch(marker):
            raise ValueError(f"not a marker: {marker!r}")
        return f"<!-- issuewright:{marker}:{self._signature(ref, marker)} -->"

    def read(self, ref: IssueRef, body: str) -> str | None:
        """The marker that we put into `body`, if any: the last one, since quoted text stands before our own line."""
        found = _LINE.findall(body)
        if not found:
            return None
        marker, signature = found[-1]
        return marker if hmac.compare_digest(signature, self._signature(ref, marker)) else None

    def _signature(self, ref: IssueRef, marker: str) -> str:
        text = f"{marker}\n{ref.repo.id}\n{ref.number}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]
