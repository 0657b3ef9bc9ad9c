"""What an agent is told beside its task: the repository's own instructions, and what went before if it cannot know."""

from collections.abc import AsyncIterator
from typing import Final

from bot.flow.steps.bench import Bench
from bot.task.events import ChangesMade, IssueAnswered, NothingDone, QuestionAsked, WorkDeclined
from bot.task.ids import CommitSha
from bot.task.model import Task
from bot.words.prompt import Instructions

NAMES: Final = ("AGENTS.md", "CLAUDE.md", "GEMINI.md", ".github/copilot-instructions.md", "CONTRIBUTING.md")
"""Read from the base commit: what a branch says is not the repository's word yet."""
EACH: Final = 8_000
"""Characters of one file."""
TURNS_TOLD: Final = 10


async def instructions(bench: Bench, task: Task, base: CommitSha) -> tuple[Instructions, ...]:
    """The repository's files for agents and contributors, each once, cut off where it is long."""
    found: dict[str, Instructions] = {}
    async for path, text in _texts(bench, task, base):
        found.setdefault(text, Instructions(path, text[:EACH], cut=len(text) > EACH))
    return tuple(found.values())


async def _texts(bench: Bench, task: Task, base: CommitSha) -> AsyncIterator[tuple[str, str]]:
    for path in NAMES:
        content = await bench.workspaces.read(task.issue.repo, base, path)
        if content and (text := content.decode(errors="replace").strip()):
            yield path, text


async def told_so_far(bench: Bench, task: Task) -> tuple[str, ...]:
    """What the agent said at the end of its earlier turns, for one that has no session to remember it by."""
    if task.session is not None:
        return ()
    said: list[str] = []
    for recorded in await bench.store.history(task.id):
        match recorded.event:
            case ChangesMade(summary=text) | NothingDone(summary=text) if recorded.ignored is None:
                said.append(text)
            case QuestionAsked(question=text) if recorded.ignored is None:
                said.append(f"(It asked.) {text}")
            case WorkDeclined(reason=text) | IssueAnswered(text=text) if recorded.ignored is None:
                said.append(f"(It changed nothing.) {text}")
            case _:
                continue
    return tuple(text for text in said if text)[-TURNS_TOLD:]
