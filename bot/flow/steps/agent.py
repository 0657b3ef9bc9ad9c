"""RunAgent: one turn of the agent in its worktree, then the harvest."""

from bot.flow.steps.assignment import assignment
from bot.flow.steps.bench import Bench
from bot.sandbox.box import Limits
from bot.task.effects import RunAgent
from bot.task.events import (
    AgentResult,
)
from bot.task.model import Task
from bot.task.results import (
    Harvest,
    Harvested,
)
from bot.words.prompt import prompt
from bot.workspace.values import CommitMessage

PROGRESS_SECONDS = 2.0
"""How often what the agent says is written down."""


async def run_agent(bench: Bench, task: Task, effect: RunAgent) -> AgentResult:
    """A turn that a crash interrupted goes on in the same files, and is told so."""
    kept = await bench.stand_ready(task)
    begun = await bench.store.marked(_mark(task)) is not None
    await bench.store.mark(_mark(task), bench.clock().isoformat())
    text = prompt(await assignment(bench, task, interrupted=kept and begun))
    config = await _config(bench, task)
    async with _progress(bench, task) as heard:
        turn = await bench.agents.turn(
            config.agent or task.agent,
            bench.workspaces.box(task.id),
            text,
            task.session,
            Limits(seconds=config.limits.minutes * 60),
            heard,
        )
    harvest = await take_over(bench, task)
    await bench.keep_state(task.id)
    return _result(bench, task, effect, turn.outcome, harvest, turn.session)


async def take_over(bench: Bench, task: Task) -> Harvest:
    """Harvest the worktree, and save what was found before anything else may happen to it."""
    base, parent = task.base, task.parent
    if base is None or parent is None:
        raise ValueError(f"task {task.id} has no base yet")
    message = CommitMessage(_message(task), bench.author, task.labelled_at)
    harvest = await bench.workspaces.harvest(task.id, base, parent, message)
    if isinstance(harvest, Harvested):
        await bench.keep_work(task.id, base, harvest.commit)
    return harvest
