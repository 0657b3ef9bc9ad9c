"""Certify two commits of any repository on this machine, and say what came out."""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from bot.flow.steps.bench import commands as checks_of
from bot.flow.steps.checks import SETUP
from bot.flow.steps.limits import boxed
from bot.flow.trees import TaskTrees
from bot.operator.decided import rulebook, toolchains
from bot.operator.folders import Private
from bot.operator.read import find, read
from bot.sandbox.probe import probe
from bot.sandbox.process import Sandbox
from bot.settings import Settings
from bot.task import repo_config
from bot.task.certificate import CertificateVerdict, as_json
from bot.task.ids import BranchName, CommitSha, InstallationId, RepoRef, TaskId
from bot.task.limits import narrowed
from bot.task.repo_config import BadConfig, RepoConfig
from bot.task.results import ChecksOrigin
from bot.trial.source import Two
from bot.trial.unfit import Unfit
from bot.verify.baseline import Nowhere
from bot.verify.certify import Certified, Order, certify
from bot.verify.command import Command
from bot.verify.findings import scope, weakened
from bot.verify.run import Measured, Rig
from bot.verify.runner import SandboxChecks
from bot.words.certificate import plainly
from bot.workspace.values import FetchRefused, Remote
from bot.workspace.workspaces import GitWorkspaces

TASK, REPO = TaskId(1), RepoRef(1, "local/repository", InstallationId(0))
OUTPUT_SHOWN = 4000
"""Bytes of the end of a command's output that `--json` tells."""


class Code(IntEnum):
    """Exit codes of `issuewright verify`; 2 is a usage error."""

    CLEAN = 0
    """Nothing is broken, weakened or out of scope."""
    BROKEN = 1
    """A test or a required check that held on the base fails."""
    UNFIT = 2
    """Repository, commits or options cannot be used."""
    WEAKENED = 3
    """Nothing is broken, but the proof is worth less than before."""
    OUT_OF_SCOPE = 4
    """The change touches what it may not."""
    UNCHECKED = 5
    """No required check ran to an end that says something."""


_CODES = {
    CertificateVerdict.CLEAN: Code.CLEAN,
    CertificateVerdict.BROKEN: Code.BROKEN,
    CertificateVerdict.WEAKENED: Code.WEAKENED,
    CertificateVerdict.OUT_OF_SCOPE: Code.OUT_OF_SCOPE,
    CertificateVerdict.UNCHECKED: Code.UNCHECKED,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The checks, and where they come from."""

    config: RepoConfig
    commands: tuple[Command, ...]
    origin: str

    @property
    def setup(self) -> Command | None:
        return Command(SETUP, self.config.setup, required=True) if self.config.setup else None


def read_checks(file: Path) -> RepoConfig:
    """The checks of `--checks`, in the form of the repository's own file. Raises Unfit."""
    try:
        config = repo_config.parse(file.read_bytes())
    except OSError as error:
        raise Unfit(f"--checks {file} cannot be read: {error.strerror}.") from error
    if isinstance(config, BadConfig):
        raise Unfit(f"--checks {file}: {config.reason.replace(f'`{repo_config.PATH}`', 'the file', 1)}")
    if not config.checks:
        raise Unfit(f"--checks {file} names no check: it wants `checks:` with a name and a command.")
    return config


async def verify(two: Two, given: RepoConfig | None, settings: Settings, *, as_json_line: bool) -> int:
    """Certify, print, and give the exit code. Raises Unfit."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="issuewright-verify-") as folder:
        certified = await audit(two, given, settings, Path(folder))
    certificate = certified.certificate
    if as_json_line:
        print(json.dumps({**as_json(certificate), "beside": _beside(certified, time.monotonic() - began)}), flush=True)
    else:
        print(plainly(certificate), flush=True)
    code = _CODES[certificate.verdict]
    if code is Code.UNCHECKED and not certificate.checks:
        print(f"issuewright: {_why_none(settings)}", file=sys.stderr)
    return int(code)


async def audit(two: Two, given: RepoConfig | None, settings: Settings, folder: Path) -> Certified:
    """Certify `two`; everything that is made lies below `folder`. Raises Unfit and SettingsError."""
    file = read(settings)
    capability = probe(settings.sandbox, folder)
    tools = toolchains(file, Private.of(settings, find(settings)))
    sandbox = Sandbox(capability, toolchains=tools.folders, path=tools.path)
    workspaces = GitWorkspaces(folder / "work", sandbox)
    handed = folder / "handed.git"
    two.lend(handed)
    branches = (BranchName("base"), BranchName("head"))
    fetched = await workspaces.fetch(TASK, REPO, Remote(str(handed), ""), *branches)
    if isinstance(fetched, FetchRefused):
        raise Unfit(fetched.reason)
    base, head = CommitSha(two.base), CommitSha(two.head)
    wanted = await _wanted(workspaces, base, given)
    limits, _ = narrowed(rulebook(file).of(REPO.full_name).limits, wanted.config.limits)
    checks = SandboxChecks(sandbox)
    commands = wanted.commands if capability.admits_strangers else ()
    rig = Rig(TaskTrees(workspaces, TASK), checks, commands, wanted.setup, boxed(limits, limits.check_minutes.value))
    order = Order(
        base=base,
        head=head,
        origin=wanted.origin if commands else str(ChecksOrigin.NONE),
        sandbox=str(capability.level),
        tools=await checks.tools(commands) if commands else (),
        weakened=weakened(commands),
        scope=scope,
    )
    try:
        return await certify(rig, order, Nowhere())
    finally:
        await workspaces.close(TASK)


async def _wanted(workspaces: GitWorkspaces, base: CommitSha, given: RepoConfig | None) -> Wanted:
    if given is not None:
        named = tuple(Command(name, check.run, check.required) for name, check in given.checks.items())
        return Wanted(given, named, "given")
    config = repo_config.parse(await workspaces.read(REPO, base, repo_config.PATH))
    if isinstance(config, BadConfig):
        raise Unfit(f"On the base, {config.reason}")
    commands, origin = await checks_of(workspaces, REPO, base)
    return Wanted(config, commands, str(origin))


def _why_none(settings: Settings) -> str:
    capability = probe(settings.sandbox)
    if not capability.admits_strangers:
        return f"no check ran: {capability.reason} {capability.mend}".strip()
    return (
        f"no check ran: the base names none in {repo_config.PATH} and none could be guessed; give them with --checks."
    )


def _beside(certified: Certified, seconds: float) -> dict[str, Any]:
    """What is no claim: times and output."""
    stages = {"base": certified.baseline.measured, "head": certified.head, "red_first": certified.red}
    runs = [_run(stage, one) for stage, measured in stages.items() for one in measured]
    return {"seconds": round(seconds, 3), "runs": runs}


def _run(stage: str, one: Measured) -> dict[str, Any]:
    output = one.ran.output[-OUTPUT_SHOWN:].decode(errors="replace")
    return {"stage": stage, "check": one.run.name, "milliseconds": one.run.milliseconds, "output": output}
