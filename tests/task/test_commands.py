"""Slash commands: where they count, and what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.commands import Command, UnknownCommand, Verb, parse

STOP = Command(Verb.STOP)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("/agent stop", (STOP,)),
        ("Thanks!\r\n/agent stop\r\n", (STOP,)),
        ("  /agent   stop  ", (STOP,)),
        ("/AGENT stop", ()),
        ("/agent Stop", (STOP,)),
        ("/agent retry fresh", (Command(Verb.RETRY, fresh=True),)),
        ("/agent stop\n/agent retry", (STOP, Command(Verb.RETRY))),
        ("/agent", (UnknownCommand(""),)),
        ("/agent stop now", (UnknownCommand("stop now"),)),
        ("please /agent stop", ()),
        ("> /agent stop", ()),
        ("```\n/agent stop\n```", ()),
        ("````\n```\n/agent stop\n````\n/agent help", (Command(Verb.HELP),)),
        ("~~~\n/agent stop", ()),
        ("    /agent stop", ()),
        ("`/agent stop`", ()),
        ("/agents stop", ()),
    ],
)
def test_commands_count_at_line_starts_outside_quotes_and_code(body: str, found: tuple[object, ...]) -> None:
    assert parse(body) == found


@given(st.text())
def test_any_text_can_be_read(body: str) -> None:
    assert isinstance(parse(body), tuple)
