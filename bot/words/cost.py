"""What a task has cost: money where prices are known, else tokens."""

from bot.task.budget import dollars
from bot.task.history import TurnTaken
from bot.task.usage import TurnUse, Used
from bot.words.plain import inert, one_line


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


def who(name: str, use: TurnUse | None) -> str:
    """The agent, with its version and its models where they are known: `codex (codex-acp 0.16.0, gpt-5)`."""
    more = [_tame(word) for word in (use.agent, *use.models) if word] if use is not None else []
    return f"{name} ({', '.join(more)})" if more else name


def turn_in_full(taken: TurnTaken) -> str:
    """One line for the report."""
    use = taken.use
    who_it_was = " · ".join(_tame(word) for word in (use.agent, ", ".join(use.models)) if word)
    return f"Run {taken.run}, attempt {taken.attempt}: " + " · ".join(part for part in (who_it_was, _sums(use)) if part)


def _sums(use: TurnUse) -> str:
    tokens = use.used.tokens
    match use.counted_by:
        case "proxy":
            dated = f" (prices of {_tame(use.priced)})" if use.priced and use.used.money is not None else ""
            return cost_in_full(use.used) + dated
        case "agent":
            cached = f", {tokens.cached:,} of them from a cache" if tokens.cached else ""
            return (
                f"{tokens.read:,} tokens in{cached} · {tokens.output:,} out, as the agent says · its cost is not known"
            )
        case "nobody":
            return "what it used is not known"


def _tame(word: str) -> str:
    """A name that an agent or a vendor tells: one short piece of plain text, without markup."""
    return inert("".join(letter for letter in one_line(word, 60) if letter.isalnum() or letter in " .,:/+-_"))
