"""The one status comment on the issue: how things are, edited in place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from bot.task.events import Published, RunAdmitted, WorkspacePrepared
from bot.task.history import History, newest, started_at, steps_of_run, turns_taken
from bot.task.model import RUNNING, Phase, Task
from bot.task.pause import Pause
from bot.task.results import Progress
from bot.task.usage import Used
from bot.words.cost import cost, who
from bot.words.plain import count, duration, harmless, one_line


@dataclass(frozen=True, slots=True)
class View:
    """All that the status is made from."""

    task: Task
    history: History
    progress: Progress | None = None
    position: int | None = None
    """Place in the queue, 1 = next."""
    pause: Pause | None = None
    """What holds up the runs of its repository."""
    used: Used = field(default=Used())
    """What models were used for, in all runs of the task."""
    usd: float | None = None
    """The operator's limit for the task in US dollars, if there is one."""


def status(view: View) -> str:
    """The whole comment, without its marker."""
    lines = [
        _headline(view),
        *_steps(view),
        *_now(view),
        *_notes(view),
        _what_next(view),
        _closing_line(view),
    ]
    return "\n".join(line for line in lines if line)


def _headline(view: View) -> str:
    task = view.task
    started, turns = started_at(view.history, task.run), turns_taken(view.history)
    facts = [
        f"run {task.run}" if task.run > 1 else "",
        f"attempt {task.attempt} of {task.attempts_allowed}" if task.attempt > 1 and task.phase in RUNNING else "",
        f"started {started:%H:%M} UTC" if started else "",
        cost(view.used, view.usd),
        who(task.agent, turns[-1].use if turns else None),
        f"asked by @{task.requester}",
    ]
    return " · ".join([f"**{_name(view)}**", *(fact for fact in facts if fact)])


def _name(view: View) -> str:
    match view.task.phase:
        case Phase.QUEUED if view.pause:
            return "Queued, paused"
        case Phase.QUEUED:
            return "Queued" if view.position is None else f"Queued, {_ordinal(view.position)}"
        case Phase.PREPARING | Phase.WORKING | Phase.VERIFYING | Phase.PUBLISHING:
            return view.task.phase.capitalize()
        case Phase.IN_REVIEW:
            return "In review"
        case Phase.NEEDS_INPUT if view.task.planning and view.task.plan_comment:
            return "Planned"
        case Phase.NEEDS_INPUT:
            return "Needs your answer"
        case Phase.DONE:
            return "Merged"
        case Phase.CANCELLED:
            return "Stopped"
        case Phase.FAILED:
            return "Failed"
        case Phase.DECLINED:
            return "Declined"
        case Phase.ANSWERED:
            return "Answered"
        case Phase.DISCARDED:
            return "Discarded"
        case never:
            assert_never(never)


def _steps(view: View) -> list[str]:
    task = view.task
    done = steps_of_run(view.history, task.run)
    if not done and task.phase not in RUNNING:
        return []
    parts = [f"{'✅' if step.passed else '❌'} {step.name} {duration(step.seconds)}" for step in done]
    match task.phase:
        case Phase.PREPARING:
            parts += ["⏳ preparing", "agent", "checks", "pull request"]
        case Phase.WORKING if task.planning:
            parts += ["⏳ plan"]
        case Phase.WORKING:
            parts += ["⏳ agent", "checks", "pull request"]
        case Phase.VERIFYING:
            parts += ["⏳ checks", "pull request"]
        case Phase.PUBLISHING:
            parts += ["⏳ pull request"]
        case _:
            pass
    return [" → ".join(parts)]


def _now(view: View) -> list[str]:
    progress = view.progress
    if view.task.phase is not Phase.WORKING or progress is None:
        return []
    lines = [f"Now: {harmless(one_line(progress.doing))}"] if progress.doing else []
    lines += _plan(progress)
    if progress.files:
        lines.append(f"So far: {count(len(progress.files), 'file')}: {_named(progress.files)}.")
    return lines


SHOWN = 5
"""Steps of a plan, or files, that are named."""


def _plan(progress: Progress) -> list[str]:
    """What the agent's own plan says is done, and what comes next."""
    done = [step.text for step in progress.plan if step.status == "completed"]
    left = [step.text for step in progress.plan if step.status != "completed"]
    told = [f"Done: {_listed(done[-SHOWN:])} ({len(done)} of {len(progress.plan)} steps)."] if done else []
    return [*told, f"Next: {_listed(left[:SHOWN])}."] if left else told


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(harmless(one_line(text, 80)).rstrip(".") for text in texts)


def _named(files: Sequence[str]) -> str:
    """The first few; a backtick in a name would end its code span."""
    names = ", ".join(f"`{one_line(file, 80).replace('`', '')}`" for file in files[:SHOWN])
    return names if len(files) <= SHOWN else f"{names} and {len(files) - SHOWN} more"


def _notes(view: View) -> list[str]:
    prepared = newest(view.history, WorkspacePrepared, view.task.run)
    return [harmless(note) for note in prepared.notes] if prepared and view.task.live else []


def paused(pause: Pause) -> str:
    """Why no run starts, and what ends it."""
    return f"Paused by the operator: {one_line(pause.reason).rstrip('.')}. Runs start again after {pause.ends_after}."


def _what_next(view: View) -> str:
    task, pause = view.task, view.pause
    match task.phase:
        case Phase.QUEUED if pause:
            return f"{harmless(paused(pause))} `/agent stop` takes it out of the queue."
        case Phase.QUEUED:
            return "Waits for a free place; the runs before it end or stop. `/agent stop` takes it out of the queue."
        case Phase.PREPARING | Phase.WORKING | Phase.VERIFYING | Phase.PUBLISHING:
            return "`/agent stop` keeps the work"
        case Phase.IN_REVIEW:
            published = newest(view.history, Published)
            if published is not None and published.draft:
                return f"Pull request #{task.pull} is a draft, as its checks do not pass: reply there to steer."
            return f"Pull request #{task.pull} waits for your review: reply there to steer, merge to finish."
        case Phase.NEEDS_INPUT if task.planning and task.plan_comment:
            return "The plan below waits for 👍 or `/agent run`; a comment changes it."
        case Phase.NEEDS_INPUT:
            return "Waits for an answer to the question below."
        case Phase.DONE | Phase.DISCARDED:
            return ""
        case Phase.CANCELLED | Phase.FAILED:
            if task.commit is None and task.pull is None:
                return "`/agent retry` tries again."
            return "What was done is kept. `/agent retry` goes on from it."
        case Phase.DECLINED | Phase.ANSWERED:
            return "The reason is below. `/agent retry` asks again."
        case never:
            assert_never(never)


def _closing_line(view: View) -> str:
    if view.task.live:
        return ""
    runs = [recorded for recorded in view.history if isinstance(recorded.event, RunAdmitted)]
    if not runs:
        return ""
    whole = (view.history[-1].at - view.history[0].at).total_seconds()
    published = newest(view.history, Published)
    where = f" · pull request #{published.pull}" if published else ""
    return f"{duration(whole)} from label to end · {count(len(runs), 'run')}{where}"


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
