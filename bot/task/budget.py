"""Agent minutes and money: what is used, what is left, and the sentence for when nothing is."""

from dataclasses import dataclass, field

from bot.task.ids import TaskId
from bot.task.limits import Bound, number
from bot.task.rules import Rules
from bot.task.usage import Used


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
    """Agent minutes so far, and what models were used for."""

    task: float = 0.0
    """Of the task, in all its runs."""
    repository: float = 0.0
    """Of its repository in this calendar month."""
    server: float = 0.0
    """Of the whole server in this calendar month."""
    task_used: Used = field(default=Used())
    """Calls of models, likewise."""
    repository_used: Used = field(default=Used())
    server_used: Used = field(default=Used())


@dataclass(frozen=True, slots=True)
class Purse:
    """The tightest of the budgets of a task, in agent minutes or in US dollars."""

    used: float
    whose: str
    most: Bound
    money: bool = False

    @property
    def left(self) -> float:
        """Minutes or dollars; none when it is used up."""
        return max(self.most.value - self.used, 0.0)

    @property
    def sentence(self) -> str:
        """For a run that may not go on."""
        if self.money:
            return f"{dollars(self.used)} of {dollars(self.most.value)} {self.whose} are used ({self.most.setting})."
        used = number(round(self.used, 1))
        return f"{used} of {self.most} agent minutes {self.whose} are used ({self.most.setting})."

    @property
    def limit(self) -> str:
        """The same without a figure of what is used: for a limit that is reached in the middle of a turn."""
        return f"The {dollars(self.most.value)} {self.whose} are used up ({self.most.setting})."


def tightest(rules: Rules, spent: Spent) -> Purse:
    """The budget of agent minutes that ends first."""
    purses = (
        Purse(spent.task, "of this task", rules.task_minutes),
        Purse(spent.repository, "of this repository in this month", rules.month_minutes),
        Purse(spent.server, "of this server in this month", rules.server_minutes),
    )
    return min(purses, key=lambda purse: purse.left)


def money(rules: Rules, task_usd: Bound, spent: Spent) -> Purse:
    """The budget of US dollars that ends first; `task_usd` is the task's, as operator and repository agreed."""
    purses = (
        Purse(spent.task_used.usd, "of this task", task_usd, money=True),
        Purse(spent.repository_used.usd, "of this repository in this month", rules.month_usd, money=True),
        Purse(spent.server_used.usd, "of this server in this month", rules.server_usd, money=True),
    )
    return min(purses, key=lambda purse: purse.left)


def dollars(value: float) -> str:
    """`$5`, `$0.84`, `$0.0042`: cents, or what there is of one."""
    if value and abs(value) < 0.01:
        return f"${value:.2g}" if abs(value) >= 0.0001 else "$0.00"
    return f"${value:,.2f}".removesuffix(".00")
