"""What a task has cost: money where prices are known, else tokens."""

from bot.task.budget import dollars
from bot.task.usage import Used


def cost(used: Used, most: float | None = None) -> str:
    """`$0.84 of $5`, `1,250 tokens`; empty when no model was called."""
    if not used.calls:
        return ""
    if used.money is None:
        return f"{used.tokens.total:,} tokens"
    return dollars(used.money) + (f" of {dollars(most)}" if most is not None else "")


def cost_in_full(used: Used) -> str:
    """For the report: calls, tokens, money or that it is not known."""
    if not used.calls:
        return ""
    tokens = used.tokens
    cached = f", {tokens.cached:,} of them from a cache" if tokens.cached else ""
    calls = f"{used.calls:,} {'call' if used.calls == 1 else 'calls'} of a model"
    money = "its cost is not known" if used.money is None else dollars(used.money)
    upper = f"; {used.estimated:,} of them broke off and are estimated" if used.estimated else ""
    return f"{calls}{upper} · {tokens.read:,} tokens in{cached} · {tokens.output:,} out · {money}"
