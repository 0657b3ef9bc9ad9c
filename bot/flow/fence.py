"""The fence: right before each write to the world, ask whether the effect behind it is still ours.

A worker that was frozen and taken over from goes on where it stopped when it wakes up; here it hears of it. What the
fence cannot catch is a freeze between its answer and the first byte on the wire. Then the natural keys hold: a push
names the commit that it expects to replace, a pull request is one per branch; a comment could come twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bot.store.store import Store
from bot.store.values import Claimed

_held: ContextVar[Claimed | None] = ContextVar("held", default=None)
"""The effect that this asyncio task, and every one that it starts, works for."""


class LeaseLost(Exception):
    """The effect is somebody else's by now, or nobody wants it any more; nothing was written."""


@contextmanager
def working_for(claimed: Claimed) -> Iterator[None]:
    """Writes within the block are for this effect."""
    token = _held.set(claimed)
    try:
        yield
    finally:
        _held.reset(token)


@dataclass(frozen=True, slots=True)
class Fence:
    """Call it before a write. Outside an effect it lets everything pass: set-up, tools."""

    store: Store

    async def __call__(self) -> None:
        """Raises LeaseLost, or StoreUnavailable when the database cannot be asked."""
        claimed = _held.get()
        if claimed is not None and not await self.store.may_write(claimed):
            raise LeaseLost(f"{type(claimed.effect).__name__} of {claimed.subject} is not ours any more")
