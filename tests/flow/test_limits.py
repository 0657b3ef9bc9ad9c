"""Limits and budgets in a run: what ends it, and that the sentence names value and setting."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Box, Limits
from bot.store.values import Claimed
from bot.task.certificate import Tool
from bot.task.effects import RunAgent
from bot.task.ids import RepoRef, TaskId
from bot.task.limits import RunLimits, operators
from bot.task.model import Phase
from bot.task.results import FaultKind, Progress, TurnFailed
from bot.task.rules import Rulebook, Rules
from bot.verify.command import Command, Ran
from tests.flow.conversations import FILES, GOOD, script
from tests.tester import SmallBot
from tests.worlds.small_world import REPO

pytestmark = pytest.mark.anyio

CONFIG = ".github/issuewright.yml"


@pytest.fixture
async def bot(quick_path: Path) -> AsyncIterator[SmallBot]:
    bot = SmallBot(quick_path, script(GOOD), dict(FILES))
    await bot.start()
    yield bot
    await bot.stop()


def rule(bot: SmallBot, rules: Rules) -> None:
    """The operator decides."""
    steps = bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, rulebook=Rulebook(rules)))


def says(bot: SmallBot, text: str) -> None:
    """What stands in the repository's own file."""
    main = bot.world.branches["main"]
    bot.world.branches["main"] = bot.git.commit(main, {**bot.git.files(main), CONFIG: text})


async def run(bot: SmallBot) -> int:
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    return issue


async def failed(bot: SmallBot, issue: int) -> str:
    assert (await bot.task(issue)).phase is Phase.FAILED
    (told,) = [text for text in bot.said(issue) if "**Stopped:**" in text]
    return told.removeprefix("@maintainer **Stopped:** ").partition("\n\nWhat was done")[0].partition("\n\n`/agent")[0]


async def minutes(bot: SmallBot, repo: RepoRef = REPO) -> float:
    return (await bot.store.spent(repo.id, TaskId(1), f"{bot.clock():%Y-%m}")).repository


async def test_a_wish_above_the_limit_is_told_once_and_the_run_goes_on(bot: SmallBot) -> None:
    says(bot, "checks: {t: t}\nlimits: {minutes: 90, attempts: 2}\n")
    issue = await run(bot)
    task = await bot.task(issue)
    assert (task.phase, task.attempts_allowed) == (Phase.IN_REVIEW, 2)
    (status, _) = bot.said(issue)
    note = "`limits.minutes: 90` in `.github/issuewright.yml` is more than this server allows; 60 holds"
    assert status.count(note) == 1
    (report,) = bot.world.check_runs.values()
    assert note in report.summary


async def test_a_change_that_is_too_large_goes_back_and_then_stops(bot: SmallBot) -> None:
    rule(bot, Rules(RunLimits(files=operators("limits.files", 1), attempts=operators("limits.attempts", 2))))
    bot.agents.script = script({"steps": [{"write": {"path": f"{name}.py", "text": "x\n"}} for name in ("one", "two")]})
    issue = await run(bot)
    assert await failed(bot, issue) == snapshot("""\
the agent's changes may not be taken over:

- 2 files are changed; at most 1 may be (`limits.files` in the operator's issuewright.toml).\
""")
    assert "2 files are changed; at most 1 may be" in bot.agents.prompts[1]
    assert len(bot.agents.prompts) == 2


async def test_a_withheld_key_and_a_withheld_agent(bot: SmallBot) -> None:
    rule(bot, Rules(may_override=("limits",)))
    assert "may not set `checks` on this server; it may set limits" in await failed(bot, await run(bot))
    rule(bot, Rules(agents=("other",), agents_setting="`agents`"))
    assert "the agent `scripted` may not work here; other may (`agents`)." in await failed(bot, await run(bot))


async def test_a_task_ends_with_its_budget_and_goes_on_when_it_is_raised(bot: SmallBot) -> None:
    rule(bot, Rules(task_minutes=operators("budget.task_minutes", 10)))
    takes(bot, minutes=12)
    bot.agents.script = script({"steps": [{"write": {"path": "fix.py", "text": "BUG\n"}}]})
    issue = await run(bot)
    assert await failed(bot, issue) == snapshot(
        "the agent's time was up: 12 of 10 agent minutes of this task are used "
        "(`budget.task_minutes` in the operator's issuewright.toml)."
    )
    assert await minutes(bot) == 12
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert bot.said(issue)[-1].startswith("@maintainer **Stopped:** 12 of 10 agent minutes of this task are used")
    assert len(bot.agents.prompts) == 1, "a task without budget starts no turn"
    rule(bot, Rules(task_minutes=operators("budget.task_minutes", 30)))
    bot.agents.script = script(GOOD)
    bot.clock.advance(seconds=5)
    bot.world.comment(issue, "/agent retry")
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW
    assert await minutes(bot) == 24


