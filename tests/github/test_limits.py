"""The write budget and the pauses."""

from datetime import timedelta

import pytest

from bot.github.errors import RateLimited
from bot.github.limits import Pauses, Urgency, WriteBudget, WriteLimits
from bot.task.ids import InstallationId
from tests.github.canned import START, ManualClock

ONE, OTHER = InstallationId(1), InstallationId(2)


def spend(budget: WriteBudget, times: int, urgency: Urgency = Urgency.NORMAL) -> None:
    for _ in range(times):
        budget.take(ONE, urgency)


def test_a_minute_is_a_sliding_window() -> None:
    clock = ManualClock()
    budget = WriteBudget(WriteLimits(per_minute=3, per_hour=100), clock)
    spend(budget, 1)
    clock.advance(seconds=20)
    spend(budget, 2)
    with pytest.raises(RateLimited) as limited:
        spend(budget, 1)
    assert limited.value.until == START + timedelta(minutes=1)
    clock.advance(seconds=40)
    spend(budget, 1)
    with pytest.raises(RateLimited) as limited:
        spend(budget, 1)
    assert limited.value.until == START + timedelta(seconds=80)


def test_an_hour_is_one_too() -> None:
    clock = ManualClock()
    budget = WriteBudget(WriteLimits(per_minute=80, per_hour=5), clock)
    for _ in range(5):
        spend(budget, 1)
        clock.advance(minutes=2)
    with pytest.raises(RateLimited) as limited:
        spend(budget, 1)
    assert limited.value.until == START + timedelta(hours=1)


def test_what_can_wait_leaves_a_fifth() -> None:
    budget = WriteBudget(WriteLimits(per_minute=10, per_hour=100), ManualClock())
    spend(budget, 8, Urgency.CAN_WAIT)
    with pytest.raises(RateLimited):
        spend(budget, 1, Urgency.CAN_WAIT)
    spend(budget, 2, Urgency.NORMAL)
    with pytest.raises(RateLimited):
        spend(budget, 1, Urgency.NORMAL)


def test_installations_do_not_share() -> None:
    budget = WriteBudget(WriteLimits(per_minute=1, per_hour=100), ManualClock())
    spend(budget, 1)
    budget.take(OTHER, Urgency.NORMAL)


def test_github_s_own_numbers_are_the_default() -> None:
    assert WriteLimits() == WriteLimits(per_minute=80, per_hour=500)


def test_a_pause_ends() -> None:
    clock = ManualClock()
    pauses: Pauses[str] = Pauses(clock)
    pauses.check("a")
    pauses.note("a", RateLimited(START + timedelta(seconds=30), "slow"))
    pauses.check("b")
    with pytest.raises(RateLimited):
        pauses.check("a")
    clock.advance(seconds=30)
    pauses.check("a")
