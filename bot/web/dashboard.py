"""What `/` shows: tasks in groups, those that need a person first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.values import Listed, OpenEffect
from bot.task.ids import TaskId
from bot.task.model import RUNNING, Phase, Task
from bot.task.results import Progress
from bot.words.plain import count, one_line
from bot.words.timeline import Mood, ago, phase_word

TASKS = 1000
"""How many tasks, newest first, the page looks at."""
FINISHED = 50
"""How many finished ones it shows."""
FAILED_NEEDS_YOU = timedelta(days=14)
"""So long a failure asks for attention; afterwards nobody means to mend it."""

_ASKS_FIRST = {Phase.NEEDS_INPUT: 0, Phase.FAILED: 1, Phase.IN_REVIEW: 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One task in a list."""

    task: Task
    badge: str
    mood: Mood
    age: str
    """Since its last change."""
    doing: str
    """What its agent says that it does now."""


@dataclass(frozen=True, slots=True)
class Group:
    """A heading and its tasks; `empty` is said when there are none."""

    title: str
    rows: tuple[Row, ...]
    empty: str


def groups(tasks: Sequence[Listed], progress: Mapping[TaskId, Progress], now: datetime) -> tuple[Group, ...]:
    """Needs you (longest waiting first), running, queued (oldest first), finished (newest first)."""
    by_age = sorted(tasks, key=lambda listed: listed.updated_at)
    needs = [listed for listed in by_age if _needs_you(listed, tasks, now)]
    needs.sort(key=lambda listed: _ASKS_FIRST[listed.task.phase])
    asking = {listed.task.id for listed in needs}
    running = [listed for listed in by_age if listed.task.phase in RUNNING]
    queued = [listed for listed in by_age if listed.task.phase is Phase.QUEUED]
    over = [listed for listed in reversed(by_age) if not listed.task.live and listed.task.id not in asking]

    def rows(chosen: Sequence[Listed]) -> tuple[Row, ...]:
        return tuple(_row(listed, progress.get(listed.task.id), now) for listed in chosen)

    return (
        Group("Needs you", rows(needs), "Nothing waits for a person."),
        Group("Running", rows(running), "No run is going on."),
        Group("Queued", rows(queued), ""),
        Group("Finished", rows(over[:FINISHED]), ""),
    )


def _needs_you(listed: Listed, tasks: Sequence[Listed], now: datetime) -> bool:
    task = listed.task
    if task.phase in (Phase.NEEDS_INPUT, Phase.IN_REVIEW):
        return True
    if task.phase is not Phase.FAILED or now - listed.updated_at > FAILED_NEEDS_YOU:
        return False
    followed = any(other.task.issue == task.issue and other.task.generation > task.generation for other in tasks)
    return not followed


def _row(listed: Listed, progress: Progress | None, now: datetime) -> Row:
    task = listed.task
    age = ago((now - listed.updated_at).total_seconds())
    doing = said_so_far(progress) if progress and task.phase is Phase.WORKING else ""
    return Row(task, phase_word(task.phase), mood_of(task.phase), age, doing)


def said_so_far(progress: Progress) -> str:
    """One line of what the agent says: what it does, and how many files it touched."""
    files = f"{count(len(progress.files), 'file')} so far" if progress.files else ""
    return " · ".join(part for part in (one_line(progress.doing), files) if part)


def mood_of(phase: Phase) -> Mood:
    """The colour of a phase."""
    match phase:
        case Phase.NEEDS_INPUT | Phase.IN_REVIEW:
            return Mood.ASKS
        case Phase.FAILED:
            return Mood.BAD
        case Phase.DONE | Phase.ANSWERED:
            return Mood.GOOD
        case _:
            return Mood.PLAIN


def homeless_dead(effects: Sequence[OpenEffect]) -> tuple[OpenEffect, ...]:
    """Given up work that belongs to no task, and so to no task's page: deliveries, sweeps, labels."""
    return tuple(effect for effect in effects if effect.dead and not effect.subject.startswith("task:"))
