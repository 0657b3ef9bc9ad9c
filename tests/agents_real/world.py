"""A bot and a single turn, both with a real agent and a scripted model behind the real proxy."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.agents.catalogue import Choice, known
from bot.agents.registry import SandboxedAgents
from bot.agents.turn import Turn
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.egress.turn import Egress, opened
from bot.sandbox.egress.values import Route, TurnLimits
from bot.sandbox.process import Sandbox
from bot.store.store import Store
from bot.task.ids import IssueNumber
from bot.task.results import Progress
from bot.wiring import build, pace
from tests.worlds.memory_git import Files
from tests.worlds.model_server import ModelServer
from tests.worlds.real_bot import RealBot

KEY = "the-real-key-of-the-model"
MODEL = "scripted"
SECONDS = 150.0
"""Of a turn. The slowest agent needs a tenth of it on a quiet machine to start."""


def remembered(server: ModelServer, words: str, since: int) -> bool:
    """Did a request after the first `since` carry these words of an earlier turn?"""
    return any(words in json.dumps(seen.body) for seen in server.requests[since:])


def operators_file(agent: str, install: Path, server: ModelServer, key: Path, limits: str = "") -> str:
    """One that offers this agent alone, with the scripted model behind it."""
    return (
        f"model = 'scripted'\n[limits]\nattempts = 1\n{limits}\n"
        f"[agents.{agent}]\nprofile = '{agent}'\ninstall = '{install}'\n"
        f"[models.scripted]\nwire = '{known()[agent].wire}'\nurl = '{server.url}'\n"
        f"key_file = '{key}'\nmodels = ['{MODEL}']\nprice = {{ input = 1.0, output = 2.0 }}\n"
    )


@dataclass(kw_only=True)
class CliBot(RealBot):
    """A bot whose only agent is a real one."""

    agent: str
    install: Path
    server: ModelServer
    limits: str = ""

    def config(self) -> Path:
        """The operator's file."""
        key, file = self.folder / "model.key", self.folder / "operator.toml"
        key.write_text(KEY)
        file.write_text(operators_file(self.agent, self.install, self.server, key, self.limits))
        return file

    def open_issue(self, title: str, body: str) -> IssueNumber:
        return IssueNumber(self.world.open_issue(title, body))

    def tree_of(self, pull: int) -> Files:
        """Every file of a pull request's head."""
        return self.world.tree(next(one.head_sha for one in self.world.pulls if one.number == pull))

    async def start(self) -> None:
        settings = self.world.settings({}, config=self.config(), agent_script=None)
        self.store = await Store.open(
            settings.database_url, pace=pace(settings), clock=self.clock, data_dir=settings.data_dir
        )
        self.bot = build(settings, self.store, clock=self.clock)
        self.worker = self.bot.worker
        self.worker.rethrow = True


@dataclass
class Desk:
    """One worktree and one HOME; a turn at a time."""

    root: Path
    sandbox: Sandbox
    agent: str
    install: Path
    server: ModelServer
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    heard: list[Progress] = field(default_factory=list)
    limits: TurnLimits = field(default_factory=TurnLimits)

    def __post_init__(self) -> None:
        self.task = self.sandbox.make_folder(self.root / "task")
        self.home = self.sandbox.make_folder(self.root / "home")
        self.agents = SandboxedAgents(
            self.sandbox, [known()[self.agent].profile(self.agent, Choice(self.install, MODEL))]
        )

    async def turn(self, prompt: str, session: str | None = None, seconds: float = SECONDS) -> Turn:
        turn, _ = await self.turn_and_egress(prompt, session, seconds)
        return turn

    async def turn_and_egress(
        self, prompt: str, session: str | None = None, seconds: float = SECONDS
    ) -> tuple[Turn, Egress]:
        route = Route("scripted", known()[self.agent].wire, self.server.url, KEY, (MODEL,))
        binds = (Bind(self.task, "/task", writable=True), Bind(self.home, "/home/agent", writable=True))
        async with AsyncExitStack() as stack:
            egress = await stack.enter_async_context(opened(route, self.limits, lambda: datetime.now(UTC)))
            box = egress.furnish(Box(binds, "/task", {"DESK": self.token}))
            most = Limits(seconds=seconds)
            return await self.agents.turn(self.agent, box, prompt, session, most, self.heard.append), egress

    async def until(self, name: str, turn: "asyncio.Task[Turn]") -> None:
        """Wait for a file that the agent makes; the turn must not end before it."""
        async with asyncio.timeout(SECONDS):
            while not (self.task / name).exists():
                assert not turn.done(), turn.result()
                await asyncio.sleep(0.05)

    @property
    def session(self) -> str | None:
        """The session as it was told while the turn went on."""
        return next((told.session for told in reversed(self.heard) if told.session), None)

    def alive(self) -> list[int]:
        """Pids of this desk's processes, wherever they hid."""
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if self._is_ours(folder)]

    def _is_ours(self, folder: Path) -> bool:
        try:
            return self.token.encode() in (folder / "environ").read_bytes()
        except OSError:
            return False
