"""Databases and ports around a run: who gets which, when it goes, and what a crash leaves."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.agents.turn import Turn
from bot.flow.steps.tidy import tidy_machine
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import Capability
from bot.sandbox.databases.names import DatabaseName, Purpose
from bot.sandbox.databases.service import Database
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from bot.store.store import Store
from bot.task.model import Phase
from bot.task.results import Progress, SandboxLevel
from bot.verify.command import Command, Ran
from tests.flow.conversations import FILES, GOOD, script
from tests.flow.test_limits import failed, run, says
from tests.tester import SmallBot
from tests.worlds.small_doors import SmallAgents, SmallChecks

pytestmark = pytest.mark.anyio
CONFIG = "checks: {t: make test}\nisolation: {ports: {web: 3000}, database: postgresql"


@dataclass
class MemoryService:
    """A service with templates; databases are names."""

    there: set[str] = field(default_factory=set)
    templates: set[str] = field(default_factory=set)
    opened: list[tuple[str, str | None, bool]] = field(default_factory=list)
    store: Store | None = None
    """Of the bot that asks."""

    async def open(self, name: DatabaseName, template: str | None, *, fresh: bool) -> Database:
        assert template is None or template in self.templates
        if self.store is not None:
            assert f"database:postgresql:{name}" in await self.store.marks("database:"), (
                "asked for before it is written"
            )
        self.there.add(str(name))
        self.opened.append((f"{name.task} {name.purpose}", template, fresh))
        return Database(f"db://u:hushhush@/{name}", secrets=("hushhush",))

    async def drop(self, name: DatabaseName) -> None:
        self.there.discard(str(name))

    async def leftovers(self, mark: str) -> Collection[DatabaseName]:
        return [found for name in self.there if (found := DatabaseName.read(name, mark))]

    @asynccontextmanager
    async def template(self, mark: str, key: str) -> AsyncIterator[Database | None]:
        if key in self.templates:
            yield None
            return
        yield Database(f"db://u:hushhush@/making_{key}", secrets=("hushhush",))
        self.templates.add(key)

    async def forget_templates(self, mark: str, keep: Collection[str]) -> None:
        self.templates.intersection_update(keep)


@dataclass
class Seen:
    """What agents and checks find in their environment: who, which database, which port."""

    seen: list[str] = field(default_factory=list)
    fails: str = ""

    def note(self, who: str, box: Box) -> None:
        database = box.env.get("DATABASE_URL", "").rpartition("/")[2]
        which = "_".join(database.split("_")[2:]) if database.startswith("iw_") else database.partition("_")[0]
        self.seen.append(f"{who} {which} {box.env.get('PORT')}")


@dataclass
class WatchingAgents(SmallAgents):
    notes: Seen = field(default_factory=Seen)

    async def turn(
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: Callable[[], object] = lambda: None,
    ) -> Turn:
        self.notes.note("agent", box)
        return await super().turn(agent, box, prompt, session, limits, heard, last_call)


@dataclass
class WatchingChecks(SmallChecks):
    notes: Seen = field(default_factory=Seen)

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        for command in commands:
            self.notes.note(command.name, box)
            said = f"DATABASE_URL={box.env.get('DATABASE_URL')}\nbroken migration"
            yield Ran(command, int(command.name == self.notes.fails), 0.0, "", said.encode())


@pytest.fixture
def service() -> MemoryService:
    return MemoryService()


@pytest.fixture
async def bot(quick_path: Path, service: MemoryService) -> AsyncIterator[SmallBot]:
    bot = SmallBot(quick_path, script(GOOD), dict(FILES))
    await bot.start()
    furnish(bot, service)
    yield bot
    await bot.stop()


def furnish(bot: SmallBot, service: MemoryService, *, fails: str = "") -> Seen:
    """The bot offers this service; the ports are what a contained sandbox has."""
    sandbox = Sandbox(Capability(SandboxLevel.CHECKOUT, "As if."))
    isolation = Isolation(sandbox, bot.folder / "isolation", {"postgresql": service}, {"postgresql": service})
    service.store = bot.store
    notes, small = Seen(fails=fails), bot.agents
    agents = WatchingAgents(small.workspaces, small.script, small.prompts, small.before_turn, notes=notes)
    steps = bot.worker.steps
    bench = replace(steps.bench, isolation=isolation, agents=agents, checks=WatchingChecks(bot.git, notes=notes))
    bot.worker.steps = replace(steps, bench=bench)
    return notes


async def test_agent_and_checks_have_one_each_and_nothing_is_left(bot: SmallBot, service: MemoryService) -> None:
    notes = furnish(bot, service)
    says(bot, CONFIG + "}\n")
    assert (await bot.task(await run(bot))).phase is Phase.IN_REVIEW
    assert notes.seen[:2] == ["agent 1_work 3000", "t 1_check 3000"]
    assert service.opened[:2] == [("1 work", None, True), ("1 check", None, True)]
    assert service.there == set()
    assert await bot.store.marks("database:") == {}


async def test_a_database_is_prepared_once_for_the_same_inputs(bot: SmallBot, service: MemoryService) -> None:
    notes = furnish(bot, service)
    says(bot, CONFIG + ", prepare: make migrate, inputs: ['*.py']}\n")
    await run(bot)
    await run(bot)
    assert [seen.split()[0] for seen in notes.seen].count("prepare") == 1
    assert notes.seen[0].startswith("prepare ")
    assert len({template for _, template, _ in service.opened}) == 1


async def test_without_inputs_every_base_commit_is_prepared_anew(bot: SmallBot, service: MemoryService) -> None:
    notes = furnish(bot, service)
    says(bot, CONFIG + ", prepare: make migrate}\n")
    await run(bot)
    says(bot, CONFIG + ", prepare: make migrate}\n# touched\n")
    await run(bot)
    assert [seen.split()[0] for seen in notes.seen].count("prepare") == 2


async def test_preparing_that_fails_is_said(bot: SmallBot, service: MemoryService) -> None:
    furnish(bot, service, fails="prepare")
    says(bot, CONFIG + ", prepare: make migrate}\n")
    told = await failed(bot, await run(bot))
    assert "`isolation.prepare` in `.github/issuewright.yml` did not prepare the database: exit code 1" in told
    assert "broken migration" in told
    assert service.templates == set()


async def test_what_is_not_offered_refuses_the_run(bot: SmallBot) -> None:
    says(bot, "isolation: {database: {command: neon}}\n")
    told = await failed(bot, await run(bot))
    assert "asks for neon, which this server does not offer; it has: postgresql, sqlite." in told


async def test_no_log_holds_the_password(bot: SmallBot, service: MemoryService) -> None:
    says(bot, CONFIG + "}\n")
    task = await bot.task(await run(bot))
    log = await bot.store.find_artifact(task.id, "log")
    assert log is not None
    assert b"DATABASE_URL=db://u:[secret]@/iw_" in log
    assert b"hushhush" not in log


async def test_what_a_crash_left_is_found_noted_or_not(bot: SmallBot, service: MemoryService) -> None:
    says(bot, CONFIG + "}\n")
    task = await bot.task(await run(bot))
    mark = await bot.store.installation()
    unnoted = DatabaseName(mark, task.id, Purpose.CHECK)
    unknown = DatabaseName(mark, 999, Purpose.WORK)
    foreign = DatabaseName("ffffffff", task.id, Purpose.WORK)
    service.there |= {str(unnoted), str(unknown), str(foreign)}
    await bot.store.mark(f"database:postgresql:{DatabaseName(mark, task.id, Purpose.WORK)}", "asked")
    await tidy_machine(bot.worker.steps.bench)
    assert service.there == {str(foreign)}
    assert await bot.store.marks("database:") == {}


async def test_a_turn_that_a_crash_interrupted_keeps_its_database(bot: SmallBot, service: MemoryService) -> None:
    class Crash(BaseException):
        """The end of the process."""

    async def crash() -> None:
        raise Crash

    says(bot, CONFIG + "}\n")
    bot.agents.before_turn = crash
    furnish(bot, service)
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    with contextlib.suppress(Crash, BaseExceptionGroup):
        await bot.settle()
    (left,) = service.there
    bot.agents.before_turn = None
    await bot.stop()
    await bot.start()
    furnish(bot, service)
    await tidy_machine(bot.worker.steps.bench)
    assert service.there == {left}, "its task goes on"
    await bot.settle()
    assert [opened for opened in service.opened if "work" in opened[0]] == [
        ("1 work", None, True),
        ("1 work", None, False),
    ]
    assert service.there == set()
