"""The table of every (phase, event) pair, generated from `transition`. `python -m tests.task.table` writes it."""

from pathlib import Path

from bot.task.lifecycle import transition
from bot.task.model import Phase, Task
from bot.task.moves import Ignored, Moved
from tests.task.samples import EVENTS, task

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- transitions: generated -->", "<!-- transitions: end -->"


def table() -> str:
    """One row per event, one column per phase. `·` is ignored, `=` stays and does something, else the new phase."""
    head = "| event | " + " | ".join(phase.value for phase in Phase) + " |"
    rule = "|---" * (len(Phase) + 1) + "|"
    rows = [f"| {name} | " + " | ".join(_cell(task(phase), name) for phase in Phase) + " |" for name in EVENTS]
    return "\n".join([head, rule, *rows])


def _cell(before: Task, name: str) -> str:
    match transition(before, EVENTS[name]):
        case Ignored():
            return "·"
        case Moved(after) if after.phase is before.phase:
            return "="
        case Moved(after):
            return after.phase.value


def written() -> str:
    """The table that stands in the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}")
