"""How a trial ended: an exit code and one sentence, and what a person reads below it."""

from dataclasses import dataclass
from enum import IntEnum

from bot.task.events import NothingDone, Published, QuestionAsked, Verified
from bot.task.history import History, newest
from bot.task.ids import ArtifactId
from bot.task.model import Phase, Task
from bot.task.results import Verdict
from bot.words.comments import reason, why_failed
from bot.words.plain import ZERO_WIDTH, one_line
from bot.words.timeline import checks_said, visible

LOG_LINES = 15
"""Lines of a failed check's output that are shown."""


class Code(IntEnum):
    """Exit codes of `issuewright try`; 2 is a usage error, 128 and more a signal."""

    READY = 0
    """A pull request whose required checks pass."""
    UNPROVEN = 1
    """A pull request whose checks fail, or that none checked."""
    UNFIT = 2
    """Repository, issue or options cannot be used."""
    NO_CHANGE = 3
    """The agent changed nothing, declined, answered or asked."""
    FAILED = 4
    """The job failed or its time was up."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`sentence` is for one line; `words` are what else there is to read, the agent's included."""

    code: Code
    sentence: str
    words: str = ""


def ending(task: Task, history: History) -> Ending:
    """What the end of this task means."""
    if task.phase is Phase.IN_REVIEW:
        return _pull(history)
    match task.phase:
        case Phase.NEEDS_INPUT:
            asked = newest(history, QuestionAsked)
            return Ending(Code.NO_CHANGE, "The agent asks before it goes on.", asked.question if asked else "")
        case Phase.DECLINED if newest(history, NothingDone):
            return Ending(Code.NO_CHANGE, "The agent made no change.", plainly(reason(history, task.run)))
        case Phase.DECLINED:
            said = plainly(reason(history, task.run))
            return Ending(Code.NO_CHANGE, "The agent says that there is nothing to do.", said)
        case Phase.ANSWERED:
            said = plainly(reason(history, task.run))
            return Ending(Code.NO_CHANGE, "The agent answered the issue and changed nothing.", said)
        case _:
            why = plainly(why_failed(history, task.run))
            return Ending(Code.FAILED, f"It failed: {one_line(why.replace('- ', '', 1), 400)}", why)


def _pull(history: History) -> Ending:
    verified, published = newest(history, Verified), newest(history, Published)
    if verified is None or published is None:
        return Ending(Code.UNPROVEN, "The pull request is there, but no check ran.")
    sentence = f"Pull request #{published.pull}: {checks_said(verified.verification)}."
    passed = verified.verification.verdict is Verdict.PASSED and verified.verification.commit == published.head
    return Ending(Code.READY if passed and not published.draft else Code.UNPROVEN, sentence)


def out_of_time(task: Task, phase: Phase, minutes: float) -> Ending:
    """It was stopped in this phase because its time was up."""
    where = f"{phase}, attempt {task.attempt} of {task.attempts_allowed}" if task.attempt else str(phase)
    return Ending(Code.FAILED, f"The {minutes:g} min of --timeout were up while the task was {where}.")


def plainly(text: str) -> str:
    """Words that were made harmless for GitHub, as a terminal may show them."""
    return visible(text.replace(ZERO_WIDTH, "").replace("&lt;", "<"))


def first_screen(body: str) -> str:
    """The part of a pull request's body that stands above its folded details, without markdown."""
    above, _, _ = body.partition("<details>")
    lines = [line.removeprefix(">").strip().replace("**", "").replace("`", "") for line in above.splitlines()]
    told = [line for line in lines if line and not line.startswith(("<!--", "[!", "Closes #"))]
    return plainly("\n".join(told))


def failed_checks(verified: Verified | None) -> list[tuple[str, ArtifactId | None]]:
    """Name with command and result of each required check that failed, and its log."""
    failures = verified.verification.failures if verified else ()
    return [
        (f"{check.name}: {one_line(check.command)} ({_result(check.exit_code, check.note)})", check.log)
        for check in failures
    ]


def _result(exit_code: int | None, note: str) -> str:
    return f"exit code {exit_code}" if exit_code is not None else note


def tail(log: bytes) -> str:
    """The last lines of a log."""
    return "\n".join(visible(log.decode(errors="replace")).rstrip().splitlines()[-LOG_LINES:])
