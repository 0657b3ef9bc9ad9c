"""What a task has cost, as people read it."""

from bot.task.budget import dollars
from bot.task.usage import Price, Tokens, Used
from bot.words.cost import cost, cost_in_full

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
