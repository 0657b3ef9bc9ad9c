"""The agents of this installation by name: each turn starts the agent in a sandbox of its own."""

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.agents import acp_client, command_agent
from bot.agents.command_agent import Errand
from bot.agents.outcome import DETAIL_LIMIT
from bot.agents.printable import one_line
from bot.agents.profiles import AcpProfile, CommandProfile, Profile, configured, prompted
from bot.agents.talk import Wish
from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import SandboxRefused
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Running
from bot.task.results import FaultKind, Progress, TurnFailed

_GRACE_S = 5.0
"""The sandbox's own clock runs longer: at the deadline of the turn the agent is told to stop first."""


class SandboxedAgents:
    """Implements `bot.flow.doors.Agents` with the profiles that the operator allows."""

    def __init__(self, sandbox: Sandbox, profiles: Iterable[Profile]) -> None:
        self._sandbox = sandbox
        self._profiles = {profile.name: profile for profile in profiles}

    def known(self) -> Mapping[str, str]:
        """Names of the agents that may run on this machine, with one line each."""
        strangers = self._sandbox.capability.admits_strangers
        return {name: profile.about for name, profile in self._profiles.items() if profile.trusted or strangers}

    def caches(self, agent: str) -> Sequence[str]:
        """Paths below the agent's HOME that are not worth keeping."""
        profile = self._profiles.get(agent)
        return profile.caches if profile else ()

    async def turn(  # what a turn is about, and what may be known about it
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: LastCall = never,
    ) -> Turn:
        """One turn; the result names the session to go on with, which is a new one when `session` could not be loaded.

        After a failure the session is still named, as far as there is one. Raises `SandboxFailed` only.
        """
        profile = self._profiles.get(agent)
        if profile is None:
            names = ", ".join(self.known()) or "none"
            return _refused(f"No agent is called {agent!r} here; known: {names}.", session)
        try:
            match profile:
                case AcpProfile():
                    wish = Wish(prompt, self._sandbox.path(box, box.cwd), session, profile, last_call)
                    return await self._converse(wish, box, limits, heard)
                case CommandProfile():
                    return await self._command(Errand(prompt, profile, last_call), box, limits, heard)
        except SandboxRefused as refusal:
            return _refused(f"{agent} may not run here: {refusal}", session)

    async def _converse(self, wish: Wish, box: Box, limits: Limits, heard: Callable[[Progress], None]) -> Turn:
        resumes = wish.profile.resume == "load"
        wish = wish if resumes else dataclasses.replace(wish, session=None)
        longer = dataclasses.replace(limits, seconds=limits.seconds + _GRACE_S)
        running = await self._start(wish.profile, wish.profile.furnish(box), longer)
        turn = await acp_client.take_turn(running, wish, limits, heard)
        return turn if resumes else dataclasses.replace(turn, session=None)

    async def _command(self, errand: Errand, box: Box, limits: Limits, heard: Callable[[Progress], None]) -> Turn:
        with _in_a_file(errand.prompt) as file:
            running = await self._start(errand.profile, prompted(errand.profile.furnish(box), file), limits)
            return await command_agent.take_turn(running, errand, limits, heard)

    async def _start(self, profile: Profile, furnished: Box, limits: Limits) -> Running:
        argv = configured(profile, [self._sandbox.path(furnished, word) for word in profile.argv])
        return await self._sandbox.start(furnished, argv, limits, trusted=profile.trusted)


@contextmanager
def _in_a_file(prompt: str) -> Iterator[Path]:
    """The prompt in a file of ours, for as long as the block runs; whoever runs inside can read it."""
    with tempfile.TemporaryDirectory(prefix="prompt-") as folder:
        file = Path(folder, "prompt.md")
        file.write_bytes(prompt.encode())
        file.chmod(0o444)
        yield file


def _refused(detail: str, session: str | None) -> Turn:
    return Turn(TurnFailed(FaultKind.REFUSED, one_line(detail, DETAIL_LIMIT)), session)
