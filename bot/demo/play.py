"""`issuewright demo`: set the stage, play the story, sum up."""

import asyncio
import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bot.demo import sample
from bot.demo.narrator import Narrator
from bot.demo.stage import Stage, stage
from bot.demo.story import Story, StoryFailed
from bot.task.events import Verified
from bot.task.history import History, newest
from bot.task.model import Task
from bot.wiring import wall_clock
from bot.words.plain import count, duration


@dataclass(frozen=True, slots=True)
class Summary:
    """How the story ended; `line` is the interface of `--json`."""

    task: Task
    history: History
    seconds: float
    branch: str | None
    """Where the work is; None: nowhere."""

    def line(self) -> str:
        """One line of JSON."""
        verified = newest(self.history, Verified)
        checks = verified.verification.checks if verified else ()
        return json.dumps(
            {
                "state": self.task.phase.value,
                "issue": self.task.issue.number,
                "pull_request": self.task.pull,
                "branch": self.branch,
                "head": self.task.head,
                "runs": self.task.run,
                "attempts": sum(1 for recorded in self.history if isinstance(recorded.event, Verified)),
                "checks": [
                    {"name": check.name, "exit_code": check.exit_code, "seconds": check.seconds} for check in checks
                ],
                "seconds": round(self.seconds, 1),
            }
        )


async def play(*, keep: bool, as_json: bool, port: int) -> int:
    """Play the story; returns the exit code. With `keep`, stay up until a signal."""
    console = Console(stderr=as_json)
    narrator = Narrator(console, wall_clock(), quiet=as_json)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="issuewright-demo-") as folder:
        async with stage(Path(folder), port, sample.SCRIPT) as set_up:
            _introduce(narrator, set_up)
            try:
                task = await Story(set_up, narrator).play()
            except StoryFailed as failed:
                print(f"issuewright: the demo stopped: {failed}", file=sys.stderr)
                return 1
            history = await set_up.here.bot.store.history(task.id)
            summary = Summary(task, history, time.monotonic() - began, task.branch)
            _sum_up(narrator, summary)
            if as_json:
                print(summary.line(), flush=True)
            if keep:
                await _stay(narrator, set_up)
    return 0


def _introduce(narrator: Narrator, set_up: Stage) -> None:
    capability = set_up.here.bot.capability
    narrator.note(f"GitHub on this machine: {set_up.forge.base_url}/{sample.FULL_NAME}")
    narrator.note(f"Issuewright:            {set_up.here.url}/")
    narrator.note(f"Sandbox:                {capability.level}. {capability.reason} {capability.mend}".rstrip())
    narrator.note("Agent:                  scripted; it replays prepared steps, without a language model")


def _sum_up(narrator: Narrator, summary: Summary) -> None:
    task = summary.task
    attempts = sum(1 for recorded in summary.history if isinstance(recorded.event, Verified))
    narrator.head(f"Done in {duration(summary.seconds)}")
    narrator.note(
        f"issue #{task.issue.number} → pull request #{task.pull}, merged · "
        f"{count(task.run, 'run')}, {count(attempts, 'attempt')} · head {(task.head or '')[:7]}"
    )


async def _stay(narrator: Narrator, set_up: Stage) -> None:
    narrator.head("Still here")
    narrator.note(f"Open {set_up.forge.base_url}/{sample.FULL_NAME}, label an issue agent:run, review, merge.")
    narrator.note(f"Watch the task at {set_up.here.url}/. Ctrl-C ends it.")
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
