"""A worktree, a home and scripted agents to let loose in them, in the real sandbox."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.agents.profiles import AcpProfile, CommandProfile, Profile, command, scripted
from bot.agents.registry import SandboxedAgents
from bot.agents.scripted import agent
from bot.agents.turn import Turn
from bot.flow.doors import Agents
from bot.sandbox.box import Bind, Box, Limits
from bot.sandbox.process import Sandbox
from bot.task.results import Progress

Step = dict[str, Any]


_PARTS = {"agent.py": Path(agent.__file__), "play.py": Path(__file__).with_name("played.py")}


def played(script: Path) -> CommandProfile:
    """A plain command that plays this script."""
    shown = {**_PARTS, "script.json": script}
    argv = ("python3", "-IS", "/opt/played/play.py", "/opt/played/script.json")
    binds = tuple(Bind(source, f"/opt/played/{name}") for name, source in shown.items())
    return CommandProfile("scripted", argv, binds=binds, trusted=True)


@dataclass(frozen=True)
class Adapter:
    """One way to run an agent. `profile` makes one that plays a script (format: bot/agents/scripted/agent.py)."""

    name: str
    profile: Callable[[Path], Profile]
    resumes: bool
    """It can go on with a session."""
    tells: bool
    """It tells its plan, files and tool calls, not only what it is doing."""


ADAPTERS = [
    Adapter("acp", scripted, resumes=True, tells=True),
    Adapter("command", played, resumes=False, tells=False),
]
"""The contract is held by each; a further adapter is added here."""


@dataclass
class World:
    """One task's folders. Every process of a turn carries `token` in its environment."""

    root: Path
    sandbox: Sandbox
    adapter: Adapter
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    heard: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.task = self.sandbox.make_folder(self.root / "task")
        self.home = self.sandbox.make_folder(self.root / "home")
        self.script = self.root / "script.json"

    def turns(self, *turns: list[Step], **options: Any) -> None:
        """The script: a list of steps for each turn."""
        self.whole_script([{"steps": steps} for steps in turns], **options)

    def whole_script(self, turns: list[dict[str, Any]], **options: Any) -> None:
        self.script.write_text(json.dumps({"turns": turns, **options}))

    @property
    def box(self) -> Box:
        binds = (Bind(self.task, "/task", writable=True), Bind(self.home, "/home/agent", writable=True))
        return Box(binds, "/task", {"WORLD": self.token})

    def agents(self, *more: Profile) -> Agents:
        return SandboxedAgents(self.sandbox, [self.adapter.profile(self.script), *more])

    async def turn(self, prompt: str = "go", session: str | None = None, *, limits: Limits | None = None) -> Turn:
        return await self.ask(self.agents(), "scripted", prompt, session, limits)

    async def foreign(self, *argv: str, limits: Limits | None = None, **more: Any) -> Turn:
        """A turn of some other program."""
        profile = AcpProfile("foreign", argv, **more)
        return await self.ask(self.agents(profile), "foreign", "go", None, limits)

    async def command(self, line: str, prompt: str = "go", *, limits: Limits | None = None) -> Turn:
        """A turn of a command line of this machine."""
        return await self.ask(self.agents(command(line, self.root, "foreign")), "foreign", prompt, None, limits)

    async def ask(
        self, agents: Agents, name: str, prompt: str, session: str | None = None, limits: Limits | None = None
    ) -> Turn:
        return await agents.turn(name, self.box, prompt, session, limits or Limits(seconds=20), self.heard.append)

    async def until(self, name: str) -> None:
        """Wait for a file that the agent makes in its worktree."""
        async with asyncio.timeout(10):
            while not self.has(name):  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)

    def has(self, name: str) -> bool:
        return (self.task / name).exists()

    def alive(self) -> list[int]:
        """Pids of this world's processes, wherever they hid."""
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if self._is_ours(folder)]

    def _is_ours(self, folder: Path) -> bool:
        try:
            return self.token.encode() in (folder / "environ").read_bytes()
        except OSError:
            return False
