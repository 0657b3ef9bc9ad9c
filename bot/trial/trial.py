"""`issuewright try`: lend the repository, play one issue, bring the branch back, sum up."""

import asyncio
import shlex
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bot.agents.profiles import BadCommand, command
from bot.demo.narrator import Narrator
from bot.demo.play import Summary
from bot.flow.steps.bench import WORK
from bot.operator.decided import decide
from bot.operator.read import find, read
from bot.settings import Settings
from bot.task.events import ChangesMade, Verified
from bot.task.history import History, newest
from bot.task.model import Phase, Task
from bot.trial.ending import Code, Ending, ending, failed_checks, first_screen, out_of_time, plainly, tail
from bot.trial.issue import IssueText
from bot.trial.source import Source
from bot.trial.stage import Stage, stage
from bot.trial.unfit import Unfit
from bot.trial.watch import Watch
from bot.wiring import wall_clock

_SPARE_KIB = 256 << 10
"""Room for database, worktree and checkout beside the objects."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tried, and how long it may take."""

    source: Source
    issue: IssueText
    settings: Settings
    minutes: float


def with_agent(settings: Settings, source: Source, name: str | None, line: str | None) -> Settings:
    """The person's settings, with this command line as the agent, if there is one. Raises Unfit and SettingsError.

    The command goes by the name that the repository's own file asks for, if it does: the bot runs no other.
    """
    file = find(settings)
    settings = settings.model_copy(update={"config": file if file.exists() else settings.config})
    if line is not None:
        try:
            command(line, Path.cwd())
        except BadCommand as error:
            raise Unfit(f"--agent-command: {error}") from error
        own = {"agent_command": line, "agent_protocol": "command", "agent": "command"}
        settings = settings.model_copy(update=own)
    elif not (settings.agent_command or settings.agent_script or read(settings).agents):
        raise Unfit("No agent: give one with --agent-command, or set ISSUEWRIGHT_AGENT_COMMAND.")
    if called := (source.agent if settings.agent_command else None) or name:
        settings = settings.model_copy(update={"agent": called})
    decided = decide(settings)
    if decided.agent not in decided.profiles:
        raise Unfit(f"No agent is called {decided.agent}; known: {', '.join(sorted(decided.profiles))}.")
    return settings.model_copy(update={"agent": decided.agent})


async def try_out(order: Order, *, as_json: bool) -> int:
    """Play it; the exit code. A signal ends everything that was started."""
    loop, me, signals = asyncio.get_running_loop(), asyncio.current_task(), list[int]()

    def interrupt(number: int) -> None:
        signals.append(number)
        if me is not None:
            me.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt, number)
    try:
        _refuse_without_room(order.source)
        with tempfile.TemporaryDirectory(prefix="issuewright-try-") as folder:
            return await _Trial(order, Path(folder), as_json).play()
    except asyncio.CancelledError:
        if not signals:
            raise
        print("issuewright: interrupted; everything that was started is gone.", file=sys.stderr)
        return 128 + signals[0]


def _refuse_without_room(source: Source) -> None:
    place = tempfile.gettempdir()
    free, needed = shutil.disk_usage(place).free >> 10, source.kib + _SPARE_KIB
    if free < needed:
        raise Unfit(f"{place} has {free >> 10} MiB free, and this needs about {needed >> 10}: set TMPDIR.")


class _Trial:
    def __init__(self, order: Order, folder: Path, as_json: bool) -> None:
        self._order, self._folder, self._as_json = order, folder, as_json
        self._narrator = Narrator(Console(stderr=as_json), wall_clock(), quiet=as_json)
        self._began = time.monotonic()

    async def play(self) -> int:
        order = self._order
        async with stage(self._folder, order.source, order.settings) as set_up:
            self._introduce(set_up)
            capability = set_up.bot.capability
            if order.settings.agent not in set_up.bot.agents.known():
                why = f"{capability.reason} {capability.mend}".strip()
                return self._complain(Ending(Code.FAILED, f"The agent may not run here: {why}"))
            issue = set_up.label(order.issue)
            task, cut_off = await Watch(set_up, issue, self._narrator).within(order.minutes * 60)
            if task is None:
                return self._complain(Ending(Code.FAILED, f"Nothing happened within {order.minutes:g} min."))
            return await self._sum_up(set_up, task, cut_off)

    async def _sum_up(self, set_up: Stage, task: Task, cut_off: Phase | None) -> int:
        history = await set_up.bot.store.history(task.id)
        end = ending(task, history) if cut_off is None else out_of_time(task, cut_off, self._order.minutes)
        branch = await self._bring_back(set_up, task)
        if self._as_json:
            print(Summary(task, history, time.monotonic() - self._began, branch).line(), flush=True)
        else:
            await self._tell_end(set_up, task, history, end)
            self._tell_branch(branch, end)
        return self._complain(end)

    async def _bring_back(self, set_up: Stage, task: Task) -> str | None:
        """The published branch; or what a failed task had saved. None: there is nothing."""
        source = self._order.source
        if task.pull is not None and task.head is not None:
            return source.take_back(set_up.git, f"refs/heads/{task.branch}", task.head, task.branch)
        work = await set_up.bot.store.find_artifact(task.id, WORK, task.commit) if task.commit else None
        if not work or task.commit is None:
            return None
        bundle = self._folder / "work.bundle"
        bundle.write_bytes(work)
        return source.take_back(bundle, f"refs/saved/{task.commit}", task.commit, task.branch)

    def _introduce(self, set_up: Stage) -> None:
        source, settings, note = self._order.source, self._order.settings, self._narrator.note
        capability = set_up.bot.capability
        note(f"Repository  {source.top}, {source.branch} at {source.head[:10]}")
        note(f"Issue       {self._order.issue.title}")
        note(f"Agent       {settings.agent}{': ' if settings.agent_command else ''}{settings.agent_command}")
        note(f"Sandbox     {capability.level}. {capability.reason} {capability.mend}".rstrip())
        for sentence in source.notes:
            note(f"Note        {sentence}")
        self._narrator.head("A label")

    async def _tell_end(self, set_up: Stage, task: Task, history: History, end: Ending) -> None:
        self._narrator.head(end.sentence if end.code is Code.READY else "The end")
        pull, changes = set_up.pull(task), newest(history, ChangesMade)
        told = [first_screen(pull.issue.body or "")] if pull else []
        if pull and changes and changes.summary:
            told.append(f"In the agent's words, unverified:\n{plainly(changes.summary)}")
        told.append(end.words)
        for check, log in failed_checks(newest(history, Verified)):
            output = await set_up.bot.store.artifact(log) if log is not None else None
            told.append(f"{check}\n{tail(output or b'')}".rstrip())
        for text in filter(None, told):
            self._narrator.note(f"{text}\n")

    def _tell_branch(self, branch: str | None, end: Ending) -> None:
        top, head = shlex.quote(str(self._order.source.top)), self._order.source.head[:10]
        if branch is None:
            self._narrator.note(f"Nothing was changed in {top}.")
            return
        what = "The branch" if end.code in (Code.READY, Code.UNPROVEN) else "What was done, unchecked, is on the branch"
        self._narrator.note(f"{what} {branch} in {top}; nothing else there was touched:")
        self._narrator.note(f"  git -C {top} log -p {head}..{branch}")
        self._narrator.note(f"  git -C {top} diff {head} {branch}")

    def _complain(self, end: Ending) -> int:
        """Whatever is not ready is one sentence on stderr, the last that is said."""
        if end.code is not Code.READY:
            print(f"issuewright: {end.sentence}", file=sys.stderr)
        return int(end.code)
