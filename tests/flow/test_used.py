"""Whose count of a turn is kept: the proxy's before the agent's own."""

from bot.agents.turn import Turn
from bot.flow.steps.used import use_of
from bot.sandbox.egress.values import Route, Spent
from bot.task.results import TurnEnded, Usage
from bot.task.usage import Price, Tokens, TurnUse, Used

TURN = Turn(TurnEnded("Done."), None, Usage(100, 5, 40), "coder 1.2")
SEEN = Used(2, Tokens(9, 1, 0, 3), 0.5)
ROUTE = Route(
    "main", "anthropic", "http://x", "key",
    price=Price(1, 2, dated="2026-11-21"), prices={"small": Price(1, 1, dated="2026-01-02")},
)  # fmt: skip


def test_the_proxys_count_goes_before_the_agents() -> None:
    spent = Spent(SEEN, models=("large", "small"))
    assert use_of(TURN, SEEN, spent, ROUTE) == TurnUse(SEEN, "proxy", "coder 1.2", ("large", "small"), "2026-01-02")


def test_an_agents_own_count_has_no_price() -> None:
    told = use_of(TURN, Used(), None, None)
    assert told == TurnUse(Used(tokens=Tokens(60, 40, 0, 5), unpriced=1), "agent", "coder 1.2")
    assert told.used.money is None


def test_nobody_counted() -> None:
    assert use_of(Turn(TurnEnded("Done."), None), Used(), None, None) == TurnUse()
