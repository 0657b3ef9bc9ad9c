"""The other doors in memory: worktrees are dictionaries, agents replay scripts on them, checks look for a word."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.agents.scripted.agent import NOTICE
from bot.agents.turn import LastCall, Turn, never
from bot.sandbox.box import Box, Limits
from bot.task.certificate import Tool
from bot.task.evidence import ChangedFile
from bot.task.ids import BranchName, CommitSha, RepoRef, TaskId
from bot.task.results import (
    FaultKind,
    FileChange,
    Harvest,
    Harvested,
    HarvestRefused,
    NothingChanged,
    Progress,
    TurnAnswered,
    TurnAsked,
    TurnDeclined,
    TurnEnded,
    TurnFailed,
    TurnOutcome,
)
from bot.verify.command import Command, Ran
from bot.workspace.budget import Trimmed
from bot.workspace.values import (
    BranchMoved,
    CommitMessage,
    Fetched,
    FetchRefused,
    InPlace,
    Merge,
    MergeRefused,
    Prepared,
    Pushed,
    PushRefused,
    Remote,
    SetUp,
)
from tests.worlds.memory_git import Files, MemoryGit
from tests.worlds.small_world import SmallWorld

BROKEN = "BUG"
"""A check fails on a commit that has this word in a file."""


@dataclass
class SmallWorkspaces:
    """Protocol `Workspaces`. Like a disk, it outlives a crash of the bot."""

    world: SmallWorld
    git: MemoryGit
    trees: dict[TaskId, Files] = field(default_factory=dict)
    homes: dict[TaskId, bytes] = field(default_factory=dict)

    async def fetch(
        self, task: TaskId, repo: RepoRef, remote: Remote, base: BranchName, branch: BranchName
    ) -> Fetched | FetchRefused:
        if base not in self.world.branches:
            return FetchRefused(f"the repository has no branch {base}.")
        return Fetched(self.world.branches[base], self.world.branches.get(branch))

    async def read(self, repo: RepoRef, commit: CommitSha, path: str) -> bytes | None:
        text = self.git.files(commit).get(path)
        return None if text is None else text.encode()

    async def paths(self, repo: RepoRef, commit: CommitSha) -> Sequence[str]:
        return sorted(self.git.files(commit))

    async def open(self, task: TaskId, repo: RepoRef, start: CommitSha) -> bool:
        kept = task in self.trees
        self.trees.setdefault(task, self.git.files(start))
        self.homes.setdefault(task, b"{}")
        return kept

    def box(self, task: TaskId) -> Box:
        return Box((), f"/task/{task}")

    async def merge(
        self, task: TaskId, repo: RepoRef, onto: CommitSha, base: CommitSha, message: CommitMessage
    ) -> Merge | MergeRefused | None:
        made = self.git.merge(onto, base, message.text)
        return Merge(*made) if made else None

    async def harvest(
        self, task: TaskId, base: CommitSha, parent: CommitSha | Merge, message: CommitMessage
    ) -> Harvest:
        files = self.trees[task]
        if isinstance(parent, Merge):
            left = [path for path in parent.conflicts if "<<<<<<< " in files.get(path, "")]
            if left:
                return HarvestRefused(tuple(f"`{path}` still holds conflict markers." for path in left))
            ours, theirs = self.git.commits[parent.commit][0], self.git.merged[parent.commit]
            assert ours is not None
            made = self.git.commit(ours, files, message.text, theirs)
            return Harvested(made, _changes(self.git.files(base), files))
        if files == self.git.files(parent):
            return NothingChanged()
        forbidden = [path for path in files if path.startswith(".github/workflows/")]
        if forbidden:
            return HarvestRefused(tuple(f"`{path}` is protected: only people change it." for path in forbidden))
        changes = _changes(self.git.files(self.git.fork(base, parent)), files)
        return Harvested(self.git.commit(parent, files, message.text), changes)

    async def changes(self, task: TaskId, base: CommitSha, commit: CommitSha) -> tuple[FileChange, ...]:
        return _changes(self.git.files(self.git.fork(base, commit)), self.git.files(commit))

    async def fork(self, task: TaskId, base: CommitSha, head: CommitSha) -> CommitSha:
        return self.git.fork(base, head)

    async def contents(self, task: TaskId, base: CommitSha, head: CommitSha) -> tuple[ChangedFile, ...]:
        old, new = self.git.files(base), self.git.files(head)
        return tuple(
            ChangedFile(path, _bytes(old.get(path)), _bytes(new.get(path)))
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        )

    async def compose(self, task: TaskId, onto: CommitSha, laid: Mapping[str, bytes | CommitSha]) -> CommitSha:
        files = self.git.files(onto)
        for path, source in laid.items():
            text = source.decode() if isinstance(source, bytes) else self.git.files(source).get(path)
            files.pop(path, None)
            files |= {} if text is None else {path: text}
        return onto if files == self.git.files(onto) else self.git.commit(onto, files, "composed")

    async def tree(self, task: TaskId, commit: CommitSha) -> str:
        return f"tree of {commit}"

    async def check_out(self, task: TaskId, commit: CommitSha) -> Box:
        return Box((), f"/check/{commit}")

    async def drop_checkout(self, task: TaskId) -> None:
        return

    async def set_up(self, task: TaskId, repo: RepoRef, commit: CommitSha, setup: SetUp) -> Prepared:
        return InPlace()

    async def save(self, task: TaskId, base: CommitSha, commit: CommitSha) -> bytes:
        return commit.encode()

    async def restore(self, task: TaskId, repo: RepoRef, bundle: bytes) -> None:
        assert CommitSha(bundle.decode()) in self.git.commits

    async def save_state(self, task: TaskId, caches: Sequence[str]) -> bytes | None:
        return self.homes.get(task)

    async def restore_state(self, task: TaskId, state: bytes) -> None:
        self.homes[task] = state

    async def push(
        self, task: TaskId, remote: Remote, commit: CommitSha, branch: BranchName, expected: CommitSha | None
    ) -> Pushed | BranchMoved | PushRefused:
        actual = self.world.branches.get(branch)
        if actual not in (expected, commit):
            return BranchMoved(actual)
        self.world.branches[branch] = commit
        self.world.follow_heads()
        return Pushed()

    async def propose(
        self, task: TaskId, base: CommitSha, path: str, content: bytes, message: CommitMessage
    ) -> CommitSha:
        return self.git.commit(base, {**self.git.files(base), path: content.decode()}, message.text)

    async def close(self, task: TaskId) -> None:
        self.trees.pop(task, None)
        self.homes.pop(task, None)

    async def trim(self) -> Trimmed:
        return Trimmed(0, 0, 0)

    async def leftovers(self) -> Sequence[TaskId]:
        return list(self.trees)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _changes(old: Files, new: Files) -> tuple[FileChange, ...]:
    changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    return tuple(
        FileChange(
            path,
            "A" if path not in old else "D" if path not in new else "M",
            len(new.get(path, "").splitlines()),
            len(old.get(path, "").splitlines()),
        )
        for path in changed
    )


Script = Mapping[str, Any]
"""As `bot/agents/scripted` reads it: `{"turns": [{"when": "...", "steps": [...]}]}`."""


@dataclass
class SmallAgents:
    """Protocol `Agents`: replays the same scripts as the scripted agent, on a dictionary."""

    workspaces: SmallWorkspaces
    script: Script
    prompts: list[str] = field(default_factory=list)
    before_turn: Callable[..., Awaitable[None]] | None = None
    """What a turn does first: hang, say."""

    def known(self) -> Mapping[str, str]:
        return {"scripted": "replays steps without a language model"}

    def caches(self, agent: str) -> Sequence[str]:
        return ()

    async def turn(
        self,
        agent: str,
        box: Box,
        prompt: str,
        session: str | None,
        limits: Limits,
        heard: Callable[[Progress], None],
        last_call: LastCall = never,
    ) -> Turn:
        task = TaskId(int(box.cwd.rpartition("/")[2]))
        self.prompts.append(prompt)
        if self.before_turn is not None:
            await self.before_turn()
        state: dict[str, int] = json.loads(self.workspaces.homes[task])
        known = session if session is not None and session in state else f"session-{task}-{len(state)}"
        turn_number = state.get(known, 0)
        state[known] = turn_number + 1
        self.workspaces.homes[task] = json.dumps(state).encode()
        heard(Progress(doing="replaying"))
        return Turn(self._play(task, self._steps(prompt, turn_number)), known)

    def _steps(self, prompt: str, turn_number: int) -> list[dict[str, Any]]:
        turns = self.script["turns"]
        for turn in turns:
            if turn.get("when") and turn["when"] in prompt:
                return list(turn["steps"])
        plain = [turn for turn in turns if not turn.get("when")]
        return list(plain[min(turn_number, len(plain) - 1)]["steps"])

    def _play(self, task: TaskId, steps: list[dict[str, Any]]) -> TurnOutcome:
        tree = self.workspaces.trees[task]
        said = NOTICE
        for step in steps:
            match step:
                case {"write": {"path": path, "text": None}}:
                    tree.pop(path, None)
                case {"write": {"path": path, "text": text}}:
                    tree[path] = text
                case {"say": text}:
                    said = text
                case {"reply": text, "threads": answer}:
                    places = re.findall(r"^\[(\d+)\] At ", self.prompts[-1], re.MULTILINE)
                    said = "\n".join([text, "", *(f"[{place}] {answer}" for place in places)])
                case {"ask": text}:
                    return TurnAsked(text)
                case {"decline": text}:
                    return TurnDeclined(text)
                case {"answer": text}:
                    return TurnAnswered(text)
                case {"crash": code}:
                    words = f"exit code {code}): scripted agent: crash with exit code {code}"
                    return TurnFailed(FaultKind.CRASHED, f"The agent's process ended before its turn did ({words}")
                case _:
                    raise AssertionError(f"the small agent does not know {step}")
        return TurnEnded(said)


@dataclass
class SmallChecks:
    """Protocol `Checks`: a command fails on a commit that has a BUG in a file."""

    git: MemoryGit
    commits: list[CommitSha] = field(default_factory=list)
    """On which it was run, in order."""

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        self.commits.append(CommitSha(box.cwd.rpartition("/")[2]))
        files = self.git.files(self.commits[-1])
        broken = sorted(path for path, text in files.items() if BROKEN in text)
        for command in commands:
            yield Ran(command, 1 if broken else 0, 0.0, "", f"broken: {broken}".encode() if broken else b"ok")

    async def reports(self, box: Box) -> dict[str, bytes] | None:
        return {}

    async def tools(self, commands: Sequence[Command]) -> tuple[Tool, ...]:
        return (Tool("small", "1"),)
