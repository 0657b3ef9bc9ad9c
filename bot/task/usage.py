"""What calls of a model use: tokens, their price, and sums of both."""

from dataclasses import dataclass, fields
from typing import Literal, Self

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counted apart, because they are priced apart."""

    input: int = 0
    """Read by the model, without those that came from a cache."""
    cached: int = 0
    """Read from a cache."""
    written: int = 0
    """Read, and written into a cache."""
    output: int = 0
    """Made by the model, its hidden thoughts included."""

    @property
    def read(self) -> int:
        """All that went in."""
        return self.input + self.cached + self.written

    @property
    def total(self) -> int:
        """In and out."""
        return self.read + self.output

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tokens)))


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, as of a date; `cached` and `written` cost as much as input when not known."""

    input: float
    output: float
    cached: float | None = None
    written: float | None = None
    dated: str = ""

    def of(self, tokens: Tokens) -> float:
        """US dollars."""
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.written is None else self.written
        whole = tokens.input * self.input + tokens.cached * cached
        return (whole + tokens.written * written + tokens.output * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class Used:
    """Calls of a model, summed up."""

    calls: int = 0
    tokens: Tokens = Tokens()
    usd: float = 0.0
    """Of the calls that have a price."""
    unpriced: int = 0
    """Calls whose price is not known."""
    estimated: int = 0
    """Calls that ended before their tokens were told; the tokens are then an upper estimate."""

    def __add__(self, other: Self) -> "Used":
        return Used(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.unpriced + other.unpriced,
            self.estimated + other.estimated,
        )

    @property
    def money(self) -> float | None:
        """US dollars; None when some call has no price."""
        return None if self.unpriced else self.usd


@dataclass(frozen=True, slots=True)
class TurnUse:
    """What one turn of an agent used, and who it was; kept with the event that ends the turn."""

    used: Used = Used()
    counted_by: Literal["proxy", "agent", "nobody"] = "nobody"
    """Who says so: the proxy saw every call, an agent tells what it likes."""
    agent: str = ""
    """Program and version, as it tells them or as it was installed."""
    models: tuple[str, ...] = ()
    """Those that answered, by the vendor's word."""
    priced: str = ""
    """The date of the prices, the oldest one; empty when none is known."""
