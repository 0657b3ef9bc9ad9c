"""What the proxy has to know about a vendor's protocol; one implementation for each wire."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.sandbox.egress.features import Json, Wanted
from bot.task.usage import Tokens


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API that may be let through."""

    path: str
    """Behind the version: `/messages`."""
    query: str = ""
    """Ours, not the agent's."""
    model: str = ""
    """When the path names it."""
    streams: bool = False
    """When the path says so."""
    paid: bool = True
    """It makes the model work."""


@dataclass(frozen=True, slots=True)
class Count:
    """What an answer said about its tokens so far."""

    tokens: Tokens = field(default=Tokens())
    said: bool = False
    """It said something."""


class Wire(Protocol):
    """One vendor's protocol."""

    version: str
    """First part of its paths, inside and at the vendor: `v1`."""

    def operation(self, path: str, query: str) -> Operation | None:
        """What a POST to `path` (behind the version) means; None: nothing that may pass."""
        ...

    def headers(self, key: str, sent: Mapping[str, str], betas: tuple[str, ...]) -> dict[str, str]:
        """Headers for the vendor: ours, with the key, and the few of the agent's that matter."""
        ...

    def wanted(self, body: Json, sent: Mapping[str, str]) -> Iterator[Wanted]:
        """Everything that the request asks for beyond an answer."""
        ...

    def prepare(self, body: Json, operation: Operation, max_output: int) -> int:
        """Change the body so that its tokens are told and bounded, and nothing is stored; the most tokens of output.

        `max_output` 0: no bound of ours.
        """
        ...

    def streams(self, body: Json, operation: Operation) -> bool: ...

    def count(self, said: Json, before: Count) -> Count:
        """Tokens after an answer, or after one more event of it. The last word on each number counts."""
        ...

    def unasked(self, said: Json) -> bool:
        """An event that was sent only because `prepare` asked for it."""
        ...

    def error(self, status: int, text: str) -> Json:
        """An error in the vendor's shape."""
        ...

    def models(self, names: tuple[str, ...]) -> Json:
        """A list of models in the vendor's shape."""
        ...


UNBOUNDED_OUTPUT = 32_000
"""Tokens of an answer that is not bounded by anybody, as we reserve them."""


def bounded(body: Json, name: str, most: int) -> int:
    """Lower this field to `most`; what it is then. 0: there is neither."""
    value = body.get(name)
    asked = value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
    if most and (not asked or asked > most):
        body[name] = most
    return min(asked, most) if asked and most else asked or most


def model_of(body: Json, operation: Operation) -> str:
    """The model that a request names."""
    value = operation.model or body.get("model")
    return value if isinstance(value, str) else ""


def data_of(event: bytes) -> Json | None:
    """The object in an event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    lines = [line[5:].lstrip(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    try:
        data = json.loads(b"\n".join(lines)) if lines else None
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
