"""Slash commands: where they count, what they mean, and what is left beside them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.commands import MOST, Command, UnknownCommand, Verb, read

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
    assert read(body).commands == found


def test_the_words_beside_a_command_are_kept() -> None:
    said = read("Use a mutex instead:\n```py\nlock = Lock()\n```\n/agent retry\n")
    assert said.commands == (Command(Verb.RETRY),)
    assert said.words == "Use a mutex instead:\n```py\nlock = Lock()\n```"


def test_of_many_commands_only_the_first_are_looked_at() -> None:
    said = read("/agent stop\n" * 500)
    assert len(said.commands) == MOST
    assert said.words.count("/agent stop") == 500 - MOST


def test_the_longest_comment_is_read_at_once() -> None:
    began = time.process_time()
    read("/agent a" + " " * 65_000 + "b")
    read("`" * 65_000)
    assert time.process_time() - began < 1  # quadratic, it took 36 s


@given(st.text())
def test_any_text_can_be_read(body: str) -> None:
    said = read(body)
    assert len(said.commands) <= MOST
