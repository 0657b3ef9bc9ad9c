"""Count the tokens of a turn from what the agent tells. What the model proxy counted goes before it."""

from typing import Any

from acp import schema

from bot.agents.profiles import Counted
from bot.task.results import Usage

_MOST = 1 << 50
"""An agent's own count is a claim; one above this is none."""


class Counter:
    """Of one turn. `first`: the session began in it, so that a count of the whole session is the turn's."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._sum: Usage | None = None

    def chunk(self, meta: dict[str, Any] | None) -> None:
        """The `_meta` of a message chunk; some agents tell each model call there."""
        if self._counted == "call" and isinstance(told := (meta or {}).get("usage"), dict):
            self._add(_numbers(told, ("inputTokens", "outputTokens", "cachedReadTokens")))

    def prompt_over(self, answer: schema.PromptResponse, *, first: bool) -> None:
        """The agent's answer to a prompt."""
        if self._counted == "prompt" or (self._counted == "session" and first):
            told = answer.usage
            if told is not None:
                self._add(_usage(told.input_tokens, told.output_tokens, told.cached_read_tokens or 0))
            elif isinstance(quota := (answer.field_meta or {}).get("quota"), dict):
                count = quota.get("token_count")
                self._add(_numbers(count if isinstance(count, dict) else {}, ("input_tokens", "output_tokens", "")))

    @property
    def usage(self) -> Usage | None:
        """None: it told nothing that can be counted."""
        return self._sum

    def _add(self, usage: Usage | None) -> None:
        self._sum = usage if usage is None or self._sum is None else self._sum + usage


def _numbers(told: dict[str, Any], names: tuple[str, str, str]) -> Usage | None:
    values = [told.get(name) or 0 for name in names]
    return _usage(*values) if all(type(value) is int for value in values) else None


def _usage(into: int, out: int, cached: int) -> Usage | None:
    sane = all(0 <= value < _MOST for value in (into, out, cached)) and into + out > 0
    return Usage(into, out, cached) if sane else None
