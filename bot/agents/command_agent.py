"""Drive one turn of any command: the prompt goes in on stdin, the exit code and the last words come out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.agents.outcome import (
    begins_marked,
    crashed,
    hidden_error,
    is_fence,
    model_failed,
    read_message,
    stalled,
    timed_out,
    too_much_output,
    too_much_used,
)
from bot.agents.patience import Due, Patience
from bot.agents.printable import without_escapes
from bot.agents.profiles import CommandProfile
from bot.agents.progress import ProgressReport
from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Limits
from bot.sandbox.output import HeadAndTail
from bot.sandbox.running import Ending, Finished, Running
from bot.task.results import Progress, TurnEnded, TurnOutcome

LOOK_S: Final = 0.3
"""How often stderr is looked at for progress."""
_CHUNK: Final = 1 << 16
_LINE: Final = 400
"""Bytes of the end of an output in which its last line is looked for."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What the turn is about, and how this command behaves."""

    prompt: str
    profile: CommandProfile
    last_call: LastCall = never


async def take_turn(running: Running, errand: Errand, limits: Limits, heard: Callable[[Progress], None]) -> Turn:
    """Let the command in `running` do its work until it ends; then it and everything it started is gone.

    Never raises for what a command does; there is no session to go on with. Its message is what it says on stdout, or
    on stderr when stdout is empty: many agents print their log on the one and their last message on the other.
    Cancelling kills the tree and re-raises.
    """
    said = HeadAndTail()
    patience = Patience(limits.seconds, errand.profile.stall_seconds, errand.last_call)
    async with ProgressReport(heard) as report, running:
        helpers = [
            asyncio.create_task(_feed(running.stdin, errand.prompt.encode())),
            asyncio.create_task(_watch(running, report, patience)),
        ]
        try:
            await _listen(running, said, limits.output_bytes, report, patience)
            finished = await running.wait()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        report.doing(_last_line(said.text()[-_LINE:]))  # a log that was read later than it does not go before it
    outcome = _outcome(finished, _text(said.text()), limits)
    if finished.ending is Ending.KILLED and patience.due() is Due.STALLED:
        outcome = stalled(errand.profile.stall_seconds)
    if isinstance(outcome, TurnEnded):
        error = hidden_error(outcome.summary, errand.profile.error_texts)
        outcome = model_failed(error) if error else outcome
    return Turn(outcome, None, agent=f"{errand.profile.name} {errand.profile.version}".strip())


def last_message(output: str) -> str:
    """The last paragraph; or everything from the last paragraph that begins with a marker (`QUESTION:`).

    A marked message may have several paragraphs, a list of questions, say.
    """
    marked, fenced, paragraph, blank = -1, False, 0, True
    lines = output.rstrip().splitlines()
    for place, line in enumerate(lines):
        if is_fence(line):
            fenced = not fenced
        if blank and line.strip():
            paragraph = place
            marked = place if begins_marked(line) and not fenced else marked
        blank = not line.strip()
    return "\n".join(lines[marked if marked >= 0 else paragraph :])


async def _listen(running: Running, said: HeadAndTail, most: int, report: ProgressReport, patience: Patience) -> None:
    """Read stdout to its end; a command that says more than it may is ended."""
    while data := await running.stdout.read(_CHUNK):
        patience.heard()
        room = most - said.total
        said.add(data[:room])
        if len(data) > room:
            running.kill(Ending.OUTPUT_LIMIT)
        else:
            report.doing(_last_line(data[-_LINE:]))


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    """Fails when the command does not read its stdin; it need not."""
    stdin.write(data)
    await stdin.drain()
    stdin.close()


async def _watch(running: Running, report: ProgressReport, patience: Patience) -> None:
    """The last line of stderr is progress, too. A command that has stalled is ended."""
    seen = b""
    while True:
        await asyncio.sleep(LOOK_S)
        if patience.due() is Due.STALLED:
            running.kill()
        if (tail := running.stderr_tail[-_LINE:]) != seen:
            seen = tail
            patience.heard()
            report.doing(_last_line(tail))


def _outcome(finished: Finished, said: str, limits: Limits) -> TurnOutcome:
    noise = _text(finished.output)
    match finished.ending:
        case Ending.TIMED_OUT:
            return timed_out(limits.seconds)
        case Ending.OUTPUT_LIMIT:
            return too_much_output(limits.output_bytes)
        case Ending.MEMORY_LIMIT | Ending.DISK_LIMIT:
            return too_much_used(finished)
        case Ending.KILLED:
            return crashed("The agent's process was killed from outside.")
        case Ending.EXITED if finished.exit_code == 0:
            return read_message(last_message(said if said.strip() else noise))
        case Ending.EXITED:
            words = _last_line(noise.encode()) or _last_line(said.encode())
            return crashed(f"exit code {finished.exit_code}" + (f": {words}" if words else "."))


def _text(output: bytes) -> str:
    return without_escapes(output.decode(errors="replace"))


def _last_line(output: bytes) -> str:
    """The last line with anything in it; a line that was overwritten counts as it was seen last."""
    lines = (line.rsplit("\r", 1)[-1].strip() for line in reversed(_text(output).rstrip().split("\n")))
    return next((line for line in lines if line), "")
