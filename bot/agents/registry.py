"""The agents of this installation by name: each turn starts the agent in a sandbox of its own."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from bot.agents.acp_client import Wish, take_turn
from bot.agents.outcome import DETAIL_LIMIT
from bot.agents.printable import one_line
from bot.agents.profiles import AcpProfile
from bot.agents.turn import Turn
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import SandboxRefused
from bot.sandbox.process import Sandbox
from bot.task.results import FaultKind, Progress, TurnFailed

_GRACE_S = 5.0
"""The sandbox's own clock runs longer: at the deadline of the turn the agent is told to stop first."""


class SandboxedAgents:
    """Implements `bot.flow.doors.Agents` with the profiles that the operator allows."""

    def __init__(self, sandbox: Sandbox, profiles: Iterable[AcpProfile]) -> None:
        self._sandbox = sandbox
        self._profiles = {profile.name: profile for profile in profiles}

    def known(self) -> Mapping[str, str]:
        """Names of the agents that may run on this machine, with one line each."""
        strangers = self._sandbox.capability.admits_strangers
        return {name: profile.about for name, profile in self._profiles.items() if profile.trusted or strangers}

    async def turn(
        self, agent: str, box: Box, prompt: str, session: str | None, limits: Limits, heard: Callable[[Progress], None]
    ) -> Turn:
        """One turn; the result names the session to go on with, which is a new one when `session` could not be loaded.

        After a failure the session is still named, as far as there is one. Raises `SandboxFailed` only.
        """
        profile = self._profiles.get(agent)
        if profile is None:
            names = ", ".join(self.known()) or "none"
            return _refused(f"No agent is called {agent!r} here; known: {names}.", session)
        furnished = profile.furnish(box)
        argv = [self._sandbox.path(furnished, word) for word in profile.argv]
        wish = Wish(prompt, self._sandbox.path(box, box.cwd), session if profile.resume == "load" else None)
        longer = dataclasses.replace(limits, seconds=limits.seconds + _GRACE_S)
        try:
            running = await self._sandbox.start(furnished, argv, longer, trusted=profile.trusted)
        except SandboxRefused as refusal:
            return _refused(f"{agent} may not run here: {refusal}", session)
        turn = await take_turn(running, wish, limits, heard)
        return turn if profile.resume == "load" else dataclasses.replace(turn, session=None)


def _refused(detail: str, session: str | None) -> Turn:
    return Turn(TurnFailed(FaultKind.REFUSED, one_line(detail, DETAIL_LIMIT)), session)
