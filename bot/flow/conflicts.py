"""Pull requests that conflict with their base: which of them is merged with it, and when."""

import logging
from datetime import timedelta

from bot.flow.doors import Clock, GitHub
from bot.store.store import Store
from bot.task.events import BaseMoved
from bot.task.ids import FactKey, RepoRef
from bot.task.model import Phase, Stage, Task, conflicts_of, stage
from bot.task.observed import Pull

log = logging.getLogger(__name__)

MERGES_A_DAY = 4
"""How often the base is merged into one pull request; a base that moves all day is not run after."""


async def merge_oldest(store: Store, github: GitHub, clock: Clock, repo: RepoRef) -> None:
    """Of the pull requests that conflict with their base, the oldest one is merged with it first, and alone."""
    tasks = await store.tasks_of_repo(repo.id)
    if any(stage(task.phase) is Stage.RUN and conflicts_of((*task.pending, *task.current)) for task in tasks):
        log.info("%s: another pull request is merged with its base; the next one waits for it", repo.full_name)
        return
    waiting = [(task.pull, task) for task in tasks if task.phase is Phase.IN_REVIEW and task.pull is not None]
    for number, task in sorted(waiting, key=lambda one: one[0]):
        seen = await github.pull(repo, number)
        if seen is None or not seen.is_open or seen.mergeable is not False:
            continue
        told = await _base_moved(github, seen)
        if told is None or await store.fact_known(repo.id, task.issue.number, _key(told)):
            continue
        if await _often(store, clock, task):
            log.info("%s#%d was merged with its base %d times in a day", repo.full_name, number, MERGES_A_DAY)
            continue
        await store.apply(task.id, told, _key(told))
        return


async def _base_moved(github: GitHub, pull: Pull) -> BaseMoved | None:
    """None: its base is not the one that work is based on."""
    there = await github.repository(pull.repo)
    base = await github.tip(pull.repo, pull.base_branch)
    if there is None or base is None or there.default_branch != pull.base_branch:
        return None
    return BaseMoved(pull.head, base)


def _key(told: BaseMoved) -> FactKey:
    return FactKey(f"conflict:{told.head}:{told.base}")


async def _often(store: Store, clock: Clock, task: Task) -> bool:
    lately = clock() - timedelta(days=1)
    told = [one for one in await store.history(task.id) if isinstance(one.event, BaseMoved)]
    return sum(one.at > lately and one.ignored is None for one in told) >= MERGES_A_DAY
