"""The story: one label becomes a merged pull request. People act on the forge; the bot only reacts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo import sample
from bot.demo.narrator import Narrator
from bot.demo.stage import Stage
from bot.task.ids import IssueNumber
from bot.task.model import FINAL, LABEL_RUN, Phase, Task

LONGEST_WAIT = 90.0
"""Seconds for one scene; the demo promises two minutes for all."""
LOOK_EVERY = 0.1


class StoryFailed(Exception):
    """The story did not go on; the message is one sentence."""


@dataclass(slots=True)
class Story:
    """Plays the scenes in order and tells them as they happen."""

    stage: Stage
    narrator: Narrator
    _told: int = 0

    async def play(self) -> Task:
        """Label, pull request, review, second commit, merge. Returns the finished task; raises StoryFailed."""
        world, tell = self.stage.forge.world, self.narrator
        tell.head("A label")
        issue = world.open_issue(sample.FULL_NAME, sample.ISSUE_TITLE, sample.ISSUE_BODY, by=sample.OWNER)
        tell.act(sample.OWNER, f"opens issue #{issue.number}: {sample.ISSUE_TITLE}")
        world.label_issue(sample.FULL_NAME, issue.number, LABEL_RUN, by=sample.MAINTAINER)
        tell.act(sample.MAINTAINER, f"puts the label {LABEL_RUN} on it")
        number = IssueNumber(issue.number)
        task = await self._until(number, lambda task: task.phase is Phase.IN_REVIEW)

        tell.head("A review")
        if task.pull is None:
            raise StoryFailed("The task is in review without a pull request.")
        path, line = sample.REVIEW_PLACE
        world.submit_review(
            sample.FULL_NAME,
            task.pull,
            "REQUEST_CHANGES",
            sample.REVIEW_BODY,
            [(path, line, sample.REVIEW_COMMENT)],
            by=sample.MAINTAINER,
        )
        tell.act(sample.MAINTAINER, f"reviews #{task.pull}, at {path}:{line}: {sample.REVIEW_COMMENT}")
        first = task.run
        task = await self._until(number, lambda task: task.run > first and task.phase is Phase.IN_REVIEW)

        tell.head("A merge")
        world.merge_pull(sample.FULL_NAME, task.pull or 0, by=sample.MAINTAINER)
        tell.act(sample.MAINTAINER, f"merges #{task.pull}")
        task = await self._until(number, lambda task: task.phase is Phase.DONE)
        await self._cleaned_up(task)
        return task

    async def _until(self, issue: IssueNumber, reached: Callable[[Task], bool]) -> Task:
        """Tell what happens until the task is there."""
        store = self.stage.here.bot.store
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                while True:
                    task = await store.latest_task(self.stage.repo_id, issue)
                    if task is not None:
                        await self._tell_new(task)
                        if reached(task):
                            return task
                        if task.phase in FINAL:
                            raise StoryFailed(f"The task ended early: it is {task.phase}.")
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise StoryFailed(f"Nothing more happened within {LONGEST_WAIT:.0f} s.") from None

    async def _tell_new(self, task: Task) -> None:
        history = await self.stage.here.bot.store.history(task.id)
        for recorded in history[self._told :]:
            self.narrator.happened(recorded)
        self._told = len(history)

    async def _cleaned_up(self, task: Task) -> None:
        """Worktree, branch and label are gone, and nothing is left to do for the task."""
        store, world = self.stage.here.bot.store, self.stage.forge.world
        for _ in range(int(LONGEST_WAIT / LOOK_EVERY)):
            if not await store.open_effects(task.id):
                break
            await asyncio.sleep(LOOK_EVERY)
        await self._tell_new(task)
        labels = {label.name for label in world.issue(sample.FULL_NAME, task.issue.number).labels}
        branches = world.repo(sample.FULL_NAME).refs
        if LABEL_RUN in labels or f"refs/heads/{task.branch}" in branches or await store.open_effects(task.id):
            raise StoryFailed("The task is done, but label, branch or work is left over.")
        self.narrator.note("              label, branch and worktree are gone")
