"""The convention for the last message, and stop reasons."""

import pytest

from bot.agents.outcome import WORDS_LIMIT, crashed, read_message, read_stop
from bot.task.results import FaultKind, TurnAnswered, TurnAsked, TurnDeclined, TurnEnded, TurnFailed, TurnOutcome


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("I changed the parser.", TurnEnded("I changed the parser.")),
        ("QUESTION: Which port?", TurnAsked("Which port?")),
        ("I looked.\n\nQUESTION:\n1. A?\n2. B?", TurnAsked("1. A?\n2. B?")),
        ("**QUESTION:** Which?", TurnAsked("Which?")),
        ("**QUESTION**: Which?", TurnAsked("Which?")),
        ("## ANSWER: Yes.", TurnAnswered("Yes.")),
        ("DECLINED: Fixed already.\nSee #3.", TurnDeclined("Fixed already.\nSee #3.")),
        ("Which port is it?\nQUESTION:", TurnAsked("Which port is it?")),
        ("QUESTION: A?\nANSWER: B", TurnAsked("A?\nANSWER: B")),
        ("QUESTION:", TurnEnded("QUESTION:")),
        ("I answered the QUESTION: it was easy.", TurnEnded("I answered the QUESTION: it was easy.")),
        ("question: no", TurnEnded("question: no")),
        ("Wrote a FAQ:\n```\nQUESTION: Why?\n```", TurnEnded("Wrote a FAQ:\n```\nQUESTION: Why?\n```")),
        ("", TurnEnded("")),
    ],
)
def test_the_first_marked_line_decides(message: str, outcome: TurnOutcome) -> None:
    assert read_message(message) == outcome


def test_words_are_capped_and_hold_no_control_characters() -> None:
    outcome = read_message("a\x1b[31mb\u202ec\r\nd\x00" + "x" * 10_000)
    assert isinstance(outcome, TurnEnded)
    assert outcome.summary.startswith("a[31mbc\ndx")
    assert len(outcome.summary) == WORDS_LIMIT


@pytest.mark.parametrize("reason", ["max_tokens", "max_turn_requests", "cancelled", "something\nnew"])
def test_stopping_early_is_a_failure_even_with_a_marker(reason: str) -> None:
    outcome = read_stop(reason, "ANSWER: half of it")
    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FaultKind.CRASHED
    assert "\n" not in outcome.detail


def test_a_refusal_of_the_model_declines() -> None:
    assert read_stop("refusal", "I will not.") == TurnDeclined("I will not.")
    assert read_stop("refusal", "") == TurnDeclined("The agent refused to work on this.")


def test_a_failure_is_one_short_line() -> None:
    detail = crashed("a\nb\x07" + "x" * 1000).detail
    assert detail.startswith("a bx")
    assert len(detail) == 300
