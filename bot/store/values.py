"""What the store's verbs take and give back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.task.effects import Effect, Lane
from bot.task.ids import EffectId, TaskId
from bot.task.model import Task
from bot.task.moves import Ignored, Moved


class Received(StrEnum):
    """What became of a webhook delivery that came in."""

    NEW = "new"
    """Stored for the first time."""
    DUPLICATE = "duplicate"
    """It is here already; nothing changed."""
    AGAIN = "again"
    """It had failed and is put to work once more."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    RECEIVED = "received"
    """Its effect waits or runs."""
    IGNORED = "ignored"
    """Stored, but of a kind that nothing is done for."""
    PROCESSED = "processed"
    """Its facts are told."""
    FAILED = "failed"
    """Given up; a redelivery puts it to work again."""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery as it came. `body` is empty after it was forgotten."""

    event: str
    body: bytes
    state: DeliveryState
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Repeated:
    """The fact was known already: nothing changed."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The task as it is after an event, and what the event did."""

    task: Task
    result: Moved | Ignored | Repeated


@dataclass(frozen=True, slots=True)
class Listed:
    """A task in a list."""

    task: Task
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect in somebody's hands. `lease` is new with every claim and fences off whoever held it before."""

    id: EffectId
    subject: str
    task: TaskId | None
    effect: Effect
    attempt: int
    lease: str
    moved: bool = False
    """A step of a task whose worktree does not stand here; what lies here of the task is old."""


class Finished(StrEnum):
    """What became of the wish to finish an effect."""

    DONE = "done"
    """The effect is gone and its result is told, in one transaction."""
    LOST = "lost"
    """It was not ours any more (revoked, taken over): nothing changed."""


@dataclass(frozen=True, slots=True)
class OpenEffect:
    """An effect as pages show it; `dead` ones are kept for their fault."""

    id: EffectId
    subject: str
    kind: str
    lane: Lane
    key: str
    due_at: datetime
    attempts: int
    owner: str | None
    revoked: bool
    dead: bool
    fault: str
