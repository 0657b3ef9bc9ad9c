"""Drive one turn of any agent that speaks the Agent Client Protocol: one process, one session, one prompt."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import acp
from acp import schema
from pydantic import ValidationError

from bot.agents.listener import Listener
from bot.agents.outcome import crashed, read_stop, timed_out, too_much_output, too_much_used
from bot.agents.printable import one_line
from bot.agents.progress import ProgressReport
from bot.agents.turn import Turn
from bot.agents.wire import BrokenWire, TooMuchOutput, Wire
from bot.sandbox.box import Limits
from bot.sandbox.running import Ending, Running
from bot.task.results import Progress, TurnOutcome

HEED_S: Final = 0.3
"""How long an agent has to heed a cancel."""
LEAVE_S: Final = 2.0
"""How long it has to end by itself once its input is closed; some never do."""
PROTOCOL: Final = 1
SESSION_LIMIT: Final = 500
"""Characters of a session id: it is stored, and the agent chooses it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the turn is about. `session` is the one to go on with, if the agent can load it."""

    prompt: str
    worktree: str
    """The working folder as seen inside the box."""
    session: str | None


async def take_turn(running: Running, wish: Wish, limits: Limits, heard: Callable[[Progress], None]) -> Turn:
    """Talk to the agent in `running` until its turn ends; then it and everything it started is gone.

    Never raises for what an agent does. Cancelling tells the agent (for 0.3 s at most), kills the tree and re-raises.
    The process should have a little more time than `limits.seconds`, so that the agent can be told here, too.
    """
    async with ProgressReport(heard) as report, running:
        talk = _Talk(running, wish, limits, Listener(wish.worktree, report))
        try:
            async with asyncio.timeout(limits.seconds) as deadline:
                outcome = await talk.outcome()
        except TimeoutError:
            if not deadline.expired():
                raise
            await talk.call_off()
            outcome = timed_out(limits.seconds)
        except asyncio.CancelledError:
            await talk.call_off()
            raise
        else:
            await talk.leave()
        finally:
            await talk.end()
    return Turn(outcome, talk.session)


class _Talk:
    """The conversation with one process."""

    def __init__(self, running: Running, wish: Wish, limits: Limits, listener: Listener) -> None:
        self._running, self._wish, self._limits, self._listener = running, wish, limits, listener
        self._wire = Wire(running.stdin, running.stdout, limits.output_bytes)
        # The SDK looks methods up by name; its Protocol wants those that we do not offer, too.
        self._agent = acp.connect_to_agent(cast(acp.Client, listener), self._wire)
        self._asking = asyncio.create_task(self._ask())
        self._ended = asyncio.create_task(running.wait())
        self.session = wish.session

    async def outcome(self) -> TurnOutcome:
        """How the turn ended. A process that ends closes its output, and with it what is still being asked."""
        await asyncio.wait([self._asking])
        try:
            return read_stop(self._asking.result(), self._listener.message.text)
        except acp.RequestError as error:
            return crashed(f"The agent reported an error: {_describe(error)}")
        except ValidationError as error:
            return crashed(f"The agent broke the protocol: {error.error_count()} wrong fields in its {error.title}.")
        except _Unusable as error:
            return crashed(str(error))
        except ConnectionError:
            return await self._ended_early()

    async def call_off(self) -> None:
        """Tell the agent to stop, as far as it listens, so that it can put its session in order."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(HEED_S):
                if self._listener.listening and self.session is not None:
                    await self._agent.cancel(self.session)
                    await asyncio.wait([self._asking])

    async def leave(self) -> None:
        """Close the agent's input and let it end by itself, if it still speaks and keeps to the rules."""
        if self._wire.over:
            return
        await self._wire.close()
        await asyncio.wait([self._ended], timeout=LEAVE_S)

    async def end(self) -> None:
        """Kill what is left; nothing of the turn runs any more afterwards."""
        self._running.kill()
        self._asking.cancel()
        await self._agent.close()
        await asyncio.gather(self._asking, self._ended, return_exceptions=True)

    async def _ask(self) -> str:
        """The stop reason of the turn."""
        hello = await self._agent.initialize(PROTOCOL, schema.ClientCapabilities(), _US)
        if hello.protocol_version != PROTOCOL:
            raise _Unusable(f"The agent speaks protocol version {hello.protocol_version}; we speak {PROTOCOL}.")
        can_load = hello.agent_capabilities is not None and bool(hello.agent_capabilities.load_session)
        self.session = session = (await self._load() if can_load else None) or await self._new()
        self._listener.listening = True
        answer = await self._agent.prompt(session, [acp.text_block(self._wish.prompt)])
        return answer.stop_reason

    async def _load(self) -> str | None:
        """The session to go on with; None when there is none, or the agent does not know it any more."""
        session = self._wish.session
        if session is None:
            return None
        try:
            await self._agent.load_session(self._wish.worktree, session, [])
        except acp.RequestError:
            return None
        return session

    async def _new(self) -> str:
        session = (await self._agent.new_session(self._wish.worktree, mcp_servers=[])).session_id
        if not (session.isprintable() and 0 < len(session) <= SESSION_LIMIT):
            raise _Unusable("The agent broke the protocol: its session id cannot be stored.")
        return session

    async def _ended_early(self) -> TurnOutcome:
        """The stream or the process ended without an answer."""
        if isinstance(self._wire.failure, TooMuchOutput):
            return too_much_output(self._limits.output_bytes)
        if isinstance(self._wire.failure, BrokenWire):
            return crashed(f"The agent broke the protocol: {self._wire.failure}.")
        await asyncio.wait([self._ended], timeout=LEAVE_S)
        if not self._ended.done():
            return crashed("The agent closed its output before its turn was over.")
        finished = self._ended.result()
        if finished.ending is Ending.TIMED_OUT:
            return timed_out(self._limits.seconds)
        if finished.ending is Ending.OUTPUT_LIMIT:
            return too_much_output(self._limits.output_bytes)
        if finished.ending in (Ending.MEMORY_LIMIT, Ending.DISK_LIMIT):
            return too_much_used(finished)
        how = "it was killed" if finished.exit_code is None else f"exit code {finished.exit_code}"
        words = _last_line(finished.output) or self._wire.noise
        return crashed(f"The agent's process ended before its turn did ({how})" + (f": {words}" if words else "."))


class _Unusable(Exception):
    """The agent answers, but not in a way that we can work with; the text is the sentence for people."""


_US = schema.Implementation(name="issuewright", title="Issuewright", version="1")


def _describe(error: acp.RequestError) -> str:
    """Message and details of a JSON-RPC error; agents put the reason into one or the other."""
    details = error.data
    if isinstance(details, dict):
        details = next((details[key] for key in ("details", "message", "error") if details.get(key)), "")
    return one_line(f"{error} ({details})" if details else str(error), 250)


def _last_line(output: bytes) -> str:
    lines = (line.strip() for line in reversed(output.decode(errors="replace").splitlines()))
    return next((line for line in lines if line), "")