async def test_the_month_of_repository_and_server(bot: SmallBot) -> None:
    takes(bot, minutes=3)
    await run(bot)
    for rules in (
        Rules(month_minutes=operators("budget.month_minutes", 3)),
        Rules(server_minutes=operators("budget.month_minutes", 3)),
    ):
        rule(bot, rules)
        assert (await failed(bot, await run(bot))).startswith("3 of 3 agent minutes of this")
    assert len(bot.agents.prompts) == 1
    bot.clock.advance(days=31)
    assert (await bot.task(await run(bot))).phase is Phase.IN_REVIEW


async def test_a_crash_forgets_no_minutes(bot: SmallBot) -> None:
    takes(bot, minutes=2)
    bot.world.label(bot.world.open_issue("Fix the widget"))
    await bot.deliver()
    while not isinstance((claimed := await claim(bot)).effect, RunAgent):
        await bot.worker.record(claimed, await bot.worker.perform(claimed))
    await bot.worker.perform(claimed)
    await bot.crash()
    takes(bot, minutes=2)
    await bot.settle()
    assert len(bot.agents.prompts) == 2
    assert await minutes(bot) == 4


async def claim(bot: SmallBot) -> Claimed:
    await bot.store.admit(bot.max_parallel)
    claimed = await bot.store.claim("tester")
    assert claimed is not None
    return claimed


def takes(bot: SmallBot, minutes: float) -> None:
    """Every turn takes so long."""

    async def passes() -> None:
        bot.clock.advance(minutes=minutes)

    bot.agents.before_turn = passes


@dataclass
class Late:
    """Whose time is always up."""

    given: list[float] = field(default_factory=list)

    def known(self) -> Mapping[str, str]:
        return {"scripted": "too slow"}

    def caches(self, agent: str) -> Sequence[str]:
        return ()

    async def turn(
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: LastCall = never,
    ) -> Turn:
        self.given.append(limits.seconds)
        return Turn(TurnFailed(FaultKind.TIMED_OUT, "it used up its time"), None)

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        self.given.append(limits.seconds)
        for command in commands:
            yield Ran(
                command, None, limits.seconds, f"timed out after {limits.seconds:.0f} s", b"", limit="check_minutes"
            )

    async def reports(self, box: Box) -> dict[str, bytes] | None:
        return {}

    async def tools(self, commands: Sequence[Command]) -> tuple[Tool, ...]:
        return ()


async def test_a_turn_whose_time_is_up_names_the_limit(bot: SmallBot) -> None:
    late, steps = Late(), bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, agents=late))
    says(bot, "limits: {minutes: 7}\n")
    assert await failed(bot, await run(bot)) == snapshot(
        "the agent's time was up: it may take 7 minutes (`limits.minutes` in `.github/issuewright.yml`)."
    )
    rule(bot, Rules(task_minutes=operators("budget.task_minutes", 2)))
    assert "0 of 2 agent minutes of this task are used" in await failed(bot, await run(bot))
    assert late.given == [420, 120]


@dataclass
class Greedy(Late):
    """Who always wants more memory."""

    boxes: list[Limits] = field(default_factory=list)

    def caches(self, agent: str) -> Sequence[str]:
        return ()

    async def turn(
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: LastCall = never,
    ) -> Turn:
        self.boxes.append(limits)
        return Turn(TurnFailed(FaultKind.MEMORY_LIMIT, "It used 3 GB of memory; at most 2 GB may be used."), None)

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        for command in commands:
            yield Ran(command, None, 1.0, "stopped: it filled 11 GB", b"", limit="disk_gb")


async def test_a_turn_that_used_too_much_names_the_limit(bot: SmallBot) -> None:
    greedy, steps = Greedy(), bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, agents=greedy))
    says(bot, "limits: {memory_gb: 2, disk_gb: 1.5, cpus: 0.5}\n")
    assert await failed(bot, await run(bot)) == snapshot(
        "the agent failed (memory limit): It used 3 GB of memory; at most 2 GB may be used. "
        "(`limits.memory_gb` in `.github/issuewright.yml`)"
    )
    (given,) = greedy.boxes
    assert (given.memory_bytes, given.disk_bytes, given.cpus) == (2_000_000_000, 1_500_000_000, 0.5)


async def test_a_check_that_used_too_much_names_the_limit(bot: SmallBot) -> None:
    steps = bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, checks=Greedy()))
    await run(bot)
    (report,) = bot.world.check_runs.values()
    assert "stopped: it filled 11 GB (`limits.disk_gb` in the operator's issuewright.toml)" in report.summary


async def test_a_check_whose_time_is_up_names_the_limit(bot: SmallBot) -> None:
    late, steps = Late(), bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, checks=late))
    await run(bot)
    (report,) = bot.world.check_runs.values()
    told = "timed out after 1800 s (`limits.check_minutes` in the operator's issuewright.toml)"
    assert told in report.summary
    assert late.given[0] == 1800
