"""UpdateStatus, Announce, Reply, Refuse: what is said to people."""

from bot.flow.steps.bench import Bench
from bot.task.effects import Announce, Refusal, Refuse, Reply, Topic
from bot.task.events import StatusPosted
from bot.task.ids import InstallationId, IssueNumber, IssueRef, RepoRef
from bot.task.model import LABEL_RUN, Task
from bot.words.comments import announcement, refusal, reply
from bot.words.status import View, status


async def update_status(bench: Bench, task: Task) -> StatusPosted | None:
    """The one status comment says how things are now."""
    view = View(
        task=task,
        history=await bench.store.history(task.id),
        progress=await bench.store.progress(task.id),
        position=await bench.store.position(task.id),
        pause=await bench.store.pause_of(task.issue.repo),
    )
    comment = await bench.github.put_comment(task.issue, f"status:{task.id}", status(view), task.status_comment)
    return None if comment == task.status_comment else StatusPosted(comment)


async def announce(bench: Bench, task: Task, effect: Announce) -> None:
    """One new comment, on the pull request when it is about a change there."""
    on_pull = effect.topic in {Topic.UPDATED, Topic.UNCHANGED}
    text = announcement(effect.topic, task, await bench.store.history(task.id), effect.run)
    await bench.github.put_comment(_place(task, on_pull), f"{effect.topic}:{task.id}:{effect.run}", text, None)


async def answer(bench: Bench, task: Task, effect: Reply) -> None:
    """An answer to a command, where it was given."""
    marker = f"reply:{effect.fact}:{effect.answer}"
    await bench.github.put_comment(_place(task, effect.on_pull), marker, reply(effect.answer, effect.word), None)


async def refuse(bench: Bench, effect: Refuse) -> None:
    """Say once why a label or command starts nothing, and take such a label away."""
    repo = RepoRef(effect.repo_id, effect.full_name, InstallationId(effect.installation))
    ref = IssueRef(repo, IssueNumber(effect.issue))
    await bench.github.put_comment(ref, f"refuse:{effect.fact}", refusal(effect.why, effect.by), None)
    if effect.why is not Refusal.NO_TASK:
        await bench.github.remove_label(ref, LABEL_RUN)


def _place(task: Task, on_pull: bool) -> IssueRef:
    if on_pull and task.pull is not None:
        return IssueRef(task.issue.repo, IssueNumber(task.pull))
    return task.issue
