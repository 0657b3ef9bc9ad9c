"""Agent minutes: what is used, what is left, and the sentence for when nothing is."""

from dataclasses import dataclass

from bot.task.ids import TaskId
from bot.task.limits import Bound, number
from bot.task.rules import Rules


@dataclass(frozen=True, slots=True)
class TurnKey:
    """One turn of an agent, as its minutes are kept."""

    repo_id: int
    task: TaskId
    run: int
    attempt: int
    month: str
    """In which it began, UTC: `2026-11`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Agent minutes so far."""

    task: float = 0.0
    """Of the task, in all its runs."""
    repository: float = 0.0
    """Of its repository in this calendar month."""
    server: float = 0.0
    """Of the whole server in this calendar month."""


@dataclass(frozen=True, slots=True)
class Purse:
    """The tightest of the budgets of a task."""

    used: float
    whose: str
    most: Bound

    @property
    def left(self) -> float:
        """Minutes; none when it is used up."""
        return max(self.most.value - self.used, 0.0)

    @property
    def sentence(self) -> str:
        """For a run that may not go on."""
        used = number(round(self.used, 1))
        return f"{used} of {self.most} agent minutes {self.whose} are used ({self.most.setting})."


def tightest(rules: Rules, spent: Spent) -> Purse:
    """The budget that ends first."""
    purses = (
        Purse(spent.task, "of this task", rules.task_minutes),
        Purse(spent.repository, "of this repository in this month", rules.month_minutes),
        Purse(spent.server, "of this server in this month", rules.server_minutes),
    )
    return min(purses, key=lambda purse: purse.left)
