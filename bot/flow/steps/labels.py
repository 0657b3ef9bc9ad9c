"""SetLabels: our labels on the issue say how its newest task stands."""

from bot.flow.steps.bench import Bench
from bot.task.ids import FactKey
from bot.task.model import LABEL_NEEDS_INPUT, LABEL_PLAN, LABEL_RUN, Task, labels_of
from bot.task.observed import Issue


async def set_labels(bench: Bench, task: Task) -> None:
    """State, not a step of a sequence: late or twice, it leaves the same. What a person just did is left alone."""
    newest = await bench.store.latest_task(task.issue.repo.id, task.issue.number) or task
    issue = await bench.github.issue(task.issue)
    if issue is None:
        return
    wanted = labels_of(newest)
    for label in (LABEL_RUN, LABEL_PLAN, LABEL_NEEDS_INPUT):
        if (label in wanted) is issue.has(label) or await _is_news(bench, issue, label):
            continue
        if label in wanted:
            await bench.github.add_label(task.issue, label)
        else:
            await bench.github.remove_label(task.issue, label)


async def _is_news(bench: Bench, issue: Issue, label: str) -> bool:
    """Did a person change this label since the task last heard of it? Then the observer has to see it first."""
    if label == LABEL_NEEDS_INPUT:
        return False
    changes = await bench.github.label_changes(issue.ref, label)
    if not changes or changes[-1].by.id == await bench.github.own_user_id():
        return False
    fact = FactKey(f"{'label' if changes[-1].added else 'unlabel'}:{changes[-1].id}")
    return not await bench.store.fact_known(issue.ref.repo.id, issue.ref.number, fact)
