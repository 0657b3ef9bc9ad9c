"""The conversations of tests/flow on the real thing: all of them as they are, a seeded sample of them disturbed.

The small world of tests/flow holds every crash and every disturbance. Here it is shown to be true to life: each
conversation ends in the same picture in both worlds.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.flow.conversations import CONVERSATIONS
from tests.tester import SmallBot
from tests.worlds.machine import Disturbance
from tests.worlds.real_bot import RealBot

pytestmark = pytest.mark.anyio

SEED = 7
CRASHES = 6
DEAF_AND_DOUBLED = 4


async def held(name: str, folder: Path, disturbance: Disturbance) -> RealBot:
    """The conversation in the real world, played to its end; what must hold holds."""
    conversation = CONVERSATIONS[name]
    bot = RealBot(folder / "real", conversation.script, dict(conversation.files), disturbance)
    async with bot.on_stage():
        await conversation.play(bot)
        await bot.must_hold()
    return bot


async def in_small(name: str, folder: Path) -> SmallBot:
    """The same conversation in the small world, undisturbed."""
    conversation = CONVERSATIONS[name]
    (folder / "small").mkdir()
    bot = SmallBot(folder / "small", conversation.script, dict(conversation.files))
    await bot.start()
    try:
        await conversation.play(bot)
    finally:
        await bot.stop()
    return bot


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_the_small_world_is_true_to_life(name: str, quick_path: Path) -> None:
    bot, small = await held(name, quick_path, Disturbance()), await in_small(name, quick_path)
    assert bot.picture() == small.picture()


def _sample(kind: str, count: int) -> Sequence[str]:
    return random.Random(f"{SEED} {kind}").sample(sorted(CONVERSATIONS), count)


@pytest.mark.parametrize("name", _sample("crash", CRASHES))
async def test_a_crash_changes_nothing(name: str, quick_path: Path) -> None:
    small = await in_small(name, quick_path)
    chance = random.Random(f"{SEED} {name}")
    disturbance = Disturbance(crash_at=chance.randrange(small.effects), crash_after=chance.random() < 0.5)
    bot = await held(name, quick_path, disturbance)
    assert bot.effects > disturbance.crash_at, "there was no crash"
    assert bot.picture() == small.picture(), disturbance


@pytest.mark.parametrize("name", ["reviewed then merged", "asked"])
async def test_nearly_every_effect_may_be_performed_twice(name: str, quick_path: Path) -> None:
    bot = await held(name, quick_path, Disturbance(crash_every=2, crash_after=True))
    assert bot.picture() == (await in_small(name, quick_path)).picture()


def _twice_and_shuffled(webhooks: list[Any]) -> list[Any]:
    return random.Random(SEED).sample(webhooks * 2, len(webhooks) * 2)


def _lost(webhooks: list[Any]) -> list[Any]:
    return []


@pytest.mark.parametrize(
    "disturbance",
    [Disturbance(deliver=_twice_and_shuffled), Disturbance(deliver=_lost, sweep=True)],
    ids=["twice and shuffled", "lost, sweep only"],
)
@pytest.mark.parametrize("name", _sample("webhooks", DEAF_AND_DOUBLED))
async def test_webhooks_may_come_twice_in_any_order_or_never(
    name: str, disturbance: Disturbance, quick_path: Path
) -> None:
    bot = await held(name, quick_path, disturbance)
    assert bot.picture() == (await in_small(name, quick_path)).picture()
