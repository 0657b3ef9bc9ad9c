"""UpdateStatus, Announce, Reply, Refuse: what is said to people."""

from bot.flow.steps.bench import Bench
from bot.flow.steps.spending import spent
from bot.github.errors import Refused
from bot.task.effects import Announce, Refusal, Refuse, Reply, Topic
from bot.task.events import PlanPosted, StatusPosted
from bot.task.ids import CommentId, InstallationId, IssueNumber, IssueRef, RepoRef
from bot.task.limits import UNLIMITED
from bot.task.model import LABEL_RUN, Task, review_id
from bot.task.observed import Review
from bot.words.comments import announcement, refusal, reply
from bot.words.status import View, status
from bot.words.threads import since_reviews, thread_replies


async def update_status(bench: Bench, task: Task) -> StatusPosted | None:
    """The one status comment says how things are now."""
    limit = bench.rules(task).limits.usd.value
    view = View(
        task=task,
        used=(await spent(bench, task)).task_used,
        usd=None if limit == UNLIMITED else limit,
        history=await bench.store.history(task.id),
        progress=await bench.store.progress(task.id),
        position=await bench.store.position(task.id),
        pause=await bench.store.pause_of(task.issue.repo),
    )
    comment = await bench.github.put_comment(task.issue, f"status:{task.id}", status(view), task.status_comment)
    return None if comment == task.status_comment else StatusPosted(comment)


async def announce(bench: Bench, task: Task, effect: Announce) -> PlanPosted | None:
    """One new comment, on the pull request when it is about a change there; as a review when threads want answers."""
    on_pull = effect.topic in {Topic.UPDATED, Topic.UNCHANGED}
    history, marker = await bench.store.history(task.id), f"{effect.topic}:{task.id}:{effect.run}"
    text = announcement(effect.topic, task, history, effect.run)
    seen = await _reviews(bench, task, effect) if on_pull else []
    threads = {comment.thread: comment.path for review in seen for comment in review.comments}
    if task.pull is None or not threads:
        comment = await _say(bench, task, _place(task, on_pull), marker, text)
        return PlanPosted(effect.run, comment) if effect.topic is Topic.PLAN else None
    replies = thread_replies(threads, history, effect.run)
    text = "\n\n".join([text, *since_reviews(seen, history)])
    await bench.github.put_review(task.issue.repo, task.pull, marker, text, replies)
    return None


async def _say(bench: Bench, task: Task, place: IssueRef, marker: str, text: str) -> CommentId:
    """Where there are no issues any more, on the pull request."""
    try:
        return await bench.github.put_comment(place, marker, text, None)
    except Refused as refused:
        if not (refused.gone and task.pull and place == task.issue):
            raise
        return await bench.github.put_comment(_place(task, on_pull=True), marker, text, None)


async def _reviews(bench: Bench, task: Task, effect: Announce) -> list[Review]:
    """Those that the run took up and that are still there."""
    numbers = [review_id(fact) for fact in effect.reviews]
    pull = task.pull
    seen = [await bench.github.review(task.issue.repo, pull, number) for number in numbers] if pull else []
    return [review for review in seen if review is not None]


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
