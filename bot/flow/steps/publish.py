"""Publish: push by commit id, open or renew the pull request and the report."""

from dataclasses import replace

from bot.flow.steps.bench import Bench
from bot.flow.steps.spending import spent
from bot.github.errors import Elsewhere, NotInstalled, Refused, Unreadable
from bot.task.codec import decode_filed
from bot.task.effects import Publish
from bot.task.events import HeadMoved, Published, PublishRefused, WorkspacePrepared
from bot.task.history import newest
from bot.task.ids import ArtifactId, Login, PullNumber
from bot.task.model import Task, review_id, reviews_of
from bot.task.observed import CheckRunDraft, Pull, PullDraft, Repository, ReviewState
from bot.words import report as words
from bot.words.rules import rejected
from bot.workspace.values import BranchMoved, PushRefused, Remote


async def publish(bench: Bench, task: Task, effect: Publish) -> Published | PublishRefused | HeadMoved:
    """Idempotent: the push is of one commit, pull request and check run are found by their natural keys."""
    try:
        return await _publish(bench, task, effect)
    except (Refused, NotInstalled, Elsewhere, Unreadable) as refused:
        return PublishRefused(effect.run, f"{refused}.")


async def _publish(bench: Bench, task: Task, effect: Publish) -> Published | PublishRefused | HeadMoved:
    if task.commit is None:
        raise ValueError(f"task {task.id} has nothing to publish")
    repo = await bench.place(task)
    if repo is None:
        return PublishRefused(effect.run, f"the App cannot see the repository {task.issue.repo.full_name} any more.")
    await bench.bring_back(task, task.commit)
    remote = Remote(repo.clone_url, await bench.github.credential(repo))
    pushed = await bench.workspaces.push(task.id, remote, task.commit, task.branch, task.start)
    if isinstance(pushed, BranchMoved):
        return HeadMoved(effect.run)
    if isinstance(pushed, PushRefused):
        return PublishRefused(effect.run, rejected(task.branch, pushed.reason))
    return await _report(bench, task, effect, repo)


async def _report(bench: Bench, task: Task, effect: Publish, there: Repository) -> Published | PublishRefused:
    repo, base, commit = there.ref, task.base, task.commit
    history = await bench.store.history(task.id)
    prepared = newest(history, WorkspacePrepared)
    if base is None or commit is None or prepared is None:
        raise ValueError(f"task {task.id} was never prepared")
    files = await bench.workspaces.changes(task.id, base, commit)
    report = words.from_history(task, history, files, (await spent(bench, task)).task_used)
    if report.verification is not None and report.verification.proof is not None:
        kept = await bench.store.artifact(ArtifactId(report.verification.proof.artifact or 0))
        report = replace(report, filed=decode_filed(kept) if kept is not None else None)
    check_run = CheckRunDraft(
        head=commit,
        name=words.CHECK_RUN_NAME,
        external_id=f"task:{task.id}",
        conclusion=words.conclusion(report),
        title=words.check_title(report),
        summary=words.check_summary(report),
        text=words.check_text(report),
        annotations=words.annotations(report),
    )
    url = await bench.github.put_check_run(repo, check_run)
    draft = PullDraft(
        head=task.branch,
        base=prepared.base_branch,
        title=words.pull_title(task),
        ours=words.pull_body(report, url),
        draft=words.is_draft(report) or await _held(bench, task),
    )
    pull = await _put_pull(bench, there, draft)
    if not pull.is_open:
        return PublishRefused(effect.run, f"pull request {pull.number} was closed meanwhile.")
    await bench.github.request_review(repo, pull.number, await _reviewers(bench, task, pull.number))
    changed = await bench.workspaces.changes(task.id, task.start, commit) if task.start else ()
    return Published(effect.run, pull.number, commit, draft.draft, url, changed)


async def _held(bench: Bench, task: Task) -> bool:
    """Did a person turn into a draft what we had published as ready? Then it stays one until a person ends that."""
    before = newest(await bench.store.history(task.id), Published)
    if task.pull is None or before is None or before.draft:
        return False
    there = await bench.github.pull(task.issue.repo, task.pull)
    return there is not None and there.draft


async def _reviewers(bench: Bench, task: Task, pull: PullNumber) -> list[Login]:
    """At first the person who asked; later those who asked for changes that this run took up."""
    if task.pull is None:
        return [task.requester]
    seen = [await bench.github.review(task.issue.repo, pull, review_id(fact)) for fact in reviews_of(task.current)]
    return [one.author.login for one in seen if one and one.state is ReviewState.CHANGES_REQUESTED]


async def _put_pull(bench: Bench, repo: Repository, draft: PullDraft) -> Pull:
    """Onto the branch that the work was prepared on, or onto what the default branch is called by now."""
    try:
        return await bench.github.put_pull(repo.ref, draft)
    except Refused as refused:
        if refused.status != 422 or draft.base == repo.default_branch:
            raise
        return await bench.github.put_pull(repo.ref, replace(draft, base=repo.default_branch))
