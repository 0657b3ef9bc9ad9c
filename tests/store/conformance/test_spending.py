"""What turns use: overwritten while they go on, summed up by task, repository and month."""

import pytest

from bot.store.store import Store
from bot.task.budget import TurnKey
from bot.task.ids import TaskId
from bot.task.usage import Tokens, Used

pytestmark = pytest.mark.anyio
USED = Used(2, Tokens(10, 20, 30, 40), 0.5)


def turn(repo: int, task: int, attempt: int = 1, month: str = "2026-11") -> TurnKey:
    return TurnKey(repo, TaskId(task), 1, attempt, month)


async def test_a_turn_is_overwritten(store: Store) -> None:
    assert await store.spent_by(turn(1, 1)) == (0, Used())
    await store.set_spent(turn(1, 1), 30, Used(1))
    await store.set_spent(turn(1, 1), 60, USED)
    assert await store.spent_by(turn(1, 1)) == (60, USED)


async def test_sums(store: Store) -> None:
    for key in (turn(1, 1), turn(1, 1, 2), turn(1, 2), turn(2, 3), turn(1, 1, 3, "2026-10")):
        await store.set_spent(key, 60, USED)
    await store.set_spent(turn(2, 4), 60)
    spent = await store.spent(1, TaskId(1), "2026-11")
    assert (spent.task, spent.repository, spent.server) == (3, 3, 5)
    assert [used.calls for used in (spent.task_used, spent.repository_used, spent.server_used)] == [6, 6, 8]
    assert spent.task_used.tokens == Tokens(30, 60, 90, 120)
    assert spent.task_used.usd == pytest.approx(1.5)


async def test_money_is_unknown_when_one_call_has_no_price(store: Store) -> None:
    await store.set_spent(turn(1, 1), 1, USED)
    await store.set_spent(turn(1, 1, 2), 1, Used(1, Tokens(1), unpriced=1))
    assert (await store.spent(1, TaskId(1), "2026-11")).task_used.money is None
