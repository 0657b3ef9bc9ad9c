"""What a turn used and who took it, for the event that ends it: the proxy's count goes before the agent's own."""

from bot.agents.turn import Turn
from bot.sandbox.egress.values import Route, Spent
from bot.task.results import Usage
from bot.task.usage import Tokens, TurnUse, Used


def use_of(turn: Turn, used: Used, spent: Spent | None, route: Route | None) -> TurnUse:
    """`used`: by the proxy, in this turn and before it was interrupted."""
    models = spent.models if spent is not None else ()
    if used.calls:
        return TurnUse(used, "proxy", turn.agent, models, _dated(route, models))
    if turn.usage is not None:
        return TurnUse(_told(turn.usage), "agent", turn.agent, models)
    return TurnUse(agent=turn.agent, models=models)


def _told(usage: Usage) -> Used:
    """Nobody knows how many calls these were, or their price. What came from a cache is part of what went in."""
    cached = min(usage.cached, usage.into)
    return Used(tokens=Tokens(usage.into - cached, cached, 0, usage.out), unpriced=1)


def _dated(route: Route | None, models: tuple[str, ...]) -> str:
    """The oldest date of the prices of these models."""
    prices = [price for model in models if route is not None and (price := route.price_of(model)) is not None]
    return min((price.dated for price in prices if price.dated), default="")
