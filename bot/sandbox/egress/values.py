"""What a way out is made of: the model behind it, what a turn may use, and what it used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.task.usage import Price, Used

MODEL_PORT = 8080
MODEL_URL = f"http://127.0.0.1:{MODEL_PORT}"
"""The base URL inside, the same in every box."""
REGISTRY_PORT = 8081
REGISTRY_URL = f"http://127.0.0.1:{REGISTRY_PORT}"
GRACE_SECONDS = 10.0
"""How long a turn may go on after a limit refused a call."""

WireName = Literal["anthropic", "openai-chat", "openai-responses", "gemini"]
"""Protocols of models. Mistral and most others speak `openai-chat`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A model as the operator offers it; `[models.NAME]` in the operator's file."""

    name: str
    wire: WireName
    url: str
    """The vendor's base URL. `/v1` (`/v1beta` for gemini) is added unless it ends in a version."""
    key: str = field(repr=False)
    models: tuple[str, ...] = ()
    """Model names that may be asked for; none: all that the key may use."""
    max_output: int = 0
    """Most tokens of one answer; 0: as many as the agent asks for."""
    price: Price | None = None
    """Of all models without a price of their own."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    """What the vendor may do beyond answering, by name; see `features`."""
    proxy: str | None = None
    """The HTTP proxy to reach the vendor by. Those of the bot's environment are not used."""

    def price_of(self, model: str) -> Price | None:
        return self.prices.get(model, self.price)


@dataclass(frozen=True, slots=True)
class Registry:
    """Packages that a set-up may fetch; `[registries.NAME]` in the operator's file."""

    name: str
    url: str
    also: tuple[str, ...] = ()
    """Further addresses that its index pages refer to."""
    env: Mapping[str, str] = field(default_factory=dict)
    """For the set-up; `{url}` stands for the registry as it is reached inside."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most of something, and the sentence for when it is used up."""

    most: float
    sentence: str


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What one turn may use; None: no limit."""

    calls: Allowance | None = None
    tokens: Allowance | None = None
    """In and out together."""
    usd: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a turn has used, by the proxy's own count, and how the vendor answered."""

    used: Used = field(default=Used())
    over: str = ""
    """The sentence of the limit by which a call was refused; empty: none was. This decides, not the agent's words."""
    rate_limited_until: datetime | None = None
    """The vendor's last answer was that it is too busy, until this time."""
    failures: int = 0
    """Calls that the vendor answered with an error, or not at all."""
    fault: str = ""
    """The last answer was an error: status and the vendor's words, without keys. Empty after a good answer."""
    refused: tuple[str, ...] = ()
    """The first few calls that were not let through, one sentence each."""
    models: tuple[str, ...] = ()
    """Names of the models that answered, in the order of their first answer."""
    last_call: datetime | None = None
    """When the last call began or a part of an answer came."""
