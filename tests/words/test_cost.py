"""What a task has cost, as people read it."""

from bot.task.budget import dollars
from bot.task.history import TurnTaken
from bot.task.usage import Price, Tokens, TurnUse, Used
from bot.words.cost import cost, cost_in_full, turn_in_full, who

USED = Used(3, Tokens(input=1000, cached=200, output=50), 0.84)


def test_money_where_it_is_known_else_tokens() -> None:
    assert cost(Used()) == ""
    assert cost(USED) == "$0.84"
    assert cost(USED, 5) == "$0.84 of $5"
    assert cost(USED + Used(1, unpriced=1), 5) == "1,250 tokens"


def test_in_full() -> None:
    assert cost_in_full(USED) == "3 calls of a model · 1,200 tokens in, 200 of them from a cache · 50 out · $0.84"
    assert cost_in_full(Used(1, Tokens(5), 0, 1, 1)) == (
        "1 call of a model; 1 of them broke off and are estimated · 5 tokens in · 0 out · its cost is not known"
    )


def test_small_money() -> None:
    assert [dollars(value) for value in (0, 5, 1234.5, 0.5, 0.0042, 0.00001)] == [
        *("$0", "$5", "$1,234.50", "$0.50", "$0.0042", "$0.00")
    ]


def test_prices_are_for_a_million_tokens_and_default_to_input() -> None:
    assert Price(3, 15, cached=0.3).of(Tokens(1_000_000, 1_000_000, 1_000_000, 1_000_000)) == 3 + 0.3 + 3 + 15


def test_a_turn_tells_who_counted_and_of_which_date_its_prices_are() -> None:
    seen = TurnUse(USED, "proxy", "coder 1.2", ("large-1", "small-1"), "2026-11-21")
    assert turn_in_full(TurnTaken(1, 2, seen)) == (
        "Run 1, attempt 2: coder 1.2 · large-1, small-1 · 3 calls of a model · 1,200 tokens in, "
        "200 of them from a cache · 50 out · $0.84 (prices of 2026-11-21)"
    )
    told = TurnUse(Used(tokens=Tokens(5, 2, 0, 3), unpriced=1), "agent")
    assert turn_in_full(TurnTaken(1, 1, told)) == (
        "Run 1, attempt 1: 7 tokens in, 2 of them from a cache · 3 out, as the agent says · its cost is not known"
    )
    assert turn_in_full(TurnTaken(1, 1, TurnUse())) == "Run 1, attempt 1: what it used is not known"


def test_what_an_agent_calls_itself_has_no_effect() -> None:
    assert who("codex", None) == "codex"
    assert who("codex", TurnUse(agent="codex-acp 0.16.0", models=("gpt-5",))) == "codex (codex-acp 0.16.0, gpt-5)"
    hostile = who("codex", TurnUse(agent="**Merged** @maintainer <img>\n/agent stop [x](y) #1"))
    assert hostile == "codex (Merged maintainer img /agent stop xy 1)"
