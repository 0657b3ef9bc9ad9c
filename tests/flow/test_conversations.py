"""Every conversation ends the same, whatever happens on the way."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.flow.conversations import CONVERSATIONS
from tests.tester import SmallBot
from tests.worlds.machine import Disturbance
from tests.worlds.small_world import Webhook

pytestmark = pytest.mark.anyio

EXHAUSTIVE = bool(os.environ.get("ISSUEWRIGHT_EXHAUSTIVE"))
ALONE = 2
"""Effects at which a crash happens alone. Every effect has its crash anyway, among others."""


async def held(name: str, folder: Path, disturbance: Disturbance) -> SmallBot:
    """The conversation, played to its end; what must hold holds."""
    conversation = CONVERSATIONS[name]
    bot = SmallBot(folder, conversation.script, dict(conversation.files), disturbance)
    await bot.start()
    try:
        await conversation.play(bot)
        await bot.must_hold()
    finally:
        await bot.stop()
    return bot


@cache
def _pictures() -> dict[str, tuple[dict[str, Any], int]]:
    return {}


async def undisturbed(name: str, folder: Path) -> tuple[dict[str, Any], int]:
    """The final world of the conversation, and how many effects it took."""
    if name not in _pictures():
        bot = await held(name, _fresh(folder, "undisturbed"), Disturbance())
        _pictures()[name] = (bot.picture(), bot.effects)
    return _pictures()[name]


def _fresh(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_effect_changes_nothing(name: str, after: bool, quick_path: Path) -> None:
    """At every effect, at every other one, and at some alone (at each alone: `ISSUEWRIGHT_EXHAUSTIVE=1`)."""
    expected, effects = await undisturbed(name, quick_path)
    crashes = [Disturbance(crash_every=2), *(Disturbance(crash_every=3, crash_from=first) for first in (0, 1))]
    chance = random.Random(f"{name} {after}")
    alone = range(effects) if EXHAUSTIVE else chance.sample(range(effects), min(ALONE, effects))
    crashes += [Disturbance(crash_at=number) for number in alone]
    for number, crash in enumerate(crashes):
        bot = await held(name, _fresh(quick_path, f"crash{number}"), replace(crash, crash_after=after))
        assert bot.picture() == expected, f"crash {'after' if after else 'before'}: {crash}"


def _twice(webhooks: list[Webhook]) -> list[Webhook]:
    return [webhook for webhook in webhooks for _ in range(2)]


def _shuffled(seed: int) -> Callable[[list[Webhook]], list[Webhook]]:
    chance = random.Random(seed)

    def shuffle(webhooks: list[Webhook]) -> list[Webhook]:
        return chance.sample(webhooks * 2, len(webhooks) * 2)

    return shuffle


def _lost(webhooks: list[Webhook]) -> list[Webhook]:
    return []


def _some_lost(webhooks: list[Webhook]) -> list[Webhook]:
    return webhooks[::2]


DISTURBANCES: dict[str, Disturbance] = {
    "every webhook twice": Disturbance(deliver=_twice),
    **{f"twice and shuffled {seed}": Disturbance(deliver=_shuffled(seed)) for seed in range(2)},
    "webhooks and sweep": Disturbance(sweep=True),
    "no webhooks, sweep only": Disturbance(deliver=_lost, sweep=True),
    "every other webhook lost, and sweep": Disturbance(deliver=_some_lost, sweep=True),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("what", DISTURBANCES)
async def test_webhooks_may_come_twice_in_any_order_or_never(name: str, what: str, quick_path: Path) -> None:
    expected, _ = await undisturbed(name, quick_path)
    bot = await held(name, _fresh(quick_path, "disturbed"), DISTURBANCES[what])
    assert bot.picture() == expected
