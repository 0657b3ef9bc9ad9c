"""Decide how a turn ended from what the agent said last: one convention for every agent.

No protocol and no command line offers all agents a way to ask, to decline or to answer, so the prompt asks for a marked
last message. A line that starts with

    QUESTION:   the agent needs a decision; the rest of the message is the question (or a list of them)
    DECLINED:   there is nothing to do; the rest is the reason
    ANSWER:     the issue was a question; the rest is the answer

decides; the first such line counts. Without one the turn ended in good order and the message is its summary. The marker
is upper case; Markdown around it (`**QUESTION:**`, `## ANSWER:`) is forgiven, lines inside code fences do not count.
"""

import re

from bot.agents.printable import clean, one_line
from bot.sandbox.running import Ending, Finished
from bot.task.results import (
    FaultKind,
    TurnAnswered,
    TurnAsked,
    TurnDeclined,
    TurnEnded,
    TurnFailed,
    TurnOutcome,
)

WORDS_LIMIT = 4000
"""Characters kept of an agent's last message."""
DETAIL_LIMIT = 300
"""Characters of the one line that says why a turn failed."""

_MARKER = re.compile(r"[ \t]*(?:[*_#>]+[ \t]*)?(QUESTION|DECLINED|ANSWER)(?:\*\*|__)?:(?:\*\*|__)?[ \t]*(.*)")
_FENCE = ("```", "~~~")


def begins_marked(line: str) -> bool:
    """Does this line carry a marker?"""
    return _MARKER.match(line) is not None


def is_fence(line: str) -> bool:
    """Does a code fence begin or end here?"""
    return line.lstrip().startswith(_FENCE)


def read_message(message: str) -> TurnOutcome:
    """What the last message of a turn that ended in good order says. A marker without any words does not count."""
    lines = message.splitlines()
    fenced = False
    for place, line in enumerate(lines):
        if is_fence(line):
            fenced = not fenced
        found = None if fenced else _MARKER.match(line)
        if found is None:
            continue
        words = clean("\n".join([found[2], *lines[place + 1 :]]), WORDS_LIMIT)
        words = words or clean("\n".join(lines[:place]), WORDS_LIMIT)
        if words:
            return _marked(found[1], words)
    return TurnEnded(clean(message, WORDS_LIMIT))


def _marked(marker: str, words: str) -> TurnOutcome:
    if marker == "QUESTION":
        return TurnAsked(words)
    if marker == "DECLINED":
        return TurnDeclined(words)
    return TurnAnswered(words)


def read_stop(reason: str, message: str) -> TurnOutcome:
    """The outcome for a stop reason of the Agent Client Protocol and the last message.

    `refusal` is the model's own refusal: declined, with its words. The other reasons but `end_turn` mean that the agent
    stopped before it was done (https://agentclientprotocol.com/protocol/prompt-turn#stop-reasons).
    """
    if reason == "end_turn":
        return read_message(message)
    if reason == "refusal":
        return TurnDeclined(clean(message, WORDS_LIMIT) or "The agent refused to work on this.")
    why = {
        "max_tokens": "it reached its limit of tokens",
        "max_turn_requests": "it reached its limit of model requests in one turn",
        "cancelled": "it says that the turn was cancelled, but nobody did",
    }.get(reason, one_line(reason, 60))
    return crashed(f"The agent stopped before it was done: {why}.")


def hidden_error(message: str, beginnings: tuple[str, ...]) -> str:
    """The error of the model's service behind a turn that seems to have ended well, as this agent words such errors.

    Empty when there is none. What the model proxy saw decides more than that; see `bot/flow/steps/`.
    """
    return message if beginnings and message.lstrip().startswith(beginnings) else ""


def model_failed(error: str) -> TurnFailed:
    """The agent's model reported an error."""
    return crashed(f"The agent's model reported an error: {error}")


def crashed(detail: str) -> TurnFailed:
    """The agent failed; `detail` becomes one line."""
    return TurnFailed(FaultKind.CRASHED, one_line(detail, DETAIL_LIMIT))


def timed_out(seconds: float) -> TurnFailed:
    """The turn used up its time; the sentence names the setting to change."""
    return TurnFailed(
        FaultKind.TIMED_OUT, f"The agent used up its {seconds:g} s; `limits.minutes` sets how long it may work."
    )


def too_much_used(finished: Finished) -> TurnFailed:
    """The agent used more memory or disk space than it may."""
    kind = FaultKind.MEMORY_LIMIT if finished.ending is Ending.MEMORY_LIMIT else FaultKind.DISK_LIMIT
    return TurnFailed(kind, f"The agent was ended with all that it started: {finished.detail}.")


def stalled(seconds: float) -> TurnFailed:
    """Nothing was heard of the agent; the sentence names the setting to change."""
    return TurnFailed(
        FaultKind.STALLED,
        f"The agent said nothing and asked its model nothing for {seconds:g} s and was ended; "
        "`agents.NAME.stall_minutes` sets how long it may be silent.",
    )


def too_much_output(limit: int) -> TurnFailed:
    """The agent wrote more than it may."""
    return TurnFailed(FaultKind.OUTPUT_LIMIT, f"The agent wrote more than {limit} bytes in one turn and was ended.")
