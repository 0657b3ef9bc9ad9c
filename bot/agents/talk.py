"""The conversation with one process of an agent: hello, a session, the prompt, perhaps a word to wrap up, good-bye."""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import Final, cast

import acp
from acp import schema
from pydantic import ValidationError

from bot.agents.listener import Listener
from bot.agents.outcome import (
    DETAIL_LIMIT,
    crashed,
    hidden_error,
    model_failed,
    read_stop,
    stalled,
    timed_out,
    too_much_output,
    too_much_used,
)
from bot.agents.patience import Due, Patience
from bot.agents.printable import one_line
from bot.agents.profiles import AcpProfile
from bot.agents.progress import ProgressReport
from bot.agents.turn import LastCall, never
from bot.agents.usage import Counter
from bot.agents.wire import BrokenWire, TooMuchOutput, Wire
from bot.sandbox.box import Limits
from bot.sandbox.running import Ending, Running
from bot.task.results import TurnOutcome, Usage
from bot.words.prompt import WRAP_UP

HEED_S: Final = 0.3
"""How long an agent has to heed a cancel."""
SETTLE_S: Final = 5.0
"""How long when the turn goes on afterwards."""
LEAVE_S: Final = 2.0
"""How long it has to end by itself once its input is closed; some never do."""
PROTOCOL: Final = 1
SESSION_LIMIT: Final = 500
"""Characters of a session id: it is stored, and the agent chooses it."""
AGENT_LIMIT: Final = 100
"""Characters of an agent's name and version."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the turn is about. `session` is the one to go on with, if the agent can load it."""

    prompt: str
    worktree: str
    """The working folder as seen inside the box."""
    session: str | None
    profile: AcpProfile
    """How this agent behaves."""
    last_call: LastCall = never


class Talk:
    """The conversation with one process."""

    def __init__(self, running: Running, wish: Wish, limits: Limits, report: ProgressReport) -> None:
        self._running, self._wish, self._limits, self._report = running, wish, limits, report
        self._patience = Patience(limits.seconds, wish.profile.stall_seconds, wish.last_call)
        self._counter = Counter(wish.profile.counted)
        self._listener = Listener(wish.worktree, report, self._patience.heard, self._counter.chunk)
        self._wire = Wire(running.stdin, running.stdout, limits.output_bytes)
        # The SDK looks methods up by name; its Protocol wants those that we do not offer, too.
        self._agent = acp.connect_to_agent(cast(acp.Client, self._listener), self._wire)
        self._asking = asyncio.create_task(self._ask())
        self._ended = asyncio.create_task(running.wait())
        self._loaded = self._wrapping_up = False
        self.session = wish.session
        self.agent = " ".join([wish.profile.name, wish.profile.version]).strip()
        """Name and version."""

    @property
    def usage(self) -> Usage | None:
        """What the agent says that it used."""
        return self._counter.usage

    async def outcome(self) -> TurnOutcome:
        """How the turn ended. A process that ends closes its output, and with it what is still being asked."""
        while not self._asking.done():
            await asyncio.wait([self._asking], timeout=self._patience.seconds())
            match None if self._asking.done() else self._patience.due():
                case Due.STALLED:
                    await self.call_off()
                    return stalled(self._wish.profile.stall_seconds)
                case Due.WRAP_UP:
                    await self._wrap_up()
                case None:
                    pass
        try:
            return self._read(self._asking.result())
        except acp.RequestError as error:
            return crashed(f"The agent reported an error: {_describe(error)}")
        except ValidationError as error:
            return crashed(f"The agent broke the protocol: {error.error_count()} wrong fields in its {error.title}.")
        except _Unusable as error:
            return crashed(str(error))
        except ConnectionError:
            return await self._ended_early()

    def _read(self, stop: str) -> TurnOutcome:
        """A turn that had to be wrapped up was not done in time, whatever is said of it."""
        words = self._listener.message.text
        if self._wrapping_up:
            return replace(timed_out(self._limits.seconds), last_words=one_line(words, DETAIL_LIMIT))
        if stop == "end_turn" and (error := hidden_error(words, self._wish.profile.error_texts)):
            return model_failed(error)
        return read_stop(stop, words)

    async def _wrap_up(self) -> None:
        """Interrupt the agent, if it is known to go on well afterwards, and ask it to leave things in order."""
        if not (self._wish.profile.goes_on and self._listener.listening and self.session):
            return
        await self._agent.cancel(self.session)
        await asyncio.wait([self._asking], timeout=SETTLE_S)
        if self._asking.done() and self._asking.exception() is None and self._asking.result() == "cancelled":
            self._wrapping_up = True
            self._listener.message.ends()
            self._asking = asyncio.create_task(self._prompt(self.session, WRAP_UP))

    async def call_off(self) -> None:
        """Tell the agent to stop, as far as it listens, so that it can put its session in order."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(HEED_S):
                if self._listener.listening and self.session is not None:
                    await self._agent.cancel(self.session)
                    await asyncio.wait([self._asking])

    async def leave(self) -> None:
        """Close the agent's input and let it end by itself, if it does, still speaks and keeps to the rules."""
        if self._wire.over:
            return
        await self._wire.close()
        if not self._wish.profile.ends_at_eof:
            return
        await asyncio.wait([self._ended], timeout=LEAVE_S)

    async def end(self) -> None:
        """Kill what is left; nothing of the turn runs any more afterwards."""
        self._running.kill()
        self._asking.cancel()
        await self._agent.close()
        await asyncio.gather(self._asking, self._ended, return_exceptions=True)

    async def _ask(self) -> str:
        """The stop reason of the turn."""
        most = self._wish.profile.start_seconds
        try:
            async with asyncio.timeout(most):
                session = await self._open()
        except TimeoutError:
            raise _Unusable(f"The agent was not ready {most:g} s after its start.") from None
        self.session = session
        self._report.session(session)
        self._listener.listening = True
        return await self._prompt(session, self._wish.prompt)

    async def _open(self) -> str:
        """Say hello; the session to work in."""
        hello = await self._agent.initialize(PROTOCOL, schema.ClientCapabilities(), _US)
        if hello.protocol_version != PROTOCOL:
            raise _Unusable(f"The agent speaks protocol version {hello.protocol_version}; we speak {PROTOCOL}.")
        if hello.agent_info is not None:
            self.agent = one_line(f"{hello.agent_info.name} {hello.agent_info.version}", AGENT_LIMIT)
        can_load = hello.agent_capabilities is not None and bool(hello.agent_capabilities.load_session)
        loaded = await self._load() if can_load else None
        self._loaded = loaded is not None
        return loaded or await self._new()

    async def _prompt(self, session: str, text: str) -> str:
        answer = await self._agent.prompt(session, [acp.text_block(text)])
        self._counter.prompt_over(answer, first=not self._loaded and not self._wrapping_up)
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
