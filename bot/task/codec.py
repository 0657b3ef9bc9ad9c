"""Events, effects and tasks as JSON, for the rows that keep them.

Golden files of every version stand in tests/task/golden: a payload written by an older version must stay readable.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from bot.task.certificate import Filed
from bot.task.effects import Effect
from bot.task.events import TaskEvent
from bot.task.model import Task

EVENT_KINDS: Mapping[str, type[TaskEvent]] = MappingProxyType({kind.__name__: kind for kind in get_args(TaskEvent)})
EFFECT_KINDS: Mapping[str, type[Effect]] = MappingProxyType({kind.__name__: kind for kind in get_args(Effect)})


class UnknownKind(ValueError):
    """A row of a kind that this version does not know; a newer version wrote it."""


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Made on first use: building one costs milliseconds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: TaskEvent | Effect | Task | Filed) -> str:
    """JSON of a value; its kind (class name) is kept beside it."""
    text: bytes = _adapter(type(value)).dump_json(value)
    return text.decode()


def decode_event(kind: str, payload: str) -> TaskEvent:
    """Raises UnknownKind, or pydantic's ValidationError for a payload that does not fit."""
    if kind not in EVENT_KINDS:
        raise UnknownKind(f"unknown event {kind}")
    event: TaskEvent = _adapter(EVENT_KINDS[kind]).validate_json(payload)
    return event


def decode_effect(kind: str, payload: str) -> Effect:
    """Raises UnknownKind, or pydantic's ValidationError for a payload that does not fit."""
    if kind not in EFFECT_KINDS:
        raise UnknownKind(f"unknown effect {kind}")
    effect: Effect = _adapter(EFFECT_KINDS[kind]).validate_json(payload)
    return effect


def decode_task(payload: str) -> Task:
    """A task from its stored JSON."""
    task: Task = _adapter(Task).validate_json(payload)
    return task


def decode_filed(payload: bytes) -> Filed | None:
    """A kept certificate; None when another version wrote it in a form that this one does not read."""
    try:
        filed: Filed = _adapter(Filed).validate_json(payload)
    except ValidationError:
        return None
    return filed
