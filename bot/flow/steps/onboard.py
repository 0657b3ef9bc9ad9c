"""Onboard: propose `.github/issuewright.yml` in one pull request, with what its checks say on the base."""

import logging
from datetime import datetime

from bot.flow.steps.bench import Bench, commands
from bot.sandbox.box import Limits
from bot.store.store import Store
from bot.task.effects import Onboard, Wait
from bot.task.ids import BranchName, CommitSha, InstallationId, RepoRef, onboarding_id
from bot.task.observed import PullDraft, Repository
from bot.task.repo_config import PATH
from bot.verify.command import Command
from bot.words import onboarding as words
from bot.workspace.values import BranchMoved, CommitMessage, Fetched, FetchRefused, PushRefused, Remote

log = logging.getLogger(__name__)

BRANCH = BranchName("agent/onboarding")


async def want_onboarding(store: Store, repo: RepoRef) -> None:
    """Ask for it, unless this repository had it."""
    if await store.marked(_done(repo)) is None:
        await store.want(f"repo:{repo.id}", Onboard(repo.id, repo.full_name, repo.installation))


async def onboard(bench: Bench, effect: Onboard) -> None:
    """Idempotent: the same base makes the same commit, and the pull request is found by its branch.

    Once there was one it is never opened again, however it ended and whatever this database remembers.
    """
    ref = RepoRef(effect.repo_id, effect.full_name, InstallationId(effect.installation))
    if await bench.store.marked(_done(ref)) is not None:
        return
    if await bench.store.pause_of(ref) is not None:
        again = Wait(bench.pace.paused_every, bench.pace.paused_every)
        await bench.store.want(f"repo:{ref.id}", effect, again)
        return
    repo = await bench.github.repository(ref)
    if repo is None or repo.archived:
        log.info("%s gets no onboarding: it is %s", ref.full_name, "archived" if repo else "gone")
        return
    there = await bench.github.pull_of_branch(repo.ref, BRANCH)
    if there is not None:
        await bench.store.mark(_done(ref), f"pull request {there.number}")
        return
    try:
        await _propose(bench, repo)
    finally:
        await bench.workspaces.close(onboarding_id(ref))


async def _propose(bench: Bench, repo: Repository) -> None:
    place = onboarding_id(repo.ref)
    remote = Remote(repo.clone_url, await bench.github.credential(repo))
    fetched = await bench.workspaces.fetch(place, repo.ref, remote, repo.default_branch, BRANCH)
    if isinstance(fetched, FetchRefused):
        log.info("%s gets no onboarding: %s", repo.ref.full_name, fetched.reason)
        return
    there = frozenset(await bench.workspaces.paths(repo.ref, fetched.base))
    if there & {PATH, ".github"}:
        return
    base, since = await _begun(bench, repo.ref, fetched)
    proposal = await _tried(bench, repo, base)
    content = words.proposed_file(proposal.checks).encode()
    message = CommitMessage(words.COMMIT, bench.author, since)
    commit = await bench.workspaces.propose(place, base, PATH, content, message)
    pushed = await bench.workspaces.push(place, remote, commit, BRANCH, None)
    if isinstance(pushed, BranchMoved | PushRefused):
        why = pushed.reason if isinstance(pushed, PushRefused) else f"the branch {BRANCH} is there already"
        log.warning("%s gets no onboarding: %s", repo.ref.full_name, why)
        await bench.store.mark(_done(repo.ref), why)
        return
    draft = PullDraft(BRANCH, repo.default_branch, words.TITLE, words.body(proposal), draft=False)
    pull = await bench.github.put_pull(repo.ref, draft)
    await bench.store.mark(_done(repo.ref), f"pull request {pull.number}")


async def _begun(bench: Bench, repo: RepoRef, fetched: Fetched) -> tuple[CommitSha, datetime]:
    """Base and time of the first try: a second one makes the same commit of them, even if the base moved."""
    mark = f"onboarding:{repo.id}"
    begun = await bench.store.marked(mark)
    if begun is None:
        begun = f"{fetched.base} {bench.clock().isoformat()}"
        await bench.store.mark(mark, begun)
    base, _, since = begun.partition(" ")
    return CommitSha(base), datetime.fromisoformat(since)


async def _tried(bench: Bench, repo: Repository, base: CommitSha) -> words.Proposal:
    guessed, _ = await commands(bench.workspaces, repo.ref, base)
    outcomes = await _run(bench, repo, base, guessed) if guessed and bench.may_run_checks else ()
    return words.Proposal(
        checks=tuple((command.name, command.command) for command in guessed),
        base=base,
        branch=repo.default_branch,
        outcomes=outcomes,
        may_run=bench.may_run_checks,
        has_issues=repo.has_issues,
    )


async def _run(
    bench: Bench, repo: Repository, base: CommitSha, guessed: tuple[Command, ...]
) -> tuple[words.Outcome, ...]:
    place, most = onboarding_id(repo.ref), bench.rulebook.of(repo.ref.full_name).limits.check_minutes
    box = await bench.workspaces.check_out(place, base)
    try:
        return tuple(
            [
                words.Outcome(
                    ran.command.name,
                    ran.command.command,
                    ran.exit_code,
                    ran.seconds,
                    ran.note,
                    ran.output.decode(errors="replace"),
                )
                async for ran in bench.checks.run(box, guessed, Limits(seconds=most.value * 60))
            ]
        )
    finally:
        await bench.workspaces.drop_checkout(place)


def _done(repo: RepoRef) -> str:
    return f"onboarded:{repo.id}"
